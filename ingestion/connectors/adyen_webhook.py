"""Adyen's standard notifications: `notificationItems[].NotificationRequestItem`, minor units, times with their offset.

Sent at least once and in any order: the event's id is the provider's own (reference, event, outcome), so that a repeated one is a
duplicate. Only the reports say what was settled, so a capture or refund is pending here; a chargeback moves the balance at once.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ingestion.connectors.adyen_settlement import METHODS
from ingestion.connectors.bodies import Bodies, Body, Row, amount, at, need, word
from ingestion.connectors.values import exact, from_minor, moment_of

# Event code -> (kind, status when it succeeded, status when it did not). The balance moves with `completed` only.
EVENTS: Mapping[str, tuple[str, str, str]] = {
    "AUTHORISATION": ("deposit", "authorised", "declined"),
    "AUTHORISATION_ADJUSTMENT": ("deposit", "authorised", "declined"),
    "PENDING": ("deposit", "pending", "failed"),
    "OFFER_CLOSED": ("deposit", "failed", "failed"),
    "ORDER_OPENED": ("deposit", "initiated", "failed"),
    "ORDER_CLOSED": ("deposit", "pending", "cancelled"),
    "CANCELLATION": ("deposit", "cancelled", "authorised"),
    "TECHNICAL_CANCEL": ("deposit", "cancelled", "authorised"),
    "EXPIRE": ("deposit", "failed", "authorised"),
    "CAPTURE": ("deposit", "pending", "failed"),
    "CAPTURE_FAILED": ("deposit", "failed", "failed"),
    "REFUND": ("refund", "pending", "failed"),
    "CANCEL_OR_REFUND": ("refund", "pending", "failed"),
    "REFUND_FAILED": ("refund", "failed", "failed"),
    "REFUNDED_REVERSED": ("refund", "failed", "failed"),
    "REQUEST_FOR_INFORMATION": ("chargeback", "initiated", "failed"),
    "NOTIFICATION_OF_CHARGEBACK": ("chargeback", "initiated", "failed"),
    "NOTIFICATION_OF_FRAUD": ("chargeback", "initiated", "failed"),
    "CHARGEBACK": ("chargeback", "completed", "failed"),
    "SECOND_CHARGEBACK": ("chargeback", "completed", "failed"),
    "CHARGEBACK_REVERSED": ("chargeback_reversal", "completed", "failed"),
    "PREARBITRATION_WON": ("chargeback_reversal", "pending", "failed"),
    "PREARBITRATION_LOST": ("chargeback_lost", "pending", "failed"),
    "PAYOUT_THIRDPARTY": ("withdrawal", "pending", "failed"),
    "PAYOUT_DECLINE": ("withdrawal", "declined", "failed"),
    "PAYOUT_EXPIRE": ("withdrawal", "failed", "failed"),
    "PAIDOUT_REVERSED": ("withdrawal", "failed", "failed"),
    # no payment of their own: a card kept for later, a report that can be fetched; the row is an adjustment of nothing
    "RECURRING_CONTRACT": ("adjustment", "initiated", "failed"),
    "REPORT_AVAILABLE": ("adjustment", "initiated", "failed"),
}
_WITHOUT_MONEY = {"RECURRING_CONTRACT", "REPORT_AVAILABLE"}
_OF_THE_PAYMENT = {"deposit"}


def items(document: Any) -> Sequence[Any]:
    """The notifications that a body holds; the body itself where it holds none."""
    listed = at(document, "notificationItems")
    if not isinstance(listed, list) or not listed:
        return (document,)
    return [at(item, "NotificationRequestItem") if isinstance(item, dict) else item for item in listed]


def rows(body: Body) -> list[Row]:
    """One row a notification."""
    event, reference = need(body, "eventCode"), need(body, "pspReference")
    if event not in EVENTS:
        raise ValueError(f"eventCode: {event!r} is no event this connector knows")
    success = word(body, "success") == "true" or at(body, "success") is True
    kind, good, bad = EVENTS[event]
    currency = need(body, "amount", "currency")
    value = from_minor(amount(body, "amount", "value"), currency) or Decimal(0)
    original = word(body, "originalReference")
    own = (original or reference) if kind in _OF_THE_PAYMENT else reference
    occurred_at = moment_of(need(body, "eventDate"))
    if event in _WITHOUT_MONEY:
        reference, value = f"{reference}:{occurred_at}", Decimal(0)
    method = (word(body, "paymentMethod") or "").lower()
    return [
        (
            "psp_transactions",
            {
                "psp": "adyen",
                "event_id": f"webhook:{reference}:{event}:{'true' if success else 'false'}",
                "psp_txn_id": own,
                "kind": kind,
                "status": good if success else bad,
                "method": next((one for start, one in METHODS if method.startswith(start)), "local")
                if method
                else None,
                "amount": exact(abs(value)),
                "currency": currency,
                "direction": "in" if kind == "adjustment" else None,
                "original_psp_txn_id": original if kind not in _OF_THE_PAYMENT else None,
                "client_reference": word(body, "merchantReference"),
                "decline_code": word(body, "reason") if not success or good in ("failed", "declined") else None,
                "occurred_at": occurred_at,
                "event_code": event,
                "merchant_account": word(body, "merchantAccountCode"),
                "reason": word(body, "reason"),
            },
        )
    ]


CONNECTOR = Bodies(
    name="adyen_webhook",
    feeds=("psp_transactions",),
    marks=lambda head: b'"eventCode"' in head and b'"pspReference"' in head and b'"merchantAccountCode"' in head,
    rows=rows,
    parts=items,
)
