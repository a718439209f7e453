"""Stripe's API objects and webhook events: amounts in minor units, times in seconds since 1970 (UTC).

An event wraps the object it is about (`data.object`). Objects of money become `psp_transactions`, those of Stripe Identity
`kyc_events`. What a balance transaction says of a charge or payout bears the charge's reference, so the ledger posts it once.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256

from ingestion.connectors.bodies import Bodies, Body, Row, amount, as_detail, at, known, need, number, word
from ingestion.connectors.values import exact, from_epoch, from_minor

_CHARGE_STATUS = {"succeeded": "completed", "pending": "pending", "failed": "declined"}
_INTENT_STATUS = {
    **dict.fromkeys(("requires_payment_method", "requires_confirmation", "requires_action"), "initiated"),
    **{"processing": "pending", "requires_capture": "authorised", "canceled": "cancelled", "succeeded": "pending"},
}
_MOVE_STATUS = {
    **{"succeeded": "completed", "paid": "completed", "pending": "pending", "in_transit": "pending"},
    **{"requires_action": "pending", "failed": "failed", "canceled": "cancelled", "reversed": "failed"},
}
# A dispute's status -> (kind, status); a warning is an inquiry, which moves no money.
_DISPUTE: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("warning_needs_response", "warning_under_review"), ("chargeback", "initiated")),
    **{"warning_closed": ("chargeback", "cancelled"), "prevented": ("chargeback", "cancelled")},
    **dict.fromkeys(("needs_response", "under_review"), ("chargeback", "completed")),
    **{"won": ("chargeback_reversal", "completed"), "lost": ("chargeback_lost", "completed")},
    "charge_refunded": ("chargeback", "cancelled"),
}
_BALANCE_KINDS = {
    **dict.fromkeys(("charge", "payment"), ("adjustment", "deposit")),
    **dict.fromkeys(("refund", "payment_refund"), ("refund", "adjustment")),
    **dict.fromkeys(("stripe_fee", "network_cost"), ("fee", "adjustment")),
    "payout": ("settlement", "adjustment"),
}
_IDENTITY = {
    "requires_input": ("status_changed", None, "INFO_REQUESTED"),
    "processing": ("submitted", None, "SUBMITTED"),
    "verified": ("check_completed", "clear", None),
    "unverified": ("check_completed", "consider", None),
    "canceled": ("note", None, None),
}


def verify_signature(body: bytes, header: str, secret: str, *, now: int, tolerance: int = 300) -> bool:
    """True when `header` (Stripe-Signature: t=...,v1=...) signs exactly these bytes, at most `tolerance` seconds before `now`."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name.strip() == "t" and value.isdecimal() and len(value) < 13]
    if len(times) != 1 or not secret or abs(now - int(times[0])) > tolerance:
        return False
    expected = hmac.new(secret.encode(), times[0].encode() + b"." + body, sha256).hexdigest()
    return any(
        hmac.compare_digest(expected.encode(), value.encode()) for name, _, value in parts if name.strip() == "v1"
    )


def rows(body: Body) -> list[Row]:
    """The rows of one object, or of the object an event is about."""
    kind = need(body, "object")
    if kind == "event":
        inner = at(body, "data", "object")
        if not isinstance(inner, dict):
            raise ValueError("data.object: is missing")
        made = _object(inner)
        moment = from_epoch(at(body, "created"))
        return [(feed, {**row, "occurred_at": moment, "event_type": word(body, "type")}) for feed, row in made]
    return _object(body)


def _object(body: Body) -> list[Row]:
    kind = need(body, "object")
    if kind not in _OBJECTS:
        raise ValueError(f"object: {kind!r} is neither a move of money nor a check of identity; it is of no feed")
    return _OBJECTS[kind](body)


def _payment(body: Body, kind: str, status: str, **more: object) -> list[Row]:
    own, currency = need(body, "id"), need(body, "currency").upper()
    value = abs(from_minor(amount(body, "amount"), currency) or Decimal(0))
    metadata = at(body, "metadata")
    references = [word(metadata, name) for name in ("order_id", "external_identifier", "request_id")]
    row: dict[str, object] = {
        "psp": "stripe",
        "event_id": f"{own}:{word(body, 'status') or status}",
        "psp_txn_id": own,
        "kind": kind,
        "status": status,
        "amount": exact(value),
        "currency": currency,
        "client_reference": next((text for text in references if text), None),
        "occurred_at": from_epoch(at(body, "created")),
        "description": word(body, "description"),
        **more,
    }
    return [("psp_transactions", row)]


