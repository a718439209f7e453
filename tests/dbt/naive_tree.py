"""Who stands above a deal, and which rule of each holds. Part of the naive reading of the commission rules."""

from datetime import datetime
from decimal import Decimal

from tests.dbt.naive_broker import PERIODIC, Broker, Member, Row
from tests.dbt.naive_rates import as_of


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
    compress = bool(chain[0].setting("compress"))
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


def member_reason(member: Member, client: str, plan: Row) -> str | None:
    """Why a member gets nothing whatever the deal: itself, before any rule is looked for."""
    if member.row is not None and member.row["status"] != "active":
        return "partner_inactive"
    limit = plan["settings"].get("max_levels")
    if limit is not None and member.n is not None and member.n > limit:
        return "beyond_max_levels"
    if member.row is not None and member.row["client_id"] == client:
        return "self"
    return "unknown_plan" if member.plan is None else None


def rules_of(broker: Broker, plan_id: str, at: datetime) -> list[Row]:
    """The highest version of each of the plan's rules that is valid at that moment."""
    mine = [rule for rule in broker.rules if rule["plan_id"] == plan_id and valid(rule, at)]
    return [
        rule for rule in mine if rule["version"] == max(r["version"] for r in mine if r["rule_id"] == rule["rule_id"])
    ]


def is_silent(broker: Broker, member: Member, at: datetime) -> bool:
    """True for a plan with nothing but revenue shares and acquisitions, which has no zero rows."""
    schemes = {rule["scheme"] for rule in rules_of(broker, member.plan["plan_id"], at)} if member.plan else set()
    return bool(schemes) and schemes <= PERIODIC


def member_rules(
    broker: Broker, deal: Row, account: Row, symbol: Row | None, member: Member, distribution: str
) -> dict[str, Row | str]:
    """Per scheme the one rule of the member's plan that holds for its place and rank, or `rule_conflict`."""
    if member.plan is None or member.n is None:
        return {}
    rank = member.row["rank"] if member.row else None
    ranked = distribution == "rank"
    fitting = [
        rule for rule in fitting_rules(broker, deal, account, symbol, member, distribution)
        if (rule["rank"] == rank and rank is not None and "rank_order" in rule["parameters"] if ranked else rule["rank"] in (None, rank))
    ]  # fmt: skip
    return best_of_each_scheme(fitting)


def ladder(
    broker: Broker, deal: Row, account: Row, symbol: Row | None, member: Member, scheme: str
) -> list[tuple[Row, bool]]:
    """Under `rank`: the rule of each rank in the member's own plan, and whether another one is equally specific."""
    fitting = [
        rule for rule in fitting_rules(broker, deal, account, symbol, member, "rank")
        if rule["scheme"] == scheme and rule["rank"] is not None and "rank_order" in rule["parameters"]
    ]  # fmt: skip
    return [best([rule for rule in fitting if rule["rank"] == rank]) for rank in {rule["rank"] for rule in fitting}]


def fitting_rules(
    broker: Broker, deal: Row, account: Row, symbol: Row | None, member: Member, distribution: str
) -> list[Row]:
    """The rules that hold for the deal's symbol, group and account type, and for the member's place."""
    assert member.plan is not None
    group = symbol["symbol_group"] if symbol else None
    return [
        rule for rule in rules_of(broker, member.plan["plan_id"], deal["executed_at"])
        if (rule["scheme"] == deal["scheme"] if "scheme" in deal else rule["scheme"] not in PERIODIC)
        and (rule["level"] == member.n or (rule["level"] is None and distribution != "level"))
        and rule["symbol"] in (None, deal["symbol"]) and rule["symbol_group"] in (None, group)
        and rule["account_type"] in (None, account["account_type"])
    ]  # fmt: skip


def best_of_each_scheme(rules: list[Row]) -> dict[str, Row | str]:
    chosen: dict[str, Row | str] = {}
    for scheme in {rule["scheme"] for rule in rules}:
        rule, tied = best([rule for rule in rules if rule["scheme"] == scheme])
        chosen[scheme] = "rule_conflict" if tied else rule
    return chosen


def best(rules: list[Row]) -> tuple[Row, bool]:
    """The most specific rule, and whether another one is as specific."""
    ordered = sorted(rules, key=lambda rule: (*_place(rule), rule["rule_id"]))
    return ordered[0], len(ordered) > 1 and _place(ordered[0]) == _place(ordered[1])


def _place(rule: Row) -> tuple[int, bool, bool]:
    return specificity(rule), rule["level"] is None, rule["rank"] is None


def specificity(rule: Row) -> int:
    """Symbol + account type, symbol, group + account type, group, account type, any."""
    typed = rule["account_type"] is not None
    if rule["symbol"] is not None:
        return 1 if typed else 2
    if rule["symbol_group"] is not None:
        return 3 if typed else 4
    return 5 if typed else 6


def item_rate(rule: Row, deposited: Decimal, before: Decimal) -> Decimal:
    """A rule's rate for a client won: of a ladder what the step reached pays more than the one before, without one the rate, once."""
    steps = rule["parameters"].get("ladder")
    if steps is None:
        return rule["rate"] if before < 0 else Decimal(0)
    now, then = (
        max([Decimal(str(pay)) for start, pay in steps if Decimal(str(start)) <= at], default=Decimal(0))
        for at in (deposited, before)
    )
    return now - then


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
