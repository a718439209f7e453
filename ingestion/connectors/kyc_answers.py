"""Answers of three smaller identification services: Shufti Pro, IdentityMind and SynapseFI.

Shufti Pro's and IdentityMind's state no time: theirs is the time the file was received. An answer that only says what was wrong with the
question is no event of a client.
"""

from collections.abc import Mapping

from ingestion.connectors.bodies import Bodies, Body, Row, at, known, need, word
from ingestion.connectors.kyc_rows import base, changed, decided, told
from ingestion.connectors.values import from_epoch

_SHUFTI: Mapping[str, str] = {"verification.accepted": "approved", "verification.declined": "rejected"}
_IDENTITYMIND: Mapping[str, str] = {"ACCEPT": "approved", "MANUAL_REVIEW": "review", "DENY": "rejected"}
_SYNAPSE: Mapping[str, str] = {
    "RECEIVE": "APPROVED",
    "SEND-AND-RECEIVE": "APPROVED",
    "UNVERIFIED": "IN_PROGRESS",
    "LOCKED": "REJECTED",
}


def shufti(body: Body) -> list[Row]:
    """A decision; ValueError for an answer about the question."""
    event, reference = need(body, "event"), need(body, "reference")
    if event not in _SHUFTI:
        raise ValueError(f"event: {event!r} is about the request, not about a client")
    reasons = [text for text in (word(body, "declined_reason"),) if text]
    return decided(
        base("shufti_pro", f"{reference}:{event}", body, reason_codes=reasons, reference=reference), _SHUFTI[event]
    )


def identitymind(body: Body) -> list[Row]:
    """A decision, by the policy's result."""
    own = word(body, "tid") or need(body, "mtid")
    outcome = known(_IDENTITYMIND, need(body, "res"), "res")
    codes = [code for code in (word(body, "rcd") or "").split(",") if code]
    user = word(body, "user")
    client = user if user and user.lower() != "unknown" else None
    return decided(
        base("identitymind", f"{own}:{word(body, 'state') or ''}", body, reason_codes=codes, client_id=client), outcome
    )


def synapse(body: Body) -> list[Row]:
    """The user's status, and a row a document that was handed in."""
    own, made = need(body, "_id"), list[Row]()
    documents = at(body, "documents")
    for document in documents if isinstance(documents, list) else []:
        listed = at(document, "physical_docs")
        for place, one in enumerate(listed if isinstance(listed, list) else []):
            name = f"{own}:{word(document, 'id') or ''}:{place}:{word(one, 'status') or ''}"
            moment = from_epoch(at(one, "last_updated"), 1000)
            kind = word(one, "document_type")
            made.append(
                told(base("synapsefi", name, body, occurred_at=moment, document_type=kind), "document_received")
            )
    permission = word(body, "permission") or "UNVERIFIED"
    moment = from_epoch(at(body, "extra", "last_updated"), 1000)
    common = base(
        "synapsefi", f"{own}:{permission}", body, occurred_at=moment, client_id=word(body, "extra", "supp_id")
    )
    return [*made, changed(common, known(_SYNAPSE, permission, "permission"))]


CONNECTORS = (
    Bodies(
        name="shufti_pro",
        feeds=("kyc_events",),
        marks=lambda head: b'"reference"' in head and b'"verification_url"' in head,
        rows=shufti,
        received=True,
    ),
    Bodies(
        name="identitymind",
        feeds=("kyc_events",),
        marks=lambda head: b'"mtid"' in head and b'"frp"' in head,
        rows=identitymind,
        received=True,
    ),
    Bodies(
        name="synapsefi",
        feeds=("kyc_events",),
        marks=lambda head: b"synapsefi.com" in head or (b'"http_code"' in head and b'"error_code"' in head),
        rows=synapse,
    ),
)
