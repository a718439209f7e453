"""Seeded choices, and what generated clients do besides trading: identification, payments, gifts of the house."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.dbt.naive_broker import Row

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 60
PLATFORM = "mt5"
CURRENCIES = ("USD", "EUR", "JPY", "GBP")


class Draw:
    """Seeded choices. Moments never repeat within a broker, so that no tie decides anything."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.used: set[datetime] = set()

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def number(self, low: int, high: int, scale: int) -> Decimal:
        return Decimal(self.random.randint(low, high)).scaleb(-scale)

    def moment(self, first_day: float = 0, last_day: float = DAYS) -> datetime:
        while True:
            at = START + timedelta(seconds=self.random.randint(int(first_day * 86400), int(last_day * 86400)))
            if at not in self.used:
                self.used.add(at)
                return at


def kyc_rows(draw: Draw, client_id: str) -> list[Row]:
    """Mostly identified early; some lose it again, some never are."""
    steps = draw.one(["APPROVED"], ["APPROVED"], ["APPROVED"], ["APPROVED", "SUSPENDED", "APPROVED"], [])
    at = START - timedelta(days=5) if draw.chance(0.6) else draw.moment(0, 25)
    rows = []
    for number, status in enumerate(steps):
        rows.append({
            "provider": "crm", "event_id": f"K-{client_id}-{number}", "client_id": client_id, "event": "status_changed", "to_status": status,
            "actor_type": "staff", "actor_id": "ST-01", "occurred_at": at + timedelta(days=15 * number, seconds=int(client_id[-1])),
        })  # fmt: skip
    return rows


def payment_rows(draw: Draw, client_id: str) -> list[Row]:
    """Deposits, some told twice or declined, some charged back and won again; the provider takes a fee of some."""
    rows = []
    for number in range(draw.random.randint(0, 4)):
        txn, at = f"{client_id}-{number}", draw.moment()
        deposit = {
            "psp": "adyen", "event_id": f"D-{txn}", "psp_txn_id": txn, "kind": "deposit", "status": draw.one(*["completed"] * 6, "declined"),
            "method": "card", "amount": draw.number(200, 900, 1), "currency": draw.one("USD", "USD", "USD", *CURRENCIES),
            "client_id": client_id, "fee_amount": draw.one(None, draw.number(1, 20, 1)), "fee_borne_by": draw.one(None, "firm", "client"),
            "occurred_at": at,
        }  # fmt: skip
        rows.append(deposit)
        if draw.chance(0.15):
            rows.append(
                {**deposit, "event_id": f"D2-{txn}", "occurred_at": draw.moment((at - START).days + 1, DAYS + 2)}
            )
        if draw.chance(0.12):
            back = {**deposit, "event_id": f"C-{txn}", "kind": "chargeback", "status": "completed", "fee_amount": None}
            rows.append(back | {"occurred_at": draw.moment((at - START).days + 1, DAYS + 2)})
            if draw.chance(0.5):
                rows.append(
                    back
                    | {
                        "event_id": f"R-{txn}",
                        "kind": "chargeback_reversal",
                        "occurred_at": draw.moment(DAYS + 3, DAYS + 6),
                    }
                )
    return rows


def gift(draw: Draw, deal_id: int, login: int) -> Row:
    """A bonus, or a negative balance let go of."""
    return {
        "platform": PLATFORM, "deal_id": deal_id, "order_id": None, "position_id": None, "login": login, "executed_at": draw.moment(),
        "action": draw.one("bonus", "so_compensation"), "is_cancelled": False, "entry": None, "symbol": None, "volume_lots": None, "price": None,
        "bid": None, "ask": None, "profit": draw.number(1, 90, 1), "swap": Decimal(0), "fee": Decimal(0), "commission": Decimal(0), "reason": None,
    }  # fmt: skip
