"""Jumio's verification results: the document's status, and beside it whether the face fits. Retrieved answers are JSON; its callbacks are forms
with the same fields on one level, some of them JSON.

`rejectReasonDetails` is an object in one answer and a list in another. The callback of a workflow only says that it ended: a note.
"""

from collections.abc import Mapping

from ingestion.connectors.bodies import Bodies, Body, Row, at, known, need, word
from ingestion.connectors.kyc_rows import base, checked, decided, told
from ingestion.connectors.values import moment_of

_OUTCOMES: Mapping[str, str] = {
    "APPROVED_VERIFIED": "approved",
    "DENIED_FRAUD": "rejected",
    **dict.fromkeys(
        ("DENIED_UNSUPPORTED_ID_TYPE", "DENIED_UNSUPPORTED_ID_COUNTRY", "ERROR_NOT_READABLE_ID", "NO_ID_UPLOADED"),
        "again",
    ),
}
_SIMILARITY = {"MATCH": "clear", "NO_MATCH": "fail", "NOT_POSSIBLE": "consider"}


def rows(body: Body) -> list[Row]:
    """The identity check, the liveness check where there was one, and the status that follows."""
    if at(body, "workflowExecution") is not None:
        return [_ended(body)]
    stands = word(body, "document", "status") or need(body, "verificationStatus")
    outcome = known(_OUTCOMES, stands, "document.status")
    reference = word(body, "scanReference") or need(body, "jumioIdScanReference")
    moment = word(body, "timestamp") or word(body, "callbackDate") or need(body, "transaction", "date")
    common = base(
        "jumio",
        f"{reference}:{stands}",
        body,
        client_id=word(body, "transaction", "customerId") or word(body, "customerId"),
        occurred_at=moment_of(moment),
        document_type=word(body, "document", "type") or word(body, "idType"),
        document_country=word(body, "document", "issuingCountry") or word(body, "idCountry"),
        document_expires_on=word(body, "document", "expiry") or word(body, "idExpiry"),
        reason_codes=_reasons(at(body, "verification", "rejectReason") or at(body, "rejectReason")),
    )
    compared = at(body, "verification", "identityVerification") or at(body, "identityVerification")
    face = word(compared, "similarity")
    made = decided(common, outcome)
    if face is not None:
        genuine = word(compared, "validity") != "FALSE"
        made.append(checked(common, "liveness", known(_SIMILARITY, face, "similarity") if genuine else "fail"))
    return made


def _ended(body: Body) -> Row:
    own, stands = need(body, "workflowExecution", "id"), need(body, "workflowExecution", "status")
    moment = moment_of(need(body, "callbackSentAt"))
    return told(base("jumio", f"{own}:{stands}", body, client_id=word(body, "userReference"), occurred_at=moment))


def _reasons(reject: object) -> list[str]:
    details = at(reject, "rejectReasonDetails")
    listed = details if isinstance(details, list) else [details]
    found = [word(reject, "rejectReasonDescription"), *(word(one, "detailsDescription") for one in listed)]
    return [reason for reason in found if reason]


def _marks(head: bytes) -> bool:
    form = b"jumioIdScanReference=" in head and b"verificationStatus=" in head
    ended = b'"workflowExecution"' in head and b'"callbackSentAt"' in head
    return (b'"scanReference"' in head and b'"document"' in head) or b'"jumioIdScanReference"' in head or form or ended


CONNECTOR = Bodies(
    name="jumio",
    feeds=("kyc_events",),
    marks=_marks,
    rows=rows,
    patterns=("*.json", "*.jsonl", "*.txt"),
    forms=True,
)
