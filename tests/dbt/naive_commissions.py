"""The commission rules read one deal at a time, as a person would: slow, obvious, and sharing nothing with the models it is compared with.

Covers what the engine computes now: per_lot and pct_commission, `level` and `difference`. Rows are dicts with the feeds' columns, already the
latest version of each key; times are datetimes, numbers Decimals, JSON columns dicts.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, getcontext
from typing import Any

from tests.dbt.naive_positions import closed_lots, commission_of, follow
from tests.dbt.naive_rates import as_of, exchange_rate

getcontext().prec = 80
Row = dict[str, Any]
ZERO, ONE = Decimal(0), Decimal(1)
MODES = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "down": ROUND_DOWN}
COMPUTED = {"per_lot", "pct_commission"}
OPEN = ("not_yet_computed", "no_rate", "rule_conflict", "unknown_plan")
PRECEDENCE = (
    *OPEN, "partner_inactive", "held_too_short", "moved_too_little", "excluded_reason", "not_above_paid", "beyond_max_levels",
    "self", "no_partner", "rounded_to_zero", "no_base", "no_rule",
)  # fmt: skip


@dataclass
class Broker:
    """Everything one broker sent."""

    accounts: list[Row] = field(default_factory=list)
    clients: list[Row] = field(default_factory=list)
    partners: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    symbols: list[Row] = field(default_factory=list)
    rates: list[Row] = field(default_factory=list)
    deals: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """What one deal pays one partner for one scheme."""

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


Lines = dict[tuple[str, int, str, str], Line]
Zeros = dict[tuple[str, int, str], str]


def interpret(broker: Broker) -> tuple[Lines, Zeros]:
    """All lines that should stand and all zeros, deal by deal."""
    refused = refused_links(broker)
    standing = [
        link for link in broker.links if (link["child_kind"], link["child_id"], link["valid_from"]) not in refused
    ]
    lines: Lines = {}
    zeros: Zeros = {}
    for deal in broker.deals:
        key = (deal["platform"], deal["deal_id"])
        for partner_id, scheme, outcome in outcomes(broker, standing, deal):
            if isinstance(outcome, Line):
                lines[(*key, partner_id, scheme)] = outcome
        for partner_id, reason in zero_reasons(outcomes(broker, standing, deal)).items():
            zeros[(*key, partner_id)] = reason
    return lines, zeros


def zero_reasons(found: list[tuple[str, str, "Line | str"]]) -> dict[str, str]:
    """Per partner the reason that is listed: an open one always, any other only where nothing at all was paid."""
    reasons: dict[str, str] = {}
    for partner_id in {partner_id for partner_id, _, _ in found}:
        own = [outcome for other, _, outcome in found if other == partner_id]
        why = sorted((outcome for outcome in own if isinstance(outcome, str)), key=PRECEDENCE.index)
        if why and (why[0] in OPEN or len(why) == len(own)):
            reasons[partner_id] = why[0]
    return reasons


def outcomes(broker: Broker, links: list[Row], deal: Row) -> list[tuple[str, str, Line | str]]:
    """(partner, scheme, line or reason) for every member of the deal's chain; empty when the deal is not eligible."""
    account = as_of(broker.accounts, "changed_at", deal["executed_at"], platform=deal["platform"], login=deal["login"])
    if not closes(broker, deal) or account is None or account["is_demo"] or is_test(broker, account["client_id"]):
        return []
    client, at = account["client_id"], deal["executed_at"]
    link = as_of(links, "valid_from", at, child_kind="client", child_id=client)
    if link is None or link["parent_partner_id"] is None:
        later = [
            row
            for row in links
            if row["child_kind"] == "client" and row["child_id"] == client and row["valid_from"] > at
        ]
        named = [
            row["parent_partner_id"]
            for row in sorted(later, key=lambda row: row["valid_from"])
            if row["parent_partner_id"]
        ]
        return [(named[0], "", "no_partner")] if named else []
    chain = chain_above(broker, links, link["parent_partner_id"], at)
    direct = chain[0]
    if direct.row and direct.row["client_id"] == client:
        return [(direct.partner_id, "", "self")]
    if direct.plan is None:
        return [(member.partner_id, "", "unknown_plan") for member in chain]
    reason = deal_filter(broker, deal, direct.plan)
    if reason is None and unsupported_for_deal(direct.plan):
        reason = "not_yet_computed"
    if reason:
        return [(member.partner_id, "", reason) for member in chain]
    return share(broker, deal, account, chain)


