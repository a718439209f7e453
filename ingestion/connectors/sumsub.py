"""Sumsub's webhook bodies (one JSON body a file, an array, or one a line) as `kyc_events`.

A review's result becomes two rows: the check it completed and the status that follows from it. Sumsub sends at least
once and in any order, so the event's id is made of what the provider itself says (applicant, type, time), and rows come
in the order of the provider's own time. `verify_signature` proves a body over the exact bytes received.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.values import text_frame, trimmed, utc_text

_MAX_BYTES = 64 * 1024 * 1024

DIGESTS: Mapping[str, str] = {
    "HMAC_SHA1_HEX": "sha1",
    "HMAC_SHA256_HEX": "sha256",
    "HMAC_SHA512_HEX": "sha512",
}

_NOTES = """applicantPersonalInfoChanged applicantLevelChanged applicantTagsChanged applicantDeleted applicantActivated
applicantDeactivated applicantActionPending applicantActionReviewed applicantActionOnHold applicantKytTxnApproved
applicantKytTxnRejected applicantKytTxnOnHold applicantKytOnHold"""

# Webhook type -> what it says. `review` takes the status from the answer; `note` is kept and changes nothing.
EVENT_BY_TYPE: Mapping[str, str] = {
    "applicantCreated": "IN_PROGRESS",
    "applicantPending": "SUBMITTED",
    "applicantPrechecked": "IN_REVIEW",
    "applicantOnHold": "IN_REVIEW",
    "applicantReset": "RE_KYC",
    "applicantReviewed": "review",
    "applicantWorkflowCompleted": "review",
    "applicantWorkflowFailed": "review",
    **dict.fromkeys(_NOTES.split(), "note"),
}

# (reviewAnswer, reviewRejectType) -> (state of the client, result of the check).
REVIEW_OUTCOMES: Mapping[tuple[str, str | None], tuple[str, str]] = {
    ("GREEN", None): ("APPROVED", "clear"),
    ("RED", "RETRY"): ("INFO_REQUESTED", "consider"),
    ("RED", "FINAL"): ("REJECTED", "fail"),
    ("RED", None): ("IN_REVIEW", "consider"),
}

_COLUMNS = (
    *("provider", "event_id", "client_id", "event", "check", "result", "to_status", "reason_codes"),
    *("actor_type", "actor_id", "rule_version", "detail", "occurred_at", "applicant_id", "webhook_type"),
)


def verify_signature(body: bytes, header: str, algorithm: str, secret: str) -> bool:
    """True when `header` (x-payload-digest) is the HMAC of exactly these bytes. An unknown `algorithm` proves nothing."""
    digest = DIGESTS.get(algorithm.strip().upper())
    if digest is None or not secret:
        return False
    expected = hmac.new(secret.encode(), body, getattr(hashlib, digest)).hexdigest()
    return hmac.compare_digest(expected.encode(), header.strip().lower().encode())


@dataclass(frozen=True)
class Sumsub:
    """Settings: `levels` (Sumsub level -> the checks it covers; identity where a level is not named)."""

    name: ClassVar[str] = "sumsub"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.json", "*.jsonl")
    feeds: ClassVar[tuple[str, ...]] = ("kyc_events",)

    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a body with Sumsub's applicant and review fields, and for its API's answers, which `read` refuses."""
        return b'"applicantId"' in head and any(
            mark in head for mark in (b'"inspectionId"', b'"externalUserId"', b'"reviewStatus"')
        )

    def read(self, path: Path) -> Iterator[Batch]:
        """One batch, ordered by the provider's time; every body is a row or is set aside with its reason."""
        bodies = _bodies(path)
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        sandbox = 0
        for number, body in enumerate(bodies, start=1):
            try:
                rows = self._rows(body)
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), _row(body)))
                continue
            good += [{**row, "_row_number": number} for row in rows]
            sandbox += isinstance(body, dict) and body.get("sandboxMode") is True
        if not good and len(bodies) == 1:
            raise BadFile(f"{path.name} is no Sumsub webhook: {bad[0].rules[0]}.", "Drop the bodies as received.")
        good.sort(key=lambda row: str(row["occurred_at"]))
        said = (
            (f"{sandbox} of {len(bodies)} event(s) come from Sumsub's sandbox, not from a live check",)
            if sandbox
            else ()
        )
        yield Batch("kyc_events", text_frame(good, _COLUMNS, lists=("reason_codes",)), tuple(bad), said)

    def _rows(self, body: object) -> list[dict[str, object]]:
        if not isinstance(body, dict):
            raise ValueError("body: is not a JSON object")
        kind, applicant = _word(body, "type"), _word(body, "applicantId")
        if kind is None:
            raise ValueError("type: is missing (an answer of Sumsub's API, or an error, is not a webhook)")
        if applicant is None:
            raise ValueError("applicantId: is missing")
        occurred_at = _moment(body)
        means = EVENT_BY_TYPE.get(kind, "note")
        parts = [applicant, kind, occurred_at, _word(body, "kytTxnId"), _word(body, "applicantActionId")]
        event_id = ":".join(part for part in parts if part)
        base: dict[str, object] = {
            "provider": "sumsub",
            "client_id": _word(body, "externalUserId"),
            "actor_type": "provider",
            "actor_id": "sumsub",
            "rule_version": _word(body, "levelName"),
            "detail": json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True),
            "occurred_at": occurred_at,
            "applicant_id": applicant,
            "webhook_type": kind,
        }
        if means == "note":
            return [{**base, "event_id": event_id, "event": "note", "reason_codes": _labels(body)}]
        if means != "review":
            return [{**base, "event_id": event_id, "event": "status_changed", "to_status": means, "reason_codes": []}]
        return self._review(body, base, event_id)

    def _review(self, body: Mapping[str, object], base: Mapping[str, object], event_id: str) -> list[dict[str, object]]:
        review = body.get("reviewResult")
        answer = _word(review, "reviewAnswer") if isinstance(review, dict) else None
        rejection = _word(review, "reviewRejectType") if isinstance(review, dict) else None
        outcome = REVIEW_OUTCOMES.get((answer or "", rejection if answer == "RED" else None))
        if outcome is None:
            raise ValueError(f"reviewResult: {answer!r} with reviewRejectType {rejection!r} is no known answer")
        status, result = outcome
        labels = _labels(body)
        checks = [
            {**base, "event_id": f"{event_id}:{check}", "event": "check_completed", "check": check, "result": result}
            for check in self.levels.get(_word(body, "levelName") or "", ("identity",))
        ]
        change = {**base, "event_id": event_id, "event": "status_changed", "to_status": status}
        return [{**row, "reason_codes": labels} for row in (*checks, change)]


