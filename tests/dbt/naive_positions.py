"""A position followed deal by deal: what a deal closes and opens, and what had been opened before. Part of the naive reading."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
ZERO = Decimal(0)


@dataclass
class Opening:
    """What stands open in a position, since it was last flat, when a deal closes some of it. `spreads` are (lots, ask - bid or None)."""

    at: datetime | None = None
    lots: Decimal = ZERO
    commission: Decimal = ZERO
    value: Decimal = ZERO
    spreads: tuple[tuple[Decimal, Decimal | None], ...] = ()


def spread(deal: Row) -> Decimal | None:
    """ask - bid when the deal was done, never below zero; None where the market was not known."""
    if deal.get("bid") is None or deal.get("ask") is None:
        return None
    return max(deal["ask"] - deal["bid"], ZERO)


def follow(deals: list[Row], deal: Row) -> tuple[Decimal, Opening]:
    """(lots the deal closes, the openings since the position was last flat)."""
    same = [
        other for other in deals
        if other["platform"] == deal["platform"] and other["position_id"] == deal["position_id"] and not other["is_cancelled"]
        and other["action"] in {"buy", "sell"}
    ]  # fmt: skip
    net, opening = ZERO, Opening()
    for other in sorted(same, key=lambda row: (row["executed_at"], row["deal_id"])):
        lots, signed = other["volume_lots"], other["volume_lots"] if other["action"] == "buy" else -other["volume_lots"]
        closed = {"in": ZERO, "out": lots, "out_by": lots}.get(other["entry"])
        if closed is None:
            closed = min(lots, abs(net)) if net * signed < 0 else ZERO
        if other["deal_id"] == deal["deal_id"]:
            return closed, opening
        if closed and net + (closed if signed > 0 else -closed) == 0:
            opening = Opening()
        if closed < lots:
            part = lots - closed
            opening = Opening(
                opening.at or other["executed_at"], opening.lots + part,
                opening.commission + other["commission"] * part / lots, opening.value + other["price"] * part,
                (*opening.spreads, (part, spread(other))),
            )  # fmt: skip
            if net + signed == 0:
                opening = Opening()
        net += signed
    raise AssertionError("the deal is not in its own position")
