"""Months and clients won, one at a time: what a revenue share or an acquisition pays on. Part of the naive reading of the commission rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.dbt.naive_broker import ZERO, Broker, Item, Member, Part, Pay, Row, completed
from tests.dbt.naive_parts import closes, is_test
from tests.dbt.naive_positions import Opening, follow
from tests.dbt.naive_rates import as_of, exchange_rate
from tests.dbt.naive_shares import share_out_item
from tests.dbt.naive_tree import chain_above, item_rate, member_rules

MICROSECOND = timedelta(microseconds=1)


def item_pays(broker: Broker, links: list[Row], parts: list[Part], known_at: datetime) -> list[Pay]:
    """Every member's outcome for every complete month of a partner and every client won."""
    partners = sorted({row["partner_id"] for row in broker.partners})
    found = [item for partner_id in partners for item in months_of(broker, links, partner_id, known_at)]
    found += [item for client in broker.clients for item in steps_of(broker, links, client)]
    return [pay for item in found for pay in share_out_item(broker, parts, item)]


# --- revenue shares -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """Something that a client's business with the house is worth, in its own currency; positive is earned by the house."""

    client: str
    at: datetime
    worth: Decimal
    currency: str


def months_of(broker: Broker, links: list[Row], partner_id: str, known_at: datetime) -> Iterator[Item]:
    """The partner's months over by then in which somebody in its chain has a rule for it and its clients did anything.

    `base` is what is left after the losses carried from before.
    """
    events = [one for one in revenue_events(broker) if is_own(broker, links, partner_id, one.client, one.at)]
    carried: dict[str, Decimal] = {}
    for year, number in sorted({(one.at.year, one.at.month) for one in events}):
        start = datetime(year, number, 1, tzinfo=known_at.tzinfo)
        end = (start + timedelta(days=32)).replace(day=1)
        chain = chain_above(broker, links, partner_id, end - MICROSECOND)
        if end > known_at or chain[0].plan is None:
            continue
        currency = chain[0].plan["currency"]
        item = new_item("revenue_share", f"revenue_share:{partner_id}:{start:%Y-%m}", end - MICROSECOND, chain, None)
        rules = [
            member_rules(broker, item.deal, item.account, None, one, chain[0].plan["distribution"]) for one in chain
        ]
        if not any(one.values() for one in rules):
            continue
        earned, unknown = worth_of([one for one in events if start <= one.at < end], broker, currency)
        total = earned + carried.get(currency, ZERO)
        item.base, item.waits = max(total, ZERO), unknown
        carried[currency] = min(total, ZERO) if chain[0].setting("negative_carry", True) else ZERO
        item.revenue = {
            member.partner_id: member_revenue(broker, links, member, item) for member in chain if member.plan
        }
        if item.base > 0 or unknown:
            yield item


def revenue_events(broker: Broker) -> Iterator[Event]:
    """Results, commission and swap of deals, bonuses, negative balances let go of, chargebacks and what providers take from the house."""
    for deal in broker.deals:
        account = as_of(
            broker.accounts, "changed_at", deal["executed_at"], platform=deal["platform"], login=deal["login"]
        )
        if (
            account
            and not account["is_demo"]
            and not deal["is_cancelled"]
            and not is_test(broker, account["client_id"])
        ):
            # of a bonus or of a balance let go of the profit is what the client is given
            worth = -(deal["profit"] + deal["commission"] + deal["swap"])
            yield Event(account["client_id"], deal["executed_at"], worth, account["currency"])
    for row in completed(broker):
        if is_test(broker, row["client_id"]):
            continue
        if row["kind"] in ("chargeback", "chargeback_reversal"):
            back = row["amount"] if row["kind"] == "chargeback" else -row["amount"]
            yield Event(row["client_id"], row["occurred_at"], -back, row["currency"])
        if row.get("fee_amount") and row.get("fee_borne_by") in (None, "firm"):
            yield Event(row["client_id"], row["occurred_at"], -row["fee_amount"], row["currency"])


def is_own(broker: Broker, links: list[Row], partner_id: str, client: str, at: datetime) -> bool:
    """True for a client who stood directly under the partner then and is not the partner."""
    link = as_of(links, "valid_from", at, child_kind="client", child_id=client)
    persons = {row["client_id"] for row in broker.partners if row["partner_id"] == partner_id}
    return link is not None and link["parent_partner_id"] == partner_id and client not in persons


