"""Braintree: transactions, refunds and disputes of its API as an export writes them (raw), and a settlement batch report of few columns.

Money is text with its currency; one object a file, an array, or one a line. What a payment, refund or dispute brought stands in
`disbursementDetails`, signed; a dispute that was won gives the money back, a lost one stays with the payer.
"""

from collections.abc import Mapping

from ingestion.connectors.bodies import Bodies, Body, Row, amount, at, known, need, number, word
from ingestion.connectors.values import exact, moment_of

_STATUS: Mapping[str, str] = {
    **dict.fromkeys(("AUTHORIZED", "AUTHORIZING"), "authorised"),
    **dict.fromkeys(("SUBMITTED_FOR_SETTLEMENT", "SETTLING", "SETTLEMENT_PENDING", "SETTLEMENT_CONFIRMED"), "pending"),
    **dict.fromkeys(("SETTLED", "DISBURSED"), "completed"),
    **dict.fromkeys(("PROCESSOR_DECLINED", "GATEWAY_REJECTED", "SETTLEMENT_DECLINED"), "declined"),
    **dict.fromkeys(("FAILED", "AUTHORIZATION_EXPIRED"), "failed"),
    "VOIDED": "cancelled",
}
# A dispute's status -> (kind, status).
_DISPUTE: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("OPEN", "DISPUTED", "UNDER_REVIEW"), ("chargeback", "completed")),
    **dict.fromkeys(("LOST", "ACCEPTED", "EXPIRED", "AUTO_ACCEPTED"), ("chargeback", "completed")),
    "WON": ("chargeback_reversal", "completed"),
}
_REPORT_KINDS = {
    "": "deposit",
    "donation": "deposit",
    "payment": "deposit",
    "refund": "refund",
    "chargeback": "chargeback",
}
_METHODS = (("paypal", "ewallet"), ("venmo", "ewallet"), ("applepay", "card"), ("googlepay", "card"), ("card", "card"))


def rows(body: Body) -> list[Row]:
    """One row a transaction, refund, dispute or report line."""
    if "gross" in body:
        return [("psp_transactions", _report_line(body))]
    if isinstance(at(body, "amountDisputed"), dict):
        return [("psp_transactions", _dispute(body))]
    return [("psp_transactions", _transaction(body))]


def _transaction(body: Body) -> dict[str, object]:
    refunded = at(body, "refundedTransaction")
    is_refund = isinstance(refunded, dict)
    own, status = need(body, "id"), need(body, "status")
    disbursed = at(body, "disbursementDetails")
    return {
        "psp": "braintree",
        "event_id": f"{own}:{status}",
        "psp_txn_id": own,
        "kind": "refund" if is_refund else "deposit",
        "status": known(_STATUS, status, "status"),
        "method": _method(body),
        "amount": exact(abs(amount(body, "amount", "value"))),
        "currency": need(body, "amount", "currencyCode"),
        "original_psp_txn_id": word(refunded, "id") if is_refund else None,
        "client_reference": word(body, "orderId"),
        "settlement_batch_id": word(body, "statusHistory", 0, "settlementBatchId"),
        "occurred_at": moment_of(need(body, "createdAt")),
        "disbursed_on": word(disbursed, "date"),
        "disbursed_amount": exact(number(disbursed, "amount", "value")) if isinstance(disbursed, dict) else None,
        "disbursed_currency": word(disbursed, "amount", "currencyCode"),
        "merchant_account": word(body, "merchantAccountId"),
    }


def _dispute(body: Body) -> dict[str, object]:
    own, stands = need(body, "id"), need(body, "status")
    if stands not in _DISPUTE:
        raise ValueError(f"status: {stands!r} is not foreseen; known are {', '.join(_DISPUTE)}")
    kind, status = _DISPUTE[stands]
    return {
        "psp": "braintree",
        "event_id": f"{own}:{stands}",
        "psp_txn_id": own,
        "kind": kind,
        "status": status,
        "method": _method(at(body, "transaction")),
        "amount": exact(abs(amount(body, "amountDisputed", "value"))),
        "currency": need(body, "amountDisputed", "currencyCode"),
        "original_psp_txn_id": word(body, "transaction", "id"),
        "client_reference": word(body, "transaction", "orderId"),
        "occurred_at": moment_of(_since(body, stands) or need(body, "createdAt")),
        "case_number": word(body, "caseNumber"),
        "amount_won": exact(number(body, "amountWon", "value")),
    }


def _since(body: Body, stands: str) -> str | None:
    """When the dispute came to stand so; the history is in no order."""
    history = at(body, "statusHistory")
    listed = history if isinstance(history, list) else []
    moments = [moment for entry in listed if word(entry, "status") == stands and (moment := word(entry, "timestamp"))]
    return min(moments, default=None)


def _report_line(body: Body) -> dict[str, object]:
    kind = known(_REPORT_KINDS, word(body, "type") or "", "type")
    payment, refund = word(body, "gateway_txn_id"), word(body, "gateway_refund_id")
    own = refund or payment
    if own is None:
        raise ValueError("gateway_txn_id: is missing")
    return {
        "psp": "braintree",
        "event_id": f"report:{kind}:{own}",
        "psp_txn_id": f"{kind}:{own}" if kind == "chargeback" else own,
        "kind": kind,
        "status": "completed",
        "method": _method(body),
        "amount": exact(abs(amount(body, "gross"))),
        "currency": need(body, "currency"),
        "original_psp_txn_id": word(body, "gateway_parent_id") or (payment if kind == "chargeback" else None),
        "client_reference": word(body, "invoice_id"),
        "occurred_at": moment_of(need(body, "date")),
    }


def _method(body: object) -> str | None:
    named = (word(body, "payment_method") or "").lower()
    snapshot = at(body, "paymentMethodSnapshot")
    if not named and isinstance(snapshot, dict):
        named = (
            "venmo"
            if "venmoUserId" in snapshot
            else "paypal"
            if "payer" in snapshot
            else "card"
            if "last4" in snapshot
            else ""
        )
    return next((method for start, method in _METHODS if start in named), "local") if named else None


def _marks(head: bytes) -> bool:
    if b'"gateway_txn_id"' in head or b'"gateway_refund_id"' in head:
        return b'"contribution_tracking_id"' in head or b'"invoice_id"' in head
    return b'"currencyCode"' in head and (b'"merchantAccountId"' in head or b'"amountDisputed"' in head)


CONNECTOR = Bodies(name="braintree", feeds=("psp_transactions",), marks=_marks, rows=rows)