def share(broker: Broker, deal: Row, account: Row, chain: list[Member]) -> list[tuple[str, str, Line | str]]:
    """The deal's outcome for each member and each scheme that some rule of the member's plan names for it."""
    plan = chain[0].plan
    assert plan is not None
    found: list[tuple[str, str, Line | str]] = []
    rules = {member.partner_id: member_rules(broker, deal, account, member, plan["distribution"]) for member in chain}
    for scheme in sorted({scheme for own in rules.values() for scheme in own}):
        paid_below, multiplier = ZERO, None
        tier_below = False
        for member in chain:
            chosen = rules[member.partner_id].get(scheme)
            why = member_reason(member, account["client_id"], plan)
            if chosen is not None and not isinstance(chosen, str) and multiplier is None:
                multiplier = Decimal(str(chosen["parameters"].get("lots_multiplier", 1)))
            if chosen is not None:
                found.append((member.partner_id, scheme, why or (chosen if isinstance(chosen, str) else "")))
            if chosen is None or isinstance(chosen, str) or (why and why != "not_yet_computed"):
                continue
            if has_tier(member.plan):
                tier_below = tier_below or plan["distribution"] == "difference"
                continue
            rate = rate_in_plan_currency(broker, chosen, plan, deal)
            outcome: Line | str
            if scheme not in COMPUTED or why or tier_below:
                outcome = "not_yet_computed"
            elif rate is None:
                outcome = "no_rate"
            else:
                base = (
                    multiplier
                    if plan["distribution"] == "difference"
                    else Decimal(str(chosen["parameters"].get("lots_multiplier", 1)))
                )
                outcome = pay(
                    broker,
                    deal,
                    account,
                    member,
                    chosen,
                    plan,
                    rate - paid_below if plan["distribution"] == "difference" else rate,
                    base,
                )
            if plan["distribution"] == "difference" and rate is not None:
                paid_below = max(paid_below, rate)
            found[-1] = (member.partner_id, scheme, outcome)
    for member in chain:
        if not rules[member.partner_id]:
            found.append((member.partner_id, "", member_reason(member, account["client_id"], plan) or "no_rule"))
    return found


def pay(
    broker: Broker, deal: Row, account: Row, member: Member, rule: Row, plan: Row, rate: Decimal, multiplier: Decimal
) -> Line | str:
    """The rounded line, or why there is none. `rate` is what this member earns, in the direct plan's currency or as a fraction."""
    if rule["scheme"] == "per_lot":
        base, exchange = closed_lots(broker.deals, deal) * multiplier, ONE
    else:
        base = max(-commission_of(broker.deals, deal), ZERO)
        exchange = exchange_rate(broker.rates, account["currency"], plan["currency"], deal["executed_at"])
    if rate <= 0 and plan["distribution"] == "difference":
        return "not_above_paid"
    if exchange is None:
        return "no_rate"
    if base == 0:
        return "no_base"
    assert member.n is not None and member.plan is not None
    amount = rounded(base * rate * exchange, member.plan["settings"].get("rounding", {}))
    if amount == 0:
        return "rounded_to_zero"
    return Line(member.n, member.plan["plan_id"], rule["rule_id"], rule["version"], amount, plan["currency"])


