"""Which sides of which deals are eligible, and what the filters and the hedge leave of them. Part of the naive reading."""

from collections import defaultdict
from decimal import Decimal

from tests.dbt.naive_broker import ONE, ZERO, Broker, Part, Row
from tests.dbt.naive_positions import Opening, follow
from tests.dbt.naive_rates import as_of
from tests.dbt.naive_tree import chain_above


def parts_of(broker: Broker, links: list[Row], deal: Row) -> list[Part]:
    """The closing and opening side of a deal under the chain of its time; empty when nobody can be paid for it."""
    account = as_of(broker.accounts, "changed_at", deal["executed_at"], platform=deal["platform"], login=deal["login"])
    if account is None or account["is_demo"] or is_test(broker, account["client_id"]) or deal["is_cancelled"]:
        return []
    link = as_of(links, "valid_from", deal["executed_at"], child_kind="client", child_id=account["client_id"])
    if deal["action"] not in {"buy", "sell"} or link is None or link["parent_partner_id"] is None:
        return []
    chain = chain_above(broker, links, link["parent_partner_id"], deal["executed_at"])
    symbol = as_of(broker.symbols, "valid_from", deal["executed_at"], platform=deal["platform"], symbol=deal["symbol"])
    side = chain[0].setting("side", "close")
    closed, opening = follow(broker.deals, deal)
    volume = deal["volume_lots"]
    parts = []
    if closes(broker, deal):
        own = deal["commission"] * closed / volume
        parts.append(Part(deal, "close", account, symbol, chain, closed, opening, own, pays=side != "open"))
    if side != "close" and deal["entry"] in {"in", "inout"} and closed < volume:
        own = deal["commission"] * (volume - closed) / volume
        parts.append(Part(deal, "open", account, symbol, chain, volume - closed, Opening(), own, counts=False))
    for part in parts:
        part.paid_lots = part.lots
        if part.chain[0].plan is not None:
            part.reason = deal_filter(part)
    return parts


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


def deal_filter(part: Part) -> str | None:
    """The filter of the direct partner's plan that the deal does not pass; a deal before its symbol's first row has no rate."""
    settings, deal, opening = part.plan["settings"], part.deal, part.opening
    if opening.at and (part.at - opening.at).total_seconds() < settings.get("min_hold_seconds", 0):
        return "held_too_short"
    if opening.lots and part.symbol:
        moved = abs(deal["price"] - opening.value / opening.lots) * 10 ** part.symbol["digits"]
        if moved < settings.get("min_points", 0):
            return "moved_too_little"
    if deal["reason"] in settings.get("exclude_reasons", []):
        return "excluded_reason"
    return None if part.symbol else "no_rate"


def net_hedges(parts: list[Part]) -> None:
    """Leaves each closing deal the part by which it raises max(bought, sold) of its client, symbol and UTC day."""
    groups: dict[tuple[object, ...], list[Part]] = defaultdict(list)
    for part in parts:
        if part.side == "close" and part.reason is None and part.plan["settings"].get("hedge") == "max_side":
            groups[part.account["client_id"], part.deal["symbol"], part.at.date()].append(part)
    for group in groups.values():
        sums = {"buy": ZERO, "sell": ZERO}
        for part in sorted(group, key=lambda one: one.order):
            before = max(sums.values())
            sums[part.deal["action"]] += part.lots
            part.paid_lots = max(sums.values()) - before
            if part.paid_lots == 0 and part.lots > 0:
                part.reason = "hedged"


def share(part: Part) -> Decimal:
    """How much of the part's own figures counts: half where both sides pay, less what is hedged."""
    left = part.paid_lots / part.lots if part.lots else ONE
    return left / 2 if part.both else left
