"""The commission rules read one deal at a time, as a person would: slow, obvious, and sharing nothing with the models it is compared with.

The steps stand in files of their own: naive_parts (filters, hedge), naive_bases, naive_shares (distributions), naive_tiers, naive_limits
(credit, house cap, caps), naive_tree (chains and rules), naive_positions, naive_rates; naive_items has months and clients won.
"""

from dataclasses import dataclass
from datetime import datetime

from tests.dbt.naive_broker import OPEN, PRECEDENCE, Broker, Item, Line, Part, Pay, Row, rounded
from tests.dbt.naive_items import item_pays
from tests.dbt.naive_limits import cap_for_house, cap_partners, weigh_credit
from tests.dbt.naive_parts import closes, is_test, net_hedges, parts_of
from tests.dbt.naive_rates import as_of
from tests.dbt.naive_shares import share_out
from tests.dbt.naive_tree import is_silent, refused_links

Lines = dict[tuple[str, int, str, str, str], Line]
Zeros = dict[tuple[str, int, str], str]
Items = dict[str, Line]

__all__ = ["Broker", "Line", "Lines", "Reading", "Row", "Zeros", "interpret"]


@dataclass(frozen=True)
class Reading:
    """All lines of deals that should stand and all zeros; lines of months and clients won, and why others of these wait, by item and partner."""

    lines: Lines
    zeros: Zeros
    items: Items
    waiting: dict[str, str]


def interpret(broker: Broker, known_at: datetime) -> Reading:
    """What should stand of everything sent. Months over by `known_at` are complete."""
    refused = refused_links(broker)
    links = [link for link in broker.links if (link["child_kind"], link["child_id"], link["valid_from"]) not in refused]
    parts = [part for deal in broker.deals for part in parts_of(broker, links, deal)]
    eligible = [part for part in parts if not is_own_client(part)]
    net_hedges([part for part in eligible if part.chain[0].plan is not None])
    pays: list[Pay] = []
    for part in parts:
        if part.side == "close" if is_own_client(part) else part.pays:
            pays += outcomes(broker, eligible, part)
    of_items = item_pays(broker, links, eligible, known_at)
    cap_partners(broker, pays + of_items)
    lines, reasons = book(pays)
    zeros = zero_reasons(reasons)
    for deal in broker.deals:
        zeros |= without_partner(broker, links, deal)
    return Reading(lines, zeros, *book_items(of_items))


def is_own_client(part: Part) -> bool:
    row = part.chain[0].row
    return row is not None and row["client_id"] == part.account["client_id"]


def outcomes(broker: Broker, eligible: list[Part], part: Part) -> list[Pay]:
    """The shares of the part after credit and house cap, or the one reason that holds for all."""
    if is_own_client(part):
        reason, members = "self", part.chain[:1]
    elif part.chain[0].plan is None:
        reason, members = "unknown_plan", part.chain
    else:
        reason, members = part.reason, part.chain
    if reason:
        return [
            Pay(part, member, "", reason=reason)
            for member in members if not is_silent(broker, member, part.at)
        ]  # fmt: skip
    pays = share_out(broker, eligible, part)
    weigh_credit(broker, part, pays)
    cap_for_house(broker, part, pays)
    return pays


def book(pays: list[Pay]) -> tuple[Lines, dict[tuple[str, int, str], list[str | None]]]:
    """Rounds each line once; gives the lines, and per deal and partner the reasons of all its outcomes (None where it is paid)."""
    lines: Lines = {}
    reasons: dict[tuple[str, int, str], list[str | None]] = {}
    for pay in pays:
        deal, member, reason = pay.part.deal, pay.member, pay.reason
        key = (deal["platform"], deal["deal_id"], member.partner_id)
        if reason is None:
            assert member.n is not None and member.plan is not None and pay.rule is not None
            amount = rounded(pay.amount, member.plan["settings"].get("rounding", {}), down=pay.scaled)
            reason = None if amount else "rounded_to_zero"
            if amount:
                lines[(*key, pay.scheme, pay.part.side)] = Line(
                    member.n, member.plan["plan_id"], pay.rule["rule_id"], pay.rule["version"], amount,
                    pay.part.plan["currency"],
                )  # fmt: skip
        reasons.setdefault(key, []).append(reason)
    return lines, reasons


def book_items(pays: list[Pay]) -> tuple[Items, dict[str, str]]:
    """Rounds each line of a month or a client won; gives the lines, and the reasons of those that wait."""
    lines: Items = {}
    waiting: dict[str, str] = {}
    for pay in pays:
        assert isinstance(pay.part, Item)
        key = f"{pay.part.item_id}:{pay.member.partner_id}"
        if pay.reason in OPEN:
            waiting[key] = pay.reason
        elif pay.reason is None:
            assert pay.member.n is not None and pay.member.plan is not None and pay.rule is not None
            amount = rounded(pay.amount, pay.member.plan["settings"].get("rounding", {}))
            if amount:
                lines[key] = Line(
                    pay.member.n, pay.member.plan["plan_id"], pay.rule["rule_id"], pay.rule["version"], amount, pay.part.plan["currency"],
                )  # fmt: skip
    return lines, waiting


def zero_reasons(found: dict[tuple[str, int, str], list[str | None]]) -> Zeros:
    """Per partner the reason that is listed: an open one always, any other only where nothing at all was paid."""
    zeros: Zeros = {}
    for key, outcomes_of_key in found.items():
        whys = sorted((reason for reason in outcomes_of_key if reason), key=PRECEDENCE.index)
        if whys and (whys[0] in OPEN or len(whys) == len(outcomes_of_key)):
            zeros[key] = whys[0]
    return zeros


def without_partner(broker: Broker, links: list[Row], deal: Row) -> Zeros:
    """A closing deal of a client who was introduced only later, with the partner to come."""
    account = as_of(broker.accounts, "changed_at", deal["executed_at"], platform=deal["platform"], login=deal["login"])
    if not closes(broker, deal) or account is None or account["is_demo"] or is_test(broker, account["client_id"]):
        return {}
    own = [link for link in links if link["child_kind"] == "client" and link["child_id"] == account["client_id"]]
    now = as_of(own, "valid_from", deal["executed_at"])
    later = [link for link in own if link["valid_from"] > deal["executed_at"] and link["parent_partner_id"]]
    if (now and now["parent_partner_id"]) or not later:
        return {}
    first = min(later, key=lambda link: link["valid_from"])
    return {(deal["platform"], deal["deal_id"], first["parent_partner_id"]): "no_partner"}