def _bodies(path: Path) -> list[object]:
    if path.stat().st_size > _MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 64 MiB.", "Split it: one webhook body a file, or one a line.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()] or [None]
        document = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFile(f"{path.name} is not JSON: {error}.", "Drop the webhook body as received.") from error
    return document or [None] if isinstance(document, list) else [document]


def _word(body: Mapping[str, object], name: str) -> str | None:
    value = body.get(name)
    return trimmed(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _labels(body: Mapping[str, object]) -> list[str]:
    review = body.get("reviewResult")
    labels = review.get("rejectLabels") if isinstance(review, dict) else None
    return [str(label) for label in labels] if isinstance(labels, list) else []


def _moment(body: Mapping[str, object]) -> str:
    """The provider's own time; `createdAtMs` comes without an offset (UTC) and with one, `createdAt` to the second."""
    for name in ("createdAtMs", "createdAt"):
        text = _word(body, name)
        if text is None:
            continue
        try:
            moment = datetime.fromisoformat(text)
            return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise ValueError(f"{name}: {text!r} is not a date and time") from None
    raise ValueError("createdAtMs: is missing")


def _row(body: object) -> dict[str, object]:
    return {str(name): value for name, value in body.items()} if isinstance(body, dict) else {"body": body}


CONNECTOR = Sumsub()