def _charge(body: Body) -> list[Row]:
    status = known(_CHARGE_STATUS, need(body, "status"), "status")
    if status == "completed" and at(body, "captured") is False:
        status = "authorised"
    card = "payment_method_details"
    return _payment(
        body,
        "deposit",
        status,
        method="card" if isinstance(at(body, card, "card"), dict) else None,
        instrument_id=word(body, card, "card", "fingerprint"),
        instrument_country=word(body, card, "card", "country"),
        instrument_holder=word(body, "billing_details", "name"),
        decline_code=word(body, "outcome", "reason") or word(body, "failure_code"),
    )


def _intent(body: Body) -> list[Row]:
    charge = word(body, "latest_charge")
    return _payment(
        body,
        "deposit",
        known(_INTENT_STATUS, need(body, "status"), "status"),
        **({"psp_txn_id": charge} if charge else {}),
        decline_code=word(body, "last_payment_error", "code") or word(body, "last_payment_error", "type"),
    )


def _refund(body: Body) -> list[Row]:
    status = known(_MOVE_STATUS, need(body, "status"), "status")
    original = word(body, "charge") or word(body, "payment_intent")
    return _payment(body, "refund", status, original_psp_txn_id=original)


def _payout(body: Body) -> list[Row]:
    status = known(_MOVE_STATUS, need(body, "status"), "status")
    own = need(body, "id")
    return _payment(body, "settlement", status, settlement_batch_id=own, destination=word(body, "destination"))


def _topup(body: Body) -> list[Row]:
    return _payment(body, "adjustment", known(_MOVE_STATUS, need(body, "status"), "status"), direction="in")


def _dispute(body: Body) -> list[Row]:
    stands = need(body, "status")
    if stands not in _DISPUTE:
        raise ValueError(f"status: {stands!r} is not foreseen; known are {', '.join(_DISPUTE)}")
    kind, status = _DISPUTE[stands]
    original = word(body, "charge") or word(body, "payment_intent")
    return _payment(body, kind, status, original_psp_txn_id=original, reason=word(body, "reason"))


def _balance(body: Body) -> list[Row]:
    value, currency = amount(body, "amount"), need(body, "currency").upper()
    out, into = _BALANCE_KINDS.get(need(body, "type"), ("adjustment", "adjustment"))
    fee = from_minor(number(body, "fee"), currency)
    own, source = need(body, "id"), word(body, "source")
    return _payment(
        body,
        out if value < 0 else into,
        "completed",
        event_id=f"object:{own}",
        psp_txn_id=source or own,
        fee_amount=exact(fee),
        fee_currency=currency if fee is not None else None,
        direction="out" if value < 0 else "in",
    )


def _identity(body: Body) -> list[Row]:
    status = word(body, "status") or word(body, "document", "status")
    event, result, to_status = _IDENTITY.get(status or "", ("note", None, None))
    day = at(body, "document", "expiration_date")
    parts = [number(day, name) for name in ("year", "month", "day")] if isinstance(day, dict) else []
    expires = "-".join(f"{int(part):02}" for part in parts if part is not None) if all(parts) and parts else None
    row: dict[str, object] = {
        "provider": "stripe_identity",
        "event_id": f"{need(body, 'id')}:{status}",
        "client_id": word(body, "client_reference_id") or word(body, "metadata", "client_id"),
        "event": event,
        "check": "identity" if event == "check_completed" else None,
        "result": result,
        "to_status": to_status,
        "document_type": word(body, "document", "type"),
        "document_country": word(body, "document", "issuing_country"),
        "document_expires_on": expires,
        "actor_type": "provider",
        "actor_id": "stripe_identity",
        "detail": as_detail(body),
        "occurred_at": from_epoch(at(body, "created")),
    }
    return [("kyc_events", row)]


_OBJECTS: Mapping[str, Callable[[Body], list[Row]]] = {
    **{"charge": _charge, "payment_intent": _intent, "refund": _refund, "payout": _payout, "topup": _topup},
    **{"dispute": _dispute, "balance_transaction": _balance},
    **dict.fromkeys(("identity.verification_session", "identity.verification_report"), _identity),
}


def parts(document: object) -> Sequence[object]:
    """The objects of an API list; the body itself where it is none."""
    listed = at(document, "data")
    return listed if word(document, "object") == "list" and isinstance(listed, list) else (document,)


def _marks(head: bytes) -> bool:
    names = (*_OBJECTS, "event", "list")
    squeezed = head.replace(b" ", b"")
    return (any(b'"object":"' + name.encode() + b'"' in squeezed for name in names) and b'"livemode"' in squeezed) or (
        b'"object":"refund"' in squeezed and b'"destination_details"' in squeezed
    )


CONNECTOR = Bodies(
    name="stripe_objects", feeds=("psp_transactions", "kyc_events"), marks=_marks, rows=rows, parts=parts
)
