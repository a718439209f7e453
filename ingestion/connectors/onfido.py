"""Onfido (Entrust): webhooks of checks and of Studio workflows, and the API's check and report objects.

A check's webhook says that there is a result, not which: it is a note, and the object that is fetched for it brings the result. A
task's `output` is an object in one event and a list in another. `verify_signature` proves a webhook over the exact bytes received.
"""

import hmac
from collections.abc import Mapping
from hashlib import sha256

from ingestion.connectors.bodies import Bodies, Body, Row, at, need, word
from ingestion.connectors.kyc_rows import base, changed, checked, decided, told
from ingestion.connectors.values import moment_of

_RESULTS: Mapping[str, str] = {"clear": "clear", "consider": "consider", "unidentified": "consider"}
_SUB_RESULTS: Mapping[str, str] = {"clear": "clear", "rejected": "fail", "suspected": "consider", "caution": "consider"}
_RUNS: Mapping[str, str] = {"approved": "approved", "declined": "rejected", "review": "review"}
_CHECKS = (
    ("watchlist", "sanctions"),
    ("facial", "liveness"),
    ("address", "address"),
    ("document", "identity"),
    ("identity", "identity"),
)


def verify_signature(body: bytes, header: str, secret: str) -> bool:
    """True when `header` (X-SHA2-Signature) is the HMAC-SHA256 of exactly these bytes."""
    expected = hmac.new(secret.encode(), body, sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(expected.encode(), header.strip().lower().encode())


def rows(body: Body) -> list[Row]:
    """The rows of a webhook, or of an object of the API."""
    if isinstance(at(body, "payload"), dict):
        return _webhook(body)
    return _object(body)


def _webhook(body: Body) -> list[Row]:
    action, own = need(body, "payload", "action"), need(body, "payload", "object", "id")
    moment = next(
        (
            text
            for path in (
                ("object", "completed_at_iso8601"),
                ("object", "started_at_iso8601"),
                ("resource", "updated_at"),
            )
            if (text := word(body, "payload", *path))
        ),
        None,
    )
    if moment is None:
        raise ValueError("payload.object.completed_at_iso8601: is missing")
    run = word(body, "payload", "object", "workflow_run_id")
    resource = at(body, "payload", "resource")
    common = base(
        "onfido",
        ":".join(part for part in (run, own, action) if part),
        body,
        occurred_at=moment_of(moment),
        client_id=word(resource, "customer_user_id"),
        applicant_id=word(resource, "applicant_id") or word(body, "payload", "object", "applicant_id"),
        workflow_run_id=run,
        **_document(at(resource, "output")),
    )
    if action == "workflow_run.completed":
        status = word(body, "payload", "object", "status") or ""
        return decided(common, _RUNS[status]) if status in _RUNS else [told(common)]
    if action == "workflow_task.completed":
        return [_task(body, common)]
    return [told(common)]


def _task(body: Body, common: Mapping[str, object]) -> Row:
    definition = word(body, "payload", "resource", "task_def_id") or ""
    output = at(body, "payload", "resource", "output")
    result = _result(output)
    if result is not None:
        return checked(common, _check(definition), result)
    is_document = isinstance(output, list) and "upload_document" in definition
    return told(common, "document_received" if is_document else "note")


def _object(body: Body) -> list[Row]:
    own, status = need(body, "id"), word(body, "status") or ""
    moment = word(body, "completed_at") or word(body, "updated_at") or need(body, "created_at")
    applicant = word(body, "applicant_id")
    common = base(
        "onfido", f"{own}:{status}", body, occurred_at=moment_of(moment), applicant_id=applicant, **_document(body)
    )
    result = _result(body)
    if "report_ids" in body or "check_id" not in body:
        if status in ("withdrawn", "paused", "reopened"):
            return [told(common)]
        return [checked(common, "identity", result)] if result else [changed(common, "IN_PROGRESS")]
    return [checked(common, _check(word(body, "name") or ""), result)] if result else [told(common)]


def _result(output: object) -> str | None:
    detailed, plain = word(output, "sub_result"), word(output, "result")
    return _SUB_RESULTS.get(detailed or "") or _RESULTS.get(plain or "")


def _check(name: str) -> str:
    if name == "watchlist_peps_only":
        return "pep"
    return next((check for part, check in _CHECKS if part in name), "identity")


def _document(output: object) -> dict[str, object]:
    return {
        "document_type": word(output, "properties", "document_type"),
        "document_country": word(output, "properties", "issuing_country"),
        "document_expires_on": word(output, "properties", "date_of_expiry"),
        "document_issued_on": word(output, "properties", "issuing_date"),
    }


def _marks(head: bytes) -> bool:
    is_webhook = b'"payload"' in head and b'"resource_type"' in head and b'"action"' in head
    return is_webhook or (b"onfido.com/" in head and b'"href"' in head)


CONNECTOR = Bodies(name="onfido", feeds=("kyc_events",), marks=_marks, rows=rows)