def worth_of(events: list[Event], broker: Broker, currency: str) -> tuple[Decimal, bool]:
    """All of it in the currency, each at its own rate; and whether a rate was missing."""
    rates = [(one, exchange_rate(broker.rates, one.currency, currency, one.at)) for one in events]
    return sum((one.worth * rate for one, rate in rates if rate is not None), ZERO), any(
        rate is None for _, rate in rates
    )


def member_revenue(broker: Broker, links: list[Row], member: Member, item: Item) -> tuple[Decimal, Decimal, bool]:
    """(earlier in the window of the member's tier, in the month itself as far as the window reaches, a rate missing), of the member's own clients."""
    tier = member.setting("tier")
    if not tier or tier["kpi"] != "net_revenue":
        return ZERO, ZERO, False
    assert member.plan is not None
    kind, _, number = tier["window"].partition(":")
    month, end = item.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0), item.at + MICROSECOND
    start = month
    if kind == "rolling_days":
        start = end - timedelta(days=int(number))
    if kind == "previous_months":
        for _ in range(int(number)):
            start = (start - timedelta(days=1)).replace(day=1)
        end = month
    mine = [
        one
        for one in revenue_events(broker)
        if start <= one.at < end and is_own(broker, links, member.partner_id, one.client, one.at)
    ]
    earlier, first_unknown = worth_of([one for one in mine if one.at < month], broker, member.plan["currency"])
    own, then_unknown = worth_of([one for one in mine if one.at >= month], broker, member.plan["currency"])
    return earlier, own, first_unknown or then_unknown


# --- clients won ----------------------------------------------------------------------------------------------------


def steps_of(broker: Broker, links: list[Row], client: Row) -> Iterator[Item]:
    """The event that completes the conditions of the first partner's rule, and each later one that reaches a higher step of its ladder."""
    client_id, number = client["client_id"], 0
    paid, deposited_before, waiting = None, Decimal(-1), None
    for at, key in client_events(broker, client_id):
        link = as_of(links, "valid_from", at, child_kind="client", child_id=client_id)
        if (
            link is None
            or link["parent_partner_id"] is None
            or is_test(broker, client_id)
            or has_chargeback(broker, client_id)
        ):
            continue
        chain = chain_above(broker, links, link["parent_partner_id"], at)
        rule = first_rule(broker, chain, at, client_id)
        if rule is None or not is_identified(broker, client_id, at):
            continue
        assert chain[0].plan is not None
        sums = sums_through(broker, client_id, (at, key), rule["currency"] or chain[0].plan["currency"])
        verdict, amount = judge(rule, client, at, sums)
        if verdict is None:
            continue
        item = new_item("cpa", "", at, chain, client_id)
        item.deposited, item.deposited_before = sums.deposited, deposited_before
        if verdict == "waits":
            item.item_id, item.waits = f"cpa:{client_id}:1", True
            waiting = waiting or item
        elif paid is None or ("ladder" in rule["parameters"] and amount > paid):
            number += 1
            item.item_id = f"cpa:{client_id}:{number}"
            deposited_before = sums.deposited
            yield item
        if verdict == "meets":
            paid = max(paid or ZERO, amount)
    if waiting is not None and number == 0:
        yield waiting


def client_events(broker: Broker, client_id: str) -> list[tuple[datetime, str]]:
    """Deposits, deals and identifications of the client in order, each with a name of its own."""
    found = [
        (row["occurred_at"], f"psp:{row['psp']}:{row['event_id']}") for row in completed(broker)
        if row["client_id"] == client_id and row["kind"] == "deposit"
    ]  # fmt: skip
    found += [(deal["executed_at"], deal_key(deal)) for deal in own_deals(broker, client_id)]
    found += [
        (row["occurred_at"], f"kyc:{row['event_id']}") for row in broker.kyc
        if row["client_id"] == client_id and row["to_status"] == "APPROVED"
    ]  # fmt: skip
    return sorted(found)


