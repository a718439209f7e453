"""How a base is shared up the chain: the five distributions. Part of the naive reading of the commission rules."""

from decimal import Decimal

from tests.dbt.naive_bases import MONEY_RATE, quantity
from tests.dbt.naive_broker import ONE, ZERO, Broker, Item, Member, Part, Pay, Row
from tests.dbt.naive_rates import exchange_rate
from tests.dbt.naive_tiers import tier_rate, unknown
from tests.dbt.naive_tree import is_silent, item_rate, ladder, member_reason, member_rules


def share_out(broker: Broker, parts: list[Part], part: Part) -> list[Pay]:
    """Every member's outcome for every scheme, before credit, caps and rounding."""
    client, distribution = part.account["client_id"], part.plan["distribution"]
    rules = {
        member.partner_id: member_rules(broker, part.deal, part.account, part.symbol, member, distribution)
        for member in part.chain
    }
    counted = [member for member in part.chain if member.n is not None]
    pays: list[Pay] = []
    for scheme in sorted({scheme for own in rules.values() for scheme in own}):
        rows = [(member, rules[member.partner_id].get(scheme)) for member in counted]
        whys = [member_reason(member, client, part.plan) for member, _ in rows]
        pays += SHARES[distribution](broker, parts, part, scheme, rows, whys)
    listed = {pay.member.partner_id for pay in pays}
    for member in part.chain:
        if member.partner_id not in listed and not is_silent(broker, member, part.at):
            pays.append(Pay(part, member, "", reason=member_reason(member, client, part.plan) or "no_rule"))
    return pays


def share_out_item(broker: Broker, parts: list[Part], item: Item) -> list[Pay]:
    """Every member's outcome for a month or a client won, before caps and rounding."""
    client, scheme, distribution = item.account["client_id"], item.deal["scheme"], item.plan["distribution"]
    if client is not None and item.chain[0].row and item.chain[0].row["client_id"] == client:
        return [Pay(item, item.chain[0], scheme, reason="self")]
    rows: Rows = []
    whys: list[str | None] = []
    lost = None
    for member in item.chain:
        if member.n is None:
            continue
        rule = member_rules(broker, item.deal, item.account, None, member, distribution).get(scheme)
        rule = priced(rule, item, member, distribution) if isinstance(rule, dict) else rule
        reaches = isinstance(rule, dict) or (rule is None and distribution == "pass_up")
        why = member_reason(member, client or "", item.plan)
        if why is None and reaches:
            why = (unknown(member.setting("tier"), member, item, rule) if isinstance(rule, dict) else None) or lost
            why = "no_rate" if item.waits and why is None else why
            if why and distribution != "level" and not item.waits:
                lost = lost or why
        rows.append((member, rule))
        whys.append(why)
    pays = SHARES[distribution](broker, parts, item, scheme, rows, whys)
    listed = {pay.member.partner_id for pay in pays}
    for (member, _), why in zip(rows, whys, strict=True):
        if why == "unknown_plan" and member.partner_id not in listed:
            pays.append(Pay(item, member, scheme, reason=why))
    return pays


def priced(rule: Row, item: Item, member: Member, distribution: str) -> Row:
    """The rule at its rate for the item; above the first a share of what the child got stays a share.

    A ladder is amounts and no rate, and who is paid without one is paid once: there no tier replaces anything.
    """
    if item.deal["scheme"] != "cpa" or (distribution == "share_of_child" and member.n != 1):
        return rule
    return rule | {
        "rate": item_rate(rule, item.deposited, item.deposited_before),
        "is_fixed": "ladder" in rule["parameters"] or item.deposited_before >= 0,
    }


Rows = list[tuple[Member, "Row | str | None"]]


def level(broker: Broker, parts: list[Part], part: Part, scheme: str, rows: Rows, whys: list[str | None]) -> list[Pay]:
    """Each on its own base, on top of each other."""
    found = []
    for (member, rule), why in zip(rows, whys, strict=True):
        if rule is None:
            continue
        pay = Pay(part, member, scheme, *_checked(rule), reason=why or (rule if isinstance(rule, str) else None))
        if pay.reason is None and isinstance(rule, dict):
            rate = tier_rate(broker, parts, part, member, rule)
            settle(broker, pay, rule, rule, rate)
        found.append(pay)
    return found


