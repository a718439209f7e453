"""Veriff: decision webhooks (`verification`) and event webhooks (session started, submitted). Built from Veriff's documentation only.

An event webhook states no time: its is the time its file was received.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from ingestion.connectors.bodies import Bodies, Body, Row, at, known, need, word
from ingestion.connectors.kyc_rows import base, changed, decided, told
from ingestion.connectors.values import moment_of

_DECISIONS: Mapping[str, str] = {
    "9001": "approved",
    "9102": "rejected",
    "9103": "again",
    "9104": "expired",
    "9121": "review",
}
_EVENTS: Mapping[str, str] = {"7001": "IN_PROGRESS", "7002": "SUBMITTED"}


def verify_signature(body: bytes, header: str, secret: str) -> bool:
    """True when `header` (x-hmac-signature) is the HMAC-SHA256 of exactly these bytes."""
    expected = hmac.new(secret.encode(), body, sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(expected.encode(), header.strip().lower().encode())


def rows(body: Body) -> list[Row]:
    """The decision as a check and a status, or the step of a session."""
    said = at(body, "verification")
    if not isinstance(said, dict):
        status = known(_EVENTS, need(body, "code"), "code")
        event_id = f"{need(body, 'id')}:{need(body, 'code')}:{word(body, 'attemptId') or ''}"
        return [changed(base("veriff", event_id, body, client_id=word(body, "vendorData")), status)]
    code = need(said, "code")
    outcome = known(_DECISIONS, code, "verification.code")
    moment = word(said, "decisionTime") or word(said, "acceptanceTime") or word(said, "submissionTime")
    labels = at(said, "riskLabels")
    reasons = [
        word(said, "reasonCode"),
        *(word(label, "label") for label in (labels if isinstance(labels, list) else [])),
    ]
    common = base(
        "veriff",
        f"{need(said, 'id')}:{code}:{word(said, 'attemptId') or ''}",
        body,
        client_id=word(said, "vendorData") or word(said, "endUserId"),
        occurred_at=moment_of(moment) if moment else None,
        document_type=word(said, "document", "type"),
        document_country=word(said, "document", "country"),
        document_issued_on=word(said, "document", "validFrom"),
        document_expires_on=word(said, "document", "validUntil"),
        reason=word(said, "reason"),
        reason_codes=[reason for reason in reasons if reason],
    )
    return [told(common)] if outcome == "expired" else decided(common, outcome)


def _marks(head: bytes) -> bool:
    is_decision = b'"verification"' in head and b'"vendorData"' in head and b'"code"' in head
    return is_decision or (b'"attemptId"' in head and b'"feature"' in head and b'"vendorData"' in head)


CONNECTOR = Bodies(name="veriff", feeds=("kyc_events",), marks=_marks, rows=rows, untried=True, received=True)