def rounded(amount: Decimal, rounding: Row) -> Decimal:
    """Once, by the partner's own plan; a plan that rounds its statements leaves the line at 8 digits."""
    if rounding.get("per", "line") == "statement":
        rounding = {}
    return amount.quantize(ONE.scaleb(-rounding.get("digits", 8)), rounding=MODES[rounding.get("mode", "half_even")])


def rate_in_plan_currency(broker: Broker, rule: Row, plan: Row, deal: Row) -> Decimal | None:
    if rule["scheme"] not in {"per_lot", "per_million", "cpa"}:
        return rule["rate"]
    exchange = exchange_rate(broker.rates, rule["currency"] or plan["currency"], plan["currency"], deal["executed_at"])
    return None if exchange is None else rule["rate"] * exchange


def member_reason(member: Member, client: str, plan: Row) -> str | None:
    """Why a member gets nothing whatever the deal: itself, before any rule is looked for."""
    if member.row is not None and member.row["status"] != "active":
        return "partner_inactive"
    limit = plan["settings"].get("max_levels")
    if limit is not None and member.n is not None and member.n > limit:
        return "beyond_max_levels"
    if member.row is not None and member.row["client_id"] == client:
        return "self"
    if member.plan is None:
        return "unknown_plan"
    if member.plan["settings"].get("caps") or has_tier(member.plan):
        return "not_yet_computed"
    return None


def has_tier(plan: Row | None) -> bool:
    return bool(plan and plan["settings"].get("tier"))


def unsupported_for_deal(plan: Row) -> bool:
    settings = plan["settings"]
    return (
        plan["distribution"] not in {"level", "difference"}
        or settings.get("side", "close") != "close"
        or settings.get("hedge", "count_all") != "count_all"
        or bool(settings.get("credit_coefficient"))
        or settings.get("house_cap_pct") is not None
    )


def member_rules(broker: Broker, deal: Row, account: Row, member: Member, distribution: str) -> dict[str, Row | str]:
    """Per scheme the one rule of the member's plan that holds, or `rule_conflict`."""
    if member.plan is None or member.n is None:
        return {}
    at = deal["executed_at"]
    symbol = as_of(broker.symbols, "valid_from", at, platform=deal["platform"], symbol=deal["symbol"])
    group = symbol["symbol_group"] if symbol else None
    rank = member.row["rank"] if member.row else None
    chosen: dict[str, Row | str] = {}
    mine = [rule for rule in broker.rules if rule["plan_id"] == member.plan["plan_id"] and valid(rule, at)]
    newest = [
        rule for rule in mine if rule["version"] == max(r["version"] for r in mine if r["rule_id"] == rule["rule_id"])
    ]
    for scheme in {rule["scheme"] for rule in newest}:
        fitting = []
        for rule in newest:
            level_fits = rule["level"] == member.n or (rule["level"] is None and distribution != "level")
            fits = (
                rule["scheme"] == scheme and level_fits and rule["rank"] in (None, rank) and rule["symbol"] in (None, deal["symbol"])
                and rule["symbol_group"] in (None, group) and rule["account_type"] in (None, account["account_type"])
            )  # fmt: skip
            if fits:
                fitting.append((specificity(rule), rule["level"] is None, rule["rank"] is None, rule["rule_id"], rule))
        if fitting:
            fitting.sort(key=lambda one: one[:4])
            tied = len(fitting) > 1 and fitting[0][:3] == fitting[1][:3]
            chosen[scheme] = "rule_conflict" if tied else fitting[0][4]
    return chosen


def specificity(rule: Row) -> int:
    """Symbol + account type, symbol, group + account type, group, account type, any."""
    typed = rule["account_type"] is not None
    if rule["symbol"] is not None:
        return 1 if typed else 2
    if rule["symbol_group"] is not None:
        return 3 if typed else 4
    return 5 if typed else 6


