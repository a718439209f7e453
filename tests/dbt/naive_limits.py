"""What is taken off the shares: credit, the house's own share, the partner's caps. Part of the naive reading."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.dbt.naive_bases import revenue
from tests.dbt.naive_broker import ZERO, Broker, Item, Part, Pay
from tests.dbt.naive_rates import as_of, exchange_rate


def weigh_credit(broker: Broker, part: Part, pays: list[Pay]) -> None:
    """Pay × (equity - credit) / equity by the account's latest snapshot."""
    if not part.plan["settings"].get("credit_coefficient"):
        return
    key = {"platform": part.deal["platform"], "login": part.deal["login"]}
    snapshot = as_of(broker.snapshots, "captured_at", part.at, **key)
    if snapshot is None:
        return
    equity, own = snapshot["equity"], max(snapshot["equity"] - snapshot["credit"], ZERO)
    for pay in pays:
        if pay.reason is None and pay.amount:
            pay.amount = pay.amount * own / equity if equity > 0 else ZERO
            pay.reason = None if pay.amount else "credit"


def cap_for_house(broker: Broker, part: Part, pays: list[Pay]) -> None:
    """All levels together at most that fraction of the broker's revenue on the deal, scaled down in proportion."""
    share = part.plan["settings"].get("house_cap_pct")
    total = sum((pay.amount for pay in pays if pay.reason is None), ZERO)
    if share is None or total == 0:
        return
    limit = Decimal(str(share)) * revenue(broker, part)
    if total > limit:
        for pay in pays:
            if pay.reason is None and pay.amount:
                pay.amount, pay.scaled = pay.amount * limit / total, True
                pay.reason = None if pay.amount else "capped"


def cap_partners(broker: Broker, pays: list[Pay]) -> None:
    """Line by line in order of the deals: a partner gets up to what is left of its caps of the deal, day, week and month."""
    used: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    lines = [pay for pay in pays if pay.reason is None and pay.amount > 0 and pay.member.setting("caps")]
    for pay in sorted(lines, key=lambda one: (*one.part.order, one.rule["rule_id"] if one.rule else "", one.scheme)):
        plan, at = pay.member.plan, pay.part.at
        assert plan is not None
        exchange = exchange_rate(broker.rates, pay.part.plan["currency"], plan["currency"], at)
        if exchange is None:
            pay.reason = "no_rate"
            continue
        periods = {
            "per_deal": (pay.part.deal["platform"], pay.part.deal["deal_id"]), "per_day": at.date(),
            "per_week": at.date() - timedelta(days=at.weekday()), "per_month": (at.year, at.month),
        }  # fmt: skip
        keys = {name: (pay.member.partner_id, plan["currency"], name, period) for name, period in periods.items()}
        asked = pay.amount * exchange
        caps = {
            name: cap
            for name, cap in plan["settings"]["caps"].items()
            if name != "per_deal" or not isinstance(pay.part, Item)
        }
        left = [Decimal(str(cap)) - used[keys[name]] for name, cap in caps.items()]
        paid = max(min([asked, *left]), ZERO)
        for key in keys.values():
            used[key] += paid
        if paid < asked:
            pay.amount = paid if exchange == 1 else pay.amount * paid / asked
            pay.reason = None if pay.amount else "capped"
