"""A position followed deal by deal: what a deal closes and what it had cost to open. Part of the naive reading of the commission rules."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
ZERO = Decimal(0)


@dataclass
class Opening:
    """What stands open in a position, since it was last flat, when a deal closes some of it."""

    at: datetime | None = None
    lots: Decimal = ZERO
    commission: Decimal = ZERO
    value: Decimal = ZERO


def follow(deals: list[Row], deal: Row) -> tuple[Decimal, Decimal, Opening]:
    """(lots the deal closes, its own commission for them, the openings since the position was last flat)."""
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
            return closed, other["commission"] * closed / lots, opening
        if closed and net + (closed if signed > 0 else -closed) == 0:
            opening = Opening()
        if closed < lots:
            part = lots - closed
            opening = Opening(
                opening.at or other["executed_at"], opening.lots + part,
                opening.commission + other["commission"] * part / lots, opening.value + other["price"] * part,
            )  # fmt: skip
            if net + signed == 0:
                opening = Opening()
        net += signed
    raise AssertionError("the deal is not in its own position")


def closed_lots(deals: list[Row], deal: Row) -> Decimal:
    return follow(deals, deal)[0]


def commission_of(deals: list[Row], deal: Row) -> Decimal:
    """What the client paid for the lots closed: the closing's own and the openings' in proportion; negative as a cost."""
    lots, own, opening = follow(deals, deal)
    return own + (opening.commission * lots / opening.lots if opening.lots else ZERO)
