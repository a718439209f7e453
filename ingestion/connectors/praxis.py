"""Praxis cashier's notifications: minor units, one deposit told several times as its status changes; the money lies with the processor behind it.

Three references go by the name of id: `order_id` is ours, `tid` Praxis's, `transaction_id` the processor's.
"""

from collections.abc import Mapping
from decimal import Decimal

from ingestion.connectors.bodies import Bodies, Body, Row, amount, at, known, need, number, word
from ingestion.connectors.values import exact, from_epoch, from_minor

_KINDS = {
    "sale": "deposit",
    "payment": "deposit",
    "authorization": "deposit",
    "payout": "withdrawal",
    "refund": "refund",
    "chargeback": "chargeback",
}
_STATUS: Mapping[str, str] = {
    **{
        "initialized": "initiated",
        "requested": "initiated",
        "created": "initiated",
        "pending": "pending",
        "approved": "completed",
    },
    **{
        "rejected": "declined",
        "declined": "declined",
        "error": "failed",
        "cancelled": "cancelled",
        "expired": "failed",
    },
    "chargeback": "completed",
}
_METHODS = (("card", "card"), ("bank", "bank_wire"), ("wire", "bank_wire"), ("crypto", "crypto"), ("wallet", "ewallet"))


def rows(body: Body) -> list[Row]:
    """One row a notification."""
    said, stands = need(body, "transaction", "transaction_type"), need(body, "transaction", "transaction_status")
    kind = "chargeback" if stands == "chargeback" else known(_KINDS, said, "transaction.transaction_type")
    status = known(_STATUS, stands, "transaction.transaction_status")
    if said == "authorization" and status == "completed":
        status = "authorised"
    tid = need(body, "transaction", "tid")
    currency = need(body, "transaction", "currency")
    value = from_minor(amount(body, "transaction", "amount"), currency) or Decimal(0)
    fee = from_minor(number(body, "transaction", "fee"), currency)
    method = (word(body, "transaction", "payment_method") or "").lower()
    row: dict[str, object] = {
        "psp": "praxis",
        "event_id": f"{tid}:{kind}:{stands}",
        "psp_txn_id": tid if kind != "chargeback" else f"chargeback:{tid}",
        "kind": kind,
        "status": status,
        "method": next((one for part, one in _METHODS if part in method), "local") if method else None,
        "amount": exact(abs(value)),
        "currency": currency,
        "fee_amount": exact(fee),
        "fee_currency": currency if fee is not None else None,
        "original_psp_txn_id": word(body, "transaction", "reference_id") or (tid if kind == "chargeback" else None),
        "client_id": word(body, "session", "cid") or word(body, "session", "pin"),
        "client_reference": word(body, "session", "order_id"),
        "instrument_id": word(body, "transaction", "card", "card_token"),
        "instrument_holder": word(body, "transaction", "card", "card_holder"),
        "instrument_country": word(body, "transaction", "card", "card_issuer_country"),
        "decline_code": word(body, "transaction", "status_code") if status in ("declined", "failed") else None,
        "occurred_at": from_epoch(at(body, "timestamp")),
        "processor": word(body, "transaction", "payment_processor"),
        "processor_reference": word(body, "transaction", "transaction_id"),
        "processed_currency": word(body, "transaction", "processed_currency"),
        "conversion_rate": word(body, "transaction", "conversion_rate"),
    }
    return [("psp_transactions", row)]


def _marks(head: bytes) -> bool:
    return b'"application_key"' in head and b'"transaction_type"' in head and b'"session"' in head


CONNECTOR = Bodies(name="praxis", feeds=("psp_transactions",), marks=_marks, rows=rows)
