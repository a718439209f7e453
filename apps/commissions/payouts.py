"""Payout runs: what is open for each partner, and the proposal that two others approve. Its approval comes back as decisions of the feed
`commission_decisions`, one a partner, from which the ledger and the lines take it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import ROUND_DOWN, Decimal
from typing import Any

import sqlalchemy as sa

from apps.approvals.marts import MartReader, rows
from apps.approvals.proposing import propose
from apps.approvals.subject import Subject
from apps.commissions.open_balances import DUE, OPEN, payable_on, period_end

PARTNERS = "select partner_id, name, status, payout_minimum, holdback_pct, payout_schedule from core.dim_partners where entity = $1"
CENT = Decimal("0.01")
UNITS = {
    "JPY": Decimal(1),
    "KRW": Decimal(1),
    "KWD": Decimal("0.001"),
    "BHD": Decimal("0.001"),
    "JOD": Decimal("0.001"),
}


@dataclass(frozen=True)
class Line:
    """One partner of a run. `amount` is approved and `release` let go of the holdback, both in the run's currency, to its minor unit.

    `why_not` says in words why the partner is not paid; then it is on the list and not in the proposal.
    """

    partner_id: str
    name: str | None
    amount: Decimal
    release: Decimal
    holdback: Decimal
    take_back: Decimal
    held: Decimal
    held_clients: tuple[str, ...]
    why_not: str | None = None

    @property
    def payable(self) -> Decimal:
        """What the payment will be: approved and released, less holdback and what is to be taken back; never below zero."""
        return max(self.amount - self.holdback + self.release - self.take_back, Decimal(0))

    def payload(self) -> dict[str, Any]:
        """The line as the proposal bears it."""
        said: dict[str, Any] = {"partner_id": self.partner_id, "amount": str(self.amount)}
        if self.release:
            said["release"] = str(self.release)
        return said | ({"held_clients": list(self.held_clients)} if self.held_clients else {})


def run_lines(reader: MartReader, entity: str, period: str, currency: str, today: date) -> list[Line]:
    """Every partner of the entity with anything open up to the period's end, paid or not, each with the reason."""
    known = {row["partner_id"]: row for row in rows(reader, PARTNERS, entity)}
    due = {row["partner_id"]: row["due"] for row in rows(reader, DUE, currency, datetime.combine(today, time()))}
    found = rows(reader, OPEN, currency, period_end(period), sorted(known))
    lines = [_line(row, known[row["partner_id"]], due.get(row["partner_id"], Decimal(0)), currency) for row in found]
    for number, line in enumerate(lines):
        day = payable_on(period, known[line.partner_id]["payout_schedule"])
        if line.why_not is None and day > today:
            lines[number] = replace(line, why_not=f"its plan pays {period} from {day:%Y-%m-%d} on")
    return [line for line in lines if line.amount or line.release or line.held or line.why_not]


def propose_run(
    connection: sa.Connection,
    reader: MartReader,
    maker: str,
    *,
    entity: str,
    period: str,
    currency: str,
    now: datetime,
    partners: Iterable[str] | None = None,
) -> Subject:
    """Proposes to pay these partners (all that can be, when none are named). Raises ProposalRefused; call it inside `writing`."""
    chosen = None if partners is None else set(partners)
    lines = [
        line
        for line in run_lines(reader, entity, period, currency, now.date())
        if line.why_not is None and (chosen is None or line.partner_id in chosen)
    ]
    total = sum((line.amount + line.release for line in lines), Decimal(0))
    payload = {"period": period, "lines": [line.payload() for line in lines]}
    return propose(
        connection, reader, "payout_run", maker, payload, now=now, entity=entity, amount=total, currency=currency
    )


def _line(row: Mapping[str, Any], partner: Mapping[str, Any], due: Decimal, currency: str) -> Line:
    unit = UNITS.get(currency, CENT)
    amount = Decimal(row["open"]).quantize(unit, rounding=ROUND_DOWN)
    release = Decimal(due).quantize(unit, rounding=ROUND_DOWN)
    holdback = (amount * Decimal(partner["holdback_pct"] or 0)).quantize(unit) if amount > 0 else Decimal(0)
    minimum = Decimal(partner["payout_minimum"] or 0)
    line = Line(
        row["partner_id"], partner["name"], amount, release, holdback, Decimal(row["to_take_back"]), Decimal(row["held"]), tuple(row["held_clients"])
    )  # fmt: skip
    why_not = None
    if partner["status"] != "active":
        why_not = f"the partner is {partner['status'] or 'of no known status'}"
    elif amount < 0:
        why_not = f"more was taken back than earned: {-amount:,.2f} {currency} is carried into the next run"
    elif amount + release == 0:
        why_not = f"all of it is held: {line.held:,.2f} {currency}" if line.held else None
    elif amount - holdback + release < minimum:
        why_not = f"below the plan's minimum of {minimum:,.2f} {currency}"
    return replace(line, why_not=why_not)