def chain_above(broker: Broker, links: list[Row], direct_id: str, at: datetime) -> list[Member]:
    """The direct partner and everyone above it at that moment, with the place each counts for."""
    ids = [direct_id]
    while (link := as_of(links, "valid_from", at, child_kind="partner", child_id=ids[-1])) and link[
        "parent_partner_id"
    ]:
        ids.append(link["parent_partner_id"])
    chain: list[Member] = []
    for partner_id in ids:
        row = as_of(broker.partners, "changed_at", at, partner_id=partner_id)
        chain.append(Member(partner_id, row, plan_at(broker, row["plan_id"] if row else None, at), None))
    compress = bool(chain[0].plan and chain[0].plan["settings"].get("compress"))
    n = 0
    for member in chain:
        if not compress or member.row is None or member.row["status"] == "active":
            n += 1
            member.n = n
    return chain


def plan_at(broker: Broker, plan_id: str | None, at: datetime) -> Row | None:
    versions = [plan for plan in broker.plans if plan["plan_id"] == plan_id and valid(plan, at)]
    return max(versions, key=lambda plan: plan["version"], default=None)


def valid(row: Row, at: datetime) -> bool:
    return row["valid_from"] <= at and (row["valid_to"] is None or at < row["valid_to"])


def is_test(broker: Broker, client: str) -> bool:
    rows = [row for row in broker.clients if row["client_id"] == client]
    return bool(rows) and bool(max(rows, key=lambda row: row["changed_at"])["is_test"])


def closes(broker: Broker, deal: Row) -> bool:
    """True for a live deal that closes volume; of two legs closed against each other only the lower one."""
    if deal["is_cancelled"] or deal["action"] not in {"buy", "sell"} or deal["entry"] not in {"out", "out_by", "inout"}:
        return False
    if deal["entry"] != "out_by":
        return True
    legs = [
        other["deal_id"] for other in broker.deals
        if other["entry"] == "out_by" and not other["is_cancelled"] and other["platform"] == deal["platform"]
        and other["order_id"] == deal["order_id"]
    ]  # fmt: skip
    return deal["deal_id"] == min(legs)


def deal_filter(broker: Broker, deal: Row, plan: Row) -> str | None:
    """The filter of the direct partner's plan that the deal does not pass; a deal before its symbol's first row has no rate."""
    settings = plan["settings"]
    opening = follow(broker.deals, deal)[2]
    symbol = as_of(broker.symbols, "valid_from", deal["executed_at"], platform=deal["platform"], symbol=deal["symbol"])
    if opening.at and (deal["executed_at"] - opening.at).total_seconds() < settings.get("min_hold_seconds", 0):
        return "held_too_short"
    if opening.lots and symbol:
        moved = abs(deal["price"] - opening.value / opening.lots) * 10 ** symbol["digits"]
        if moved < settings.get("min_points", 0):
            return "moved_too_little"
    if deal["reason"] in settings.get("exclude_reasons", []):
        return "excluded_reason"
    return None if symbol else "no_rate"


def refused_links(broker: Broker) -> set[tuple[str, str, datetime]]:
    """Links between partners that would close a cycle, instant by instant: the latest sent of those on it is as if never sent."""
    links = [link for link in broker.links if link["child_kind"] == "partner"]
    refused: set[tuple[str, str, datetime]] = set()
    parents: dict[str, str | None] = {}
    for at in sorted({link["valid_from"] for link in links}):
        sent = [link for link in links if link["valid_from"] == at]
        while True:
            tried = parents | {link["child_id"]: link["parent_partner_id"] for link in sent}
            closing = [link for link in sent if reaches(tried, link["child_id"])]
            if not closing:
                break
            worst = max(closing, key=lambda link: (link.get("recorded_at", at), link["child_id"]))
            sent.remove(worst)
            refused.add(("partner", worst["child_id"], at))
        parents = tried
    return refused


def reaches(parents: dict[str, str | None], child: str) -> bool:
    """True when going up from the child leads back to it."""
    seen, above = {child}, parents.get(child)
    while above is not None and above not in seen:
        seen.add(above)
        above = parents.get(above)
    return above == child
