"""Payouts to partners and adjustments of what they earned."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.approvals.checks.registry import Context, Finding, Missing, check

ACCRUED = """
select partner_id, sum(amount) as accrued from partners.fct_commission_accruals
where strftime(executed_at, '%Y-%m') = $1 and currency = $2 and list_contains($3::varchar[], partner_id) group by partner_id
"""

PARTNERS = "select partner_id, status from core.dim_partners where list_contains($1::varchar[], partner_id)"


@check("payout_totals")
def payout_totals(context: Context) -> Finding:
    """The lines add up to the amount, each partner stands on one line, and none gets more than was accrued in the period."""
    amount, currency = context.money()
    period = str(context.fact("period"))
    lines = _lines(context)
    total = sum((line["amount"] for line in lines), Decimal(0))
    named = [line["partner_id"] for line in lines]
    accrued = {row["partner_id"]: row["accrued"] for row in context.ask(ACCRUED, period, currency, named)}
    above = [line for line in lines if line["amount"] > accrued.get(line["partner_id"], Decimal(0))]
    inputs = {"period": period, "currency": currency, "total": total, "amount": amount, "accrued": accrued}
    if total != amount:
        return Finding(False, f"The lines add up to {total:,.2f} {currency}, not {amount:,.2f}.", inputs)
    if len(set(named)) < len(named):
        return Finding(False, "A partner stands on more than one line.", inputs)
    if any(line["amount"] <= 0 for line in lines):
        return Finding(False, "A line pays nothing, or less.", inputs)
    if above:
        line = above[0]
        had = accrued.get(line["partner_id"], Decimal(0))
        said = f"{line['partner_id']} would get {line['amount']:,.2f} {currency}; {had:,.2f} were accrued in {period}."
        return Finding(False, said, inputs)
    return Finding(True, f"{len(lines)} lines, {total:,.2f} {currency}, all accrued in {period}.", inputs)


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


def _lines(context: Context) -> list[dict[str, Any]]:
    lines = context.fact("lines")
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise Missing("its lines cannot be read")
    try:
        return [{"partner_id": str(line["partner_id"]), "amount": Decimal(str(line["amount"]))} for line in lines]
    except (KeyError, InvalidOperation) as error:
        raise Missing(f"a line lacks its partner or amount ({error})") from error
