"""The rate a tier gives a partner at a deal, a month or a client won. Part of the naive reading of the commission rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.dbt.naive_bases import charged, usd_per_lot
from tests.dbt.naive_broker import ZERO, Broker, Item, Member, Part, Row, completed
from tests.dbt.naive_parts import is_test
from tests.dbt.naive_rates import as_of, exchange_rate


def tier_rate(broker: Broker, parts: list[Part], part: Part, member: Member, rule: Row) -> Decimal:
    """The rate in place of the rule's own: that of the step reached, or where a deal or month crosses steps the weighted one."""
    tier, own = member.setting("tier"), rule["rate"]
    if not tier or rule.get("is_fixed") or not applies(tier, member, rule["scheme"]):
        return own
    before, after = reached_by(broker, parts, part, member.partner_id, tier)
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
    """A tier replaces every rate of the partner, unless it names a scheme or a level; one of net revenue that of revenue shares."""
    if tier.get("level", member.n) != member.n:
        return False
    return tier.get("scheme", "revenue_share" if tier["kpi"] == "net_revenue" else scheme) == scheme


def unknown(tier: Row | None, member: Member, item: Item, rule: Row) -> str | None:
    """Why a tier leaves the rate for a month or a client won unknown: a share above 1 is none, or its net revenue lacks an exchange rate."""
    scheme = item.deal["scheme"]
    if not tier or rule.get("is_fixed") or not applies(tier, member, scheme):
        return None
    is_share = scheme == "revenue_share" or (item.plan["distribution"] == "share_of_child" and member.n != 1)
    if is_share and any(Decimal(str(step["rate"])) > 1 for step in tier["steps"]):
        return "not_yet_computed"
    return "no_rate" if tier["kpi"] == "net_revenue" and item.revenue[member.partner_id][2] else None


def reached_by(broker: Broker, parts: list[Part], part: Part, partner_id: str, tier: Row) -> tuple[Decimal, Decimal]:
    """The KPI before and after the deal, or before and after the month; when a client is won nothing is added to it."""
    if isinstance(part, Item) and tier["kpi"] == "net_revenue":
        earlier, in_month, _ = part.revenue[partner_id]
        return earlier, earlier + in_month
    found = counted(broker, parts, partner_id, tier["kpi"])
    if not isinstance(part, Item):
        return standing(found, part.at, part.order[:3], tier)
    before, after = standing(found, part.at, (part.at, "~", 0), tier)
    if part.deal["scheme"] == "cpa":
        return after, after
    if tier["mode"] == "marginal" and not tier["window"].startswith("previous_months"):
        month = part.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        before = total([one for one in found if one.at < month and in_window(one.at, part.at, tier)], tier["kpi"])
    return before, after


@dataclass(frozen=True)
class Counted:
    """Something that counts for a KPI: a closing deal, or a deposit, which comes before the deals of its instant."""

    at: datetime
    order: tuple[object, ...]
    client: str
    amount: Decimal


def counted(broker: Broker, parts: list[Part], partner_id: str, name: str) -> list[Counted]:
    """What the partner's own clients did for the KPI; money in US dollars."""
    if name == "deposits":
        return deposits(broker, partner_id)
    own = [one for one in parts if one.counts and one.chain[0].partner_id == partner_id]
    return [Counted(one.at, one.order[:3], one.account["client_id"], worth(broker, one, name)) for one in own]


def deposits(broker: Broker, partner_id: str) -> list[Counted]:
    found = []
    for row in completed(broker):
        at, client = row["occurred_at"], row["client_id"]
        link = as_of(broker.links, "valid_from", at, child_kind="client", child_id=client)
        person = as_of(broker.partners, "changed_at", at, partner_id=partner_id)
        is_own = link is not None and link["parent_partner_id"] == partner_id and not is_test(broker, client)
        if row["kind"] == "deposit" and is_own and not (person and person["client_id"] == client):
            rate = exchange_rate(broker.rates, row["currency"], "USD", at) or ZERO
            found.append(Counted(at, (at, "", 0), client, row["amount"] * rate))
    return found


def worth(broker: Broker, part: Part, name: str) -> Decimal:
    """Lots, notional and commission of the deal."""
    if name == "lots":
        return part.lots
    if name == "notional_usd":
        return part.lots * ((usd_per_lot(broker, part) if part.symbol else None) or ZERO)
    if name == "commission":
        return max(-charged(part), ZERO) * (
            exchange_rate(broker.rates, part.account["currency"], "USD", part.at) or ZERO
        )
    assert name == "active_clients"
    return ZERO


def standing(found: list[Counted], at: datetime, order: tuple[object, ...], tier: Row) -> tuple[Decimal, Decimal]:
    """The KPI before and after what stands at `order` (previous months: at their end, whole calendar month: at the month's end; twice)."""
    window = [one for one in found if in_window(one.at, at, tier)]
    if tier["window"].startswith("previous_months") or (tier["window"], tier["mode"]) == ("calendar_month", "whole"):
        return total(window, tier["kpi"]), total(window, tier["kpi"])
    earlier = [one for one in window if one.order < order]
    through = [one for one in window if one.order <= order]
    return total(earlier, tier["kpi"]), total(through, tier["kpi"])


def in_window(at: datetime, now: datetime, tier: Row) -> bool:
    kind, _, number = tier["window"].partition(":")
    if kind == "rolling_days":
        return now - timedelta(days=int(number)) < at <= now
    back = (now.year - at.year) * 12 + now.month - at.month
    return 1 <= back <= int(number) if kind == "previous_months" else back == 0


def total(found: list[Counted], name: str) -> Decimal:
    """The amounts added up, or how many clients there are."""
    if name == "active_clients":
        return Decimal(len({one.client for one in found}))
    return sum((one.amount for one in found), ZERO)
