"""Payouts to partners and adjustments of what they earned."""

from collections.abc import Mapping
from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.approvals.checks.registry import Context, Finding, Missing, check
from apps.commissions.open_balances import DUE, OPEN, period_end

ACCRUED = """
select partner_id, sum(amount) as accrued from partners.fct_commission_accruals
where strftime(executed_at, '%Y-%m') = $1 and currency = $2 and list_contains($3::varchar[], partner_id) group by partner_id
"""

EARNED_ON = """
select strftime(executed_at, '%Y-%m') as period, sum(amount) as earned from partners.fct_commission_accruals
where partner_id = $1 and client_id = $2 and currency = $3 group by all
"""

PARTNERS = "select partner_id, status from core.dim_partners where list_contains($1::varchar[], partner_id)"


@check("payout_totals", version="2")
def payout_totals(context: Context) -> Finding:
    """The lines add up to the amount, each partner stands on one line, and none gets more than is open: accrued up to the period's
    end, not approved yet and not held."""
    amount, currency = context.money()
    period = str(context.fact("period"))
    lines = _lines(context)
    total = sum((line["amount"] + line["release"] for line in lines), Decimal(0))
    named = [line["partner_id"] for line in lines]
    try:
        end = period_end(period)
    except ValueError as error:
        raise Missing(str(error)) from error
    open_now = {row["partner_id"]: row["open"] for row in context.ask(OPEN, currency, end, named)}
    due = {
        row["partner_id"]: row["due"]
        for row in context.ask(DUE, currency, datetime.combine(context.now.date(), time()))
    }
    none = Decimal(0)
    inputs = {"period": period, "currency": currency, "total": total, "amount": amount, "open": open_now}
    if total != amount:
        return Finding(False, f"The lines add up to {total:,.2f} {currency}, not {amount:,.2f}.", inputs)
    if len(set(named)) < len(named):
        return Finding(False, "A partner stands on more than one line.", inputs)
    if any(line["amount"] < 0 or line["release"] < 0 or line["amount"] + line["release"] == 0 for line in lines):
        return Finding(False, "A line pays nothing, or less.", inputs)
    for line in lines:
        partner, had = line["partner_id"], open_now.get(line["partner_id"], none)
        if line["amount"] > had:
            return Finding(
                False,
                f"{partner} would get {line['amount']:,.2f} {currency}; {had:,.2f} are open up to {period}.",
                inputs,
            )
        if line["release"] > due.get(partner, none):
            said = f"{partner} would get {line['release']:,.2f} {currency} of its holdback back; {due.get(partner, none):,.2f} are due."
            return Finding(False, said, inputs)
    return Finding(True, f"{len(lines)} lines, {total:,.2f} {currency}, all open up to {period}.", inputs)


@check("payout_partners")
def payout_partners(context: Context) -> Finding:
    """Every partner concerned is known and active."""
    named = sorted(context.subject.partner_ids)
    if not named:
        raise Missing("it names no partner")
    known = {row["partner_id"]: row["status"] for row in context.ask(PARTNERS, named)}
    wrong = {one: known.get(one, "unknown") for one in named if known.get(one) != "active"}
    said = ", ".join(f"{one} is {status}" for one, status in wrong.items()) or f"{len(named)} partners, all active"
    return Finding(not wrong, f"{said}.", {"partners": {one: known.get(one) for one in named}})


@check("adjustment_within_accruals")
def adjustment_within_accruals(context: Context) -> Finding:
    """An adjustment moves no more than what the partner accrued in the period it adjusts."""
    amount, currency = context.money()
    partner, period = str(context.fact("partner_id")), str(context.fact("period"))
    rows = context.ask(ACCRUED, period, currency, [partner])
    accrued = rows[0]["accrued"] if rows else Decimal(0)
    said = f"{amount:,.2f} {currency} against {accrued:,.2f} accrued by {partner} in {period}."
    return Finding(abs(amount) <= accrued, said, {"amount": amount, "accrued": accrued, "period": period})


@check("clawback_within_accruals")
def clawback_within_accruals(context: Context) -> Finding:
    """A clawback takes back what its months add up to, and of no month more than the client's deals earned the partner in it."""
    amount, currency = context.money()
    partner, client, lines = str(context.fact("partner_id")), context.subject.client_id, context.fact("lines")
    if not isinstance(lines, list) or not lines:
        raise Missing("it names no month")
    asked = {str(line["period"]): Decimal(str(line["amount"])) for line in lines}
    earned = {row["period"]: row["earned"] for row in context.ask(EARNED_ON, partner, client, currency)}
    inputs = {"amount": amount, "asked": asked, "earned": {period: earned.get(period) for period in asked}}
    total = sum(asked.values(), Decimal(0))
    if total != amount:
        return Finding(False, f"The months add up to {total:,.2f} {currency}, not {amount:,.2f}.", inputs)
    for period, part in asked.items():
        had = earned.get(period, Decimal(0))
        if part <= 0 or part > had:
            said = f"{part:,.2f} {currency} of {period}; {partner} earned {had:,.2f} on {client} in it."
            return Finding(False, said, inputs)
    return Finding(True, f"{total:,.2f} {currency} of {len(asked)} months, all earned on {client}.", inputs)


def _lines(context: Context) -> list[dict[str, Any]]:
    lines = context.fact("lines")
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise Missing("its lines cannot be read")
    try:
        return [
            {
                "partner_id": str(line["partner_id"]),
                "amount": Decimal(str(line["amount"])),
                "release": Decimal(str(line.get("release", 0))),
            }
            for line in lines
        ]
    except (KeyError, InvalidOperation) as error:
        raise Missing(f"a line lacks its partner or amount ({error})") from error
