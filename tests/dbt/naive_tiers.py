"""The rate a tier gives a partner at a deal. Part of the naive reading of the commission rules."""

from datetime import timedelta
from decimal import Decimal

from tests.dbt.naive_bases import charged, usd_per_lot
from tests.dbt.naive_broker import PERIODIC, ZERO, Broker, Item, Member, Part, Row
from tests.dbt.naive_rates import exchange_rate


def tier_rate(broker: Broker, parts: list[Part], part: Part, member: Member, scheme: str, own: Decimal) -> Decimal:
    """The rate in place of the rule's own: that of the step reached, or where a deal crosses steps the weighted one."""
    tier = member.setting("tier")
    if not tier or not applies(tier, member, scheme):
        return own
    if isinstance(part, Item):
        earlier, in_month, _ = part.revenue[member.partner_id]
        before, after = earlier, earlier + in_month
    else:
        before, after = standing(broker, parts, part, member.partner_id, tier)
    if tier["mode"] == "marginal" and after > before and not tier["window"].startswith("previous_months"):
        weighted = ZERO
        bounds = [Decimal(str(step["from"])) for step in tier["steps"]]
        rates = [own, *(Decimal(str(step["rate"])) for step in tier["steps"])]
        for low, high, rate in zip([Decimal("-Infinity"), *bounds], [*bounds, None], rates, strict=True):
            top = after if high is None else min(after, high)
            weighted += max(top - max(before, low), ZERO) * rate
        return weighted / (after - before)
    at = before if tier["mode"] == "marginal" else after
    reached = [step for step in tier["steps"] if Decimal(str(step["from"])) <= at]
    return Decimal(str(reached[-1]["rate"])) if reached else own


def applies(tier: Row, member: Member, scheme: str) -> bool:
    """A tier of net revenue replaces the rate of revenue shares, any other those of deals."""
    if tier.get("level", member.n) != member.n:
        return False
    if tier["kpi"] == "net_revenue":
        return scheme == "revenue_share"
    return scheme not in PERIODIC and tier.get("scheme", scheme) == scheme


def unknown(tier: Row | None, member: Member, item: Item) -> str | None:
    """Why a tier leaves the rate for a month or a client won unknown: it names them and counts deals, or its KPI lacks an exchange rate."""
    scheme = item.deal["scheme"]
    if not tier or tier.get("level", member.n) != member.n:
        return None
    if tier.get("scheme") == scheme and not applies(tier, member, scheme):
        return "not_yet_computed"
    return "no_rate" if applies(tier, member, scheme) and item.revenue[member.partner_id][2] else None


def standing(broker: Broker, parts: list[Part], part: Part, partner_id: str, tier: Row) -> tuple[Decimal, Decimal]:
    """The KPI of the partner's own clients before and after the deal (whole calendar month: at the month's end, twice)."""
    own = [one for one in parts if one.counts and one.chain[0].partner_id == partner_id]
    kind, _, number = tier["window"].partition(":")
    month = (part.at.year, part.at.month)
    if kind == "previous_months":
        months = [_months_before(month, back) for back in range(1, int(number) + 1)]
        total = kpi(broker, [one for one in own if (one.at.year, one.at.month) in months], tier["kpi"])
        return total, total
    if kind == "calendar_month":
        window = [one for one in own if (one.at.year, one.at.month) == month]
        if tier["mode"] == "whole":
            total = kpi(broker, window, tier["kpi"])
            return total, total
    else:
        window = [one for one in own if part.at - timedelta(days=int(number)) < one.at <= part.at]
    earlier = [one for one in window if one.order[:3] < part.order[:3]]
    through = [one for one in window if one.order[:3] <= part.order[:3]]
    return kpi(broker, earlier, tier["kpi"]), kpi(broker, through, tier["kpi"])


def _months_before(month: tuple[int, int], back: int) -> tuple[int, int]:
    index = month[0] * 12 + month[1] - 1 - back
    return index // 12, index % 12 + 1


def kpi(broker: Broker, parts: list[Part], name: str) -> Decimal:
    """Lots, notional and commission of the deals, in US dollars, or how many clients traded."""
    if name == "lots":
        return sum((part.lots for part in parts), ZERO)
    if name == "active_clients":
        return Decimal(len({part.account["client_id"] for part in parts}))
    total = ZERO
    for part in parts:
        if name == "notional_usd":
            total += part.lots * ((usd_per_lot(broker, part) if part.symbol else None) or ZERO)
        else:
            rate = exchange_rate(broker.rates, part.account["currency"], "USD", part.at) or ZERO
            total += max(-charged(part), ZERO) * rate
    return total