def own_deals(broker: Broker, client_id: str) -> Iterator[Row]:
    for deal in broker.deals:
        account = as_of(
            broker.accounts, "changed_at", deal["executed_at"], platform=deal["platform"], login=deal["login"]
        )
        if (
            account
            and account["client_id"] == client_id
            and not account["is_demo"]
            and not deal["is_cancelled"]
            and deal["action"] in ("buy", "sell")
        ):
            yield deal | {"currency": account["currency"]}


def deal_key(deal: Row) -> str:
    return f"deal:{deal['platform']}:{deal['deal_id']}"


def has_chargeback(broker: Broker, client_id: str) -> bool:
    """True while more of the client's payments were charged back than reversed."""
    kinds = [row["kind"] for row in completed(broker) if row["client_id"] == client_id]
    return kinds.count("chargeback") > kinds.count("chargeback_reversal")


def is_identified(broker: Broker, client_id: str, at: datetime) -> bool:
    status = as_of(broker.kyc, "occurred_at", at, client_id=client_id)
    return status is not None and status["to_status"] == "APPROVED"


def first_rule(broker: Broker, chain: list[Member], at: datetime, client_id: str) -> Row | None:
    """The rule of the first counted partner, by which the conditions are judged."""
    if chain[0].plan is None:
        return None
    item = new_item("cpa", "", at, chain, client_id)
    first = next((member for member in chain if member.n == 1), None)
    if first is None:
        return None
    rule = member_rules(broker, item.deal, item.account, None, first, chain[0].plan["distribution"]).get("cpa")
    return rule if isinstance(rule, dict) else None


@dataclass(frozen=True)
class Sums:
    """What a client did up to an event; `unknown` where a rate for its money was missing."""

    deposited: Decimal
    commission: Decimal
    lots: Decimal
    unknown: bool


def sums_through(broker: Broker, client_id: str, event: tuple[datetime, str], currency: str) -> Sums:
    deposits = [
        (row["amount"], exchange_rate(broker.rates, row["currency"], currency, row["occurred_at"])) for row in completed(broker)
        if row["client_id"] == client_id and row["kind"] == "deposit"
        and (row["occurred_at"], f"psp:{row['psp']}:{row['event_id']}") <= event
    ]  # fmt: skip
    deals = [deal for deal in own_deals(broker, client_id) if (deal["executed_at"], deal_key(deal)) <= event]
    charged = [
        (-deal["commission"], exchange_rate(broker.rates, deal["currency"], currency, deal["executed_at"]))
        for deal in deals if deal["commission"]
    ]  # fmt: skip
    lots = sum((follow(broker.deals, deal)[0] for deal in deals if closes(broker, deal)), ZERO)
    deposited, commission = (
        sum((amount * rate for amount, rate in rows if rate is not None), ZERO) for rows in (deposits, charged)
    )
    return Sums(deposited, commission, lots, any(rate is None for _, rate in deposits + charged))


def judge(rule: Row, client: Row, at: datetime, sums: Sums) -> tuple[str | None, Decimal]:
    """("meets", "waits" for a rate without which nobody can say, or None; what the rule pays for all deposits so far)."""
    asked = rule["parameters"]
    amount = item_rate(rule, sums.deposited, Decimal(-1))
    days = asked.get("within_days")
    if sums.lots < Decimal(str(asked.get("min_lots", 0))):
        return None, amount
    if days is not None and (
        client.get("registered_at") is None or at > client["registered_at"] + timedelta(days=int(days))
    ):
        return None, amount
    enough = sums.deposited >= Decimal(str(asked.get("min_deposit", 0))) and amount > 0
    if enough and sums.commission >= Decimal(str(asked.get("min_commission_ratio", 0))) * amount:
        return "meets", amount
    return "waits" if sums.unknown else None, amount


def new_item(scheme: str, item_id: str, at: datetime, chain: list[Member], client_id: str | None) -> Item:
    """An item as the distributions read it: a part of no deal, of one unit."""
    deal = {"platform": "~", "deal_id": 0, "executed_at": at, "symbol": None, "scheme": scheme}
    account = {"client_id": client_id, "account_type": None}
    item = Item(deal, item_id, account, None, chain, Decimal(1), Opening(), ZERO, counts=False, paid_lots=Decimal(1))
    item.item_id = item_id
    return item
