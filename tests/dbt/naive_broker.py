"""What the naive reading of the commission rules reads and writes: rows of one broker, members of a chain, lines, reasons."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, getcontext
from typing import Any

getcontext().prec = 80
Row = dict[str, Any]
ZERO, ONE = Decimal(0), Decimal(1)
MODES = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "down": ROUND_DOWN}
PERIODIC = {"revenue_share", "cpa"}
OPEN = ("not_yet_computed", "no_rate", "rule_conflict", "unknown_plan")
PRECEDENCE = (
    *OPEN, "partner_inactive", "held_too_short", "moved_too_little", "excluded_reason", "hedged", "capped", "rank_not_above",
    "not_above_paid", "no_profit", "beyond_max_levels", "self", "no_partner", "rounded_to_zero", "no_base", "no_market", "credit", "no_rule",
)  # fmt: skip


@dataclass
class Broker:
    """Everything one broker sent. Rows are the latest version of each key; times datetimes, numbers Decimals, JSON columns dicts."""

    accounts: list[Row] = field(default_factory=list)
    clients: list[Row] = field(default_factory=list)
    partners: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    symbols: list[Row] = field(default_factory=list)
    rates: list[Row] = field(default_factory=list)
    deals: list[Row] = field(default_factory=list)
    snapshots: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    kyc: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """What one deal pays one partner for one scheme on one side (closing or opening)."""

    level: int
    plan_id: str
    rule_id: str
    rule_version: int
    amount: Decimal
    currency: str


@dataclass
class Member:
    """A partner above a deal. `n` is its counted place, None when skipped."""

    partner_id: str
    row: Row | None
    plan: Row | None
    n: int | None

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of the member's own plan."""
        return self.plan["settings"].get(name, default) if self.plan else default


@dataclass
class Part:
    """The closing or the opening side of a deal under its chain. `lots` are closed or opened, `paid_lots` what the hedge leaves of them."""

    deal: Row
    side: str
    account: Row
    symbol: Row | None
    chain: list[Member]
    lots: Decimal
    opening: Any
    own_commission: Decimal
    reason: str | None = None
    pays: bool = True
    counts: bool = True
    paid_lots: Decimal = ZERO

    @property
    def plan(self) -> Row:
        """The direct partner's plan."""
        assert self.chain[0].plan is not None
        return self.chain[0].plan

    @property
    def at(self) -> datetime:
        return self.deal["executed_at"]

    @property
    def order(self) -> tuple[Any, ...]:
        return self.at, self.deal["platform"], self.deal["deal_id"], self.side

    @property
    def both(self) -> bool:
        return self.chain[0].setting("side") == "both"


@dataclass
class Item(Part):
    """A partner's month or a client won: a part of no deal. `base` is what a share is taken of.

    `revenue` has by partner what its tier counts: (earlier in the window, in the month itself, a rate missing).
    """

    item_id: str = ""
    base: Decimal = ONE
    waits: bool = False
    deposited: Decimal = ZERO
    deposited_before: Decimal = -ONE
    revenue: dict[str, tuple[Decimal, Decimal, bool]] = field(default_factory=dict)

    @property
    def order(self) -> tuple[Any, ...]:
        return self.at, "~", 0, self.item_id

    @property
    def both(self) -> bool:
        return False


@dataclass
class Pay:
    """One member's outcome for one scheme of a part: a reason, or an amount at full width in the direct plan's currency."""

    part: Part
    member: Member
    scheme: str
    rule: Row | None = None
    amount: Decimal = ZERO
    reason: str | None = None
    scaled: bool = False


def completed(broker: Broker) -> list[Row]:
    """The first completion of each payment."""
    first: dict[tuple[str, str, str], Row] = {}
    for row in sorted(broker.payments, key=lambda one: (one["occurred_at"], one["event_id"])):
        if row["status"] == "completed":
            first.setdefault((row["psp"], row["psp_txn_id"], row["kind"]), row)
    return list(first.values())


def rounded(amount: Decimal, rounding: Row, *, down: bool = False) -> Decimal:
    """Once, by the partner's own plan; a plan that rounds its statements leaves the line at 8 digits."""
    if rounding.get("per", "line") == "statement":
        rounding = {}
    mode = "down" if down else rounding.get("mode", "half_even")
    # a third of something leaves a remainder in the last of eighty digits: a tie is none for it
    amount = amount.quantize(ONE.scaleb(-40))
    return amount.quantize(ONE.scaleb(-rounding.get("digits", 8)), rounding=MODES[mode])