def difference(
    broker: Broker, parts: list[Part], part: Part, scheme: str, rows: Rows, whys: list[str | None]
) -> list[Pay]:
    """What each rate is above the highest paid below, on the base of the lowest rule."""
    found, paid_below = [], ZERO
    lowest = next((rule for _, rule in rows if isinstance(rule, dict)), None)
    for (member, rule), why in zip(rows, whys, strict=True):
        if rule is None:
            continue
        pay = Pay(part, member, scheme, *_checked(rule), reason=why or (rule if isinstance(rule, str) else None))
        if pay.reason is None and isinstance(rule, dict) and lowest is not None:
            rate = tier_rate(broker, parts, part, member, rule)
            exchange = rate_exchange(broker, part, rule)
            if exchange is None:
                pay.reason = "no_rate"
            elif rate * exchange <= paid_below:
                pay.reason = "not_above_paid"
            else:
                settle(broker, pay, lowest, rule, rate * exchange - paid_below, ONE)
            if exchange is not None:
                paid_below = max(paid_below, rate * exchange)
        found.append(pay)
    return found


def rank(broker: Broker, parts: list[Part], part: Part, scheme: str, rows: Rows, whys: list[str | None]) -> list[Pay]:
    """The rates of all ranks, in one's own plan, above the highest paid below and up to one's own."""
    found, highest = [], None
    lowest = next((rule for _, rule in rows if isinstance(rule, dict)), None)
    for (member, rule), why in zip(rows, whys, strict=True):
        if rule is None:
            continue
        pay = Pay(part, member, scheme, *_checked(rule), reason=why or (rule if isinstance(rule, str) else None))
        if pay.reason is None and isinstance(rule, dict) and lowest is not None:
            own = rule["parameters"]["rank_order"]
            if highest is not None and own <= highest:
                pay.reason = "rank_not_above"
            else:
                between = [
                    (one, tied) for one, tied in ladder(broker, part.deal, part.account, part.symbol, member, scheme)
                    if one["parameters"]["rank_order"] <= own and (highest is None or one["parameters"]["rank_order"] > highest)
                ]  # fmt: skip
                rungs = [priced(one, part, member, "rank") if isinstance(part, Item) else one for one, _ in between]
                total = sum((tier_rate(broker, parts, part, member, one) for one in rungs), ZERO)
                if any(tied for _, tied in between):
                    pay.reason = "rule_conflict"
                else:
                    settle(broker, pay, lowest, rule, total)
                highest = own
        found.append(pay)
    return found


def share_of_child(
    broker: Broker, parts: list[Part], part: Part, scheme: str, rows: Rows, whys: list[str | None]
) -> list[Pay]:
    """The direct partner the base; above, a share of what the child is paid, on top."""
    found: list[Pay] = []
    base, product = None, ONE
    for (member, rule), why in zip(rows, whys, strict=True):
        usable = isinstance(rule, dict) and why is None and product > 0
        if rule is not None:
            pay = Pay(part, member, scheme, *_checked(rule), reason=why or (rule if isinstance(rule, str) else None))
            found.append(pay)
            if pay.reason is None and (product == 0 or (member.n != 1 and base is None)):
                pay.reason = "no_base"
            elif pay.reason is None and isinstance(rule, dict):
                base = base or rule
                product *= tier_rate(broker, parts, part, member, rule)
                settle(broker, pay, base, base, product)
        if not usable:
            product = ZERO
    return found


def pass_up(
    broker: Broker, parts: list[Part], part: Part, scheme: str, rows: Rows, whys: list[str | None]
) -> list[Pay]:
    """The direct partner receives the base; everyone gives a part of what it received to its parent and keeps the rest."""
    direct = rows[0][1]
    if not isinstance(direct, dict):
        return [
            Pay(part, member, scheme, reason=why or (rule if isinstance(rule, str) else "no_base"))
            for (member, rule), why in zip(rows, whys, strict=True) if rule is not None
        ]  # fmt: skip
    base = Pay(part, rows[0][0], scheme, direct)
    settle(broker, base, direct, direct, tier_rate(broker, parts, part, rows[0][0], direct))
    received: Decimal | None = base.amount
    found: list[Pay] = []
    limit = part.plan["settings"].get("max_levels")
    for place, ((member, rule), why) in enumerate(zip(rows, whys, strict=True)):
        pay = Pay(part, member, scheme, rule if isinstance(rule, dict) else direct)
        is_last = place + 1 == len(rows) or (limit is not None and place + 2 > limit)
        if isinstance(rule, str) or why in ("beyond_max_levels", "unknown_plan"):
            pay.reason = why or rule if isinstance(rule, str) else why
            received, kept = (ZERO if received is not None else None), ZERO
        elif received is None:
            # who has no rule keeps whatever it is, and above there is nothing
            kept, received = None, (None if isinstance(rule, dict) and not is_last else ZERO)
        else:
            if isinstance(rule, dict) and not is_last:
                given = given_up(broker, part, rule, received)
                kept = None if given is None else received - given
                received = given
            else:
                kept, received = received, ZERO
        if why is not None:
            pay.reason = why
        elif pay.reason is None and (base.reason is not None and place == 0):
            pay.reason = base.reason
        elif pay.reason is None and base.reason is not None:
            pay.reason = base.reason if base.reason == "no_rate" else "no_base"
        elif pay.reason is None and kept is None:
            pay.reason = "no_rate"
        elif pay.reason is None and kept == 0:
            pay.reason = "no_base"
        elif pay.reason is None:
            assert kept is not None
            pay.amount = kept
        found.append(pay)
    return found


def given_up(broker: Broker, part: Part, rule: Row, received: Decimal) -> Decimal | None:
    """What of it goes to the parent: pass_up money a lot, or a part of it; never more than was received. None without an exchange rate."""
    parameters = rule["parameters"]
    if parameters.get("pass_up") is not None:
        source = rule["currency"] or part.plan["currency"]
        exchange = exchange_rate(broker.rates, source, part.plan["currency"], part.at)
        if exchange is None:
            return None
        lots = part.paid_lots / (2 if part.both else 1)
        return min(received, Decimal(str(parameters["pass_up"])) * exchange * lots)
    if parameters.get("pass_up_pct") is not None:
        return received * Decimal(str(parameters["pass_up_pct"]))
    return ZERO


def settle(
    broker: Broker, pay: Pay, base_rule: Row, rate_rule: Row, rate: Decimal, exchange: Decimal | None = None
) -> None:
    """Puts amount or reason on the outcome. `exchange` is 1 where the rate is already in the plan's currency."""
    part = pay.part
    base = quantity(broker, part, base_rule)
    if isinstance(base, str):
        pay.reason = base
        return
    amount, currency = base
    if currency is not None:
        exchange = exchange_rate(broker.rates, currency, part.plan["currency"], part.at)
    elif exchange is None:
        exchange = rate_exchange(broker, part, rate_rule)
    if exchange is None:
        pay.reason = "no_rate"
    elif amount == 0:
        pay.reason = "no_base"
    else:
        pay.amount = amount * rate * exchange


def rate_exchange(broker: Broker, part: Part, rule: Row) -> Decimal | None:
    """Units of the plan's currency for one of the rate's; 1 where the rate is a share."""
    if rule["scheme"] not in MONEY_RATE:
        return ONE
    return exchange_rate(broker.rates, rule["currency"] or part.plan["currency"], part.plan["currency"], part.at)


def _checked(rule: "Row | str") -> tuple[Row | None]:
    return (rule if isinstance(rule, dict) else None,)


SHARES = {
    "level": level, "difference": difference, "rank": rank, "share_of_child": share_of_child, "pass_up": pass_up,
}  # fmt: skip
