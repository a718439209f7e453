"""MetaTrader 4's records as canonical rows. One record is a whole round trip, so a closed trade gives two deals.

**Numbers.** The opening deal of ticket T is deal 2·T, the closing one 2·T + 1, a balance operation 2·T; the position is T. All that a
trade earns and costs is booked when it closes, as the platform does it. The opening deal bears nothing that its closing may change
(comment, change stamp), so that closing is no correction of the opening; a partial close is one: it makes the opening smaller.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ingestion.connectors.base import Batch, Rejected
from ingestion.connectors.mt4_codes import CLOSED_BY, KINDS, OPERATIONS, OPPOSITE, PENDING
from ingestion.connectors.mt_comments import CommentRules, purpose
from ingestion.connectors.values import decimal_of, exact, text_frame

HIGHEST_TICKET = 2**62 - 1

_PARTLY = re.compile(r"(from|to) #(\d+)")
_HEDGE = re.compile(r"hedge by #(\d+)|close by #(\d+)", re.IGNORECASE)

_DEALS = """platform deal_id order_id position_id login executed_at action is_cancelled reference entry symbol
volume_lots price profit swap commission fee reason comment source_version ticket comment_rule counter_ticket"""
_ORDERS = """platform order_id changed_at position_id login symbol side order_type state volume_lots requested_price
executed_price sl tp placed_at done_at source_version comment"""
_POSITIONS = """platform position_id captured_at login symbol side volume_lots opened_at open_price current_price
floating_profit swap sl tp comment"""
COLUMNS: Mapping[str, Sequence[str]] = {
    "deals": _DEALS.split(),
    "orders": _ORDERS.split(),
    "positions": _POSITIONS.split(),
}

Row = dict[str, object]


@dataclass(frozen=True)
class Ticket:
    """One MT4 record: numbers as exact text, times ISO-8601 in UTC. `closed_at` None means open or working.

    `kind` is one of KINDS. Money is in the account's own unit (cents of a cent account); `lots` are lots.
    """

    number: str
    login: str
    kind: str
    opened_at: str
    closed_at: str | None
    symbol: str | None = None
    lots: str | None = None
    open_price: str | None = None
    close_price: str | None = None
    sl: str | None = None
    tp: str | None = None
    commission: str | None = None
    taxes: str | None = None
    swap: str | None = None
    profit: str | None = None
    reason: str | None = None
    comment: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Book:
    """What all tickets of a file share: the server's name, when a report was printed, the comment rules, the cent accounts."""

    platform: str
    captured_at: str | None
    rules: CommentRules
    cent_logins: Collection[str] = frozenset()

    def money(self, ticket: Ticket, text: str | None) -> str | None:
        """The amount in the account's currency: a cent account's are hundredths."""
        return self.of_account(ticket.login, text)

    def of_account(self, login: str, text: str | None) -> str | None:
        """The same of an amount that stands beside the account's tickets."""
        value = decimal_of(text)
        if value is None:
            return None
        return exact(value.scaleb(-2) if login in self.cent_logins else value)


def rows_of(ticket: Ticket, book: Book) -> list[tuple[str, Row]]:
    """(feed, row) for all that one record says. Raises ValueError for a record that says nothing that can be."""
    number = ticket.number
    if not (number.isascii() and number.isdigit()) or not 0 < int(number) <= HIGHEST_TICKET:
        raise ValueError(f"ticket: {number!r} is no order number")
    if ticket.kind not in KINDS:
        raise ValueError(f"type: {ticket.kind!r} is none of {', '.join(sorted(KINDS))}")
    if ticket.kind in PENDING:
        return [("orders", _order(ticket, book))]
    if ticket.kind in OPERATIONS:
        return [("deals", _operation(ticket, book))]
    found: list[tuple[str, Row]] = [("deals", _opening(ticket, book))]
    if ticket.closed_at:
        found.append(("deals", _closing(ticket, book)))
    elif book.captured_at:
        found.append(("positions", _position(ticket, book)))
    return found


def batches(
    numbered: Iterable[tuple[int, Mapping[str, object], Callable[[], Ticket]]],
    book: Book,
    feeds: Collection[str],
    said: tuple[str, ...] = (),
) -> list[Batch]:
    """One batch a feed of (row number, source row, how to read it): what cannot be read is set aside with the first feed."""
    good: dict[str, list[Row]] = {feed: [] for feed in feeds}
    bad: list[Rejected] = []
    for number, source, read in numbered:
        try:
            for feed, row in rows_of(read(), book):
                good[feed].append({**row, "_row_number": number})
        except ValueError as error:
            bad.append(Rejected(number, (str(error),), dict(source)))
    first = next(iter(feeds))
    return [
        Batch(
            feed,
            text_frame(rows, COLUMNS[feed]),
            tuple(bad) if feed == first else (),
            said if feed == first else (),
        )
        for feed, rows in good.items()
        if rows or feed == first
    ]


def _base(ticket: Ticket, book: Book, deal_id: int, executed_at: str) -> Row:
    return {
        "platform": book.platform,
        "deal_id": str(deal_id),
        "login": ticket.login,
        "executed_at": executed_at,
        "is_cancelled": "false",
        "ticket": ticket.number,
    }


def _operation(ticket: Ticket, book: Book) -> Row:
    meant = purpose(ticket.comment, book.rules) if ticket.kind == "balance" else None
    if ticket.profit is None:
        raise ValueError("profit: a balance operation without its amount")
    return {
        **_base(ticket, book, 2 * int(ticket.number), ticket.opened_at),
        "action": meant.action if meant else ticket.kind,
        "reference": meant.reference if meant else None,
        "profit": book.money(ticket, ticket.profit),
        "swap": book.money(ticket, ticket.swap),
        "commission": book.money(ticket, ticket.commission),
        "fee": book.money(ticket, ticket.taxes),
        "reason": ticket.reason,
        "comment": ticket.comment,
        "source_version": ticket.version,
        "comment_rule": meant.rule if meant else None,
    }


def _opening(ticket: Ticket, book: Book) -> Row:
    partly = _PARTLY.search(ticket.comment or "")
    return {
        **_base(ticket, book, 2 * int(ticket.number), ticket.opened_at),
        **_trade(ticket),
        "action": ticket.kind,
        "entry": "in",
        "price": ticket.open_price,
        "profit": "0",
        "reason": ticket.reason,
        "comment": partly[0] if partly and partly[1] == "from" else None,
    }


def _closing(ticket: Ticket, book: Book) -> Row:
    comment = ticket.comment or ""
    hedge, partly = _HEDGE.search(comment), _PARTLY.search(comment)
    return {
        **_base(ticket, book, 2 * int(ticket.number) + 1, str(ticket.closed_at)),
        **_trade(ticket),
        "action": OPPOSITE[ticket.kind],
        "entry": "out_by" if hedge else "out",
        "price": ticket.close_price,
        "profit": book.money(ticket, ticket.profit),
        "swap": book.money(ticket, ticket.swap),
        "commission": book.money(ticket, ticket.commission),
        "fee": book.money(ticket, ticket.taxes),
        "reason": next((why for mark, why in CLOSED_BY.items() if mark in comment), ticket.reason),
        "comment": ticket.comment,
        "source_version": ticket.version,
        "counter_ticket": (hedge[1] or hedge[2]) if hedge else partly[2] if partly else None,
    }


def _trade(ticket: Ticket) -> Row:
    if decimal_of(ticket.lots) is None or decimal_of(ticket.open_price) is None:
        raise ValueError("volume, price: a trade must state both")
    return {
        "order_id": ticket.number,
        "position_id": ticket.number,
        "symbol": ticket.symbol,
        "volume_lots": ticket.lots,
    }


def _order(ticket: Ticket, book: Book) -> Row:
    side, _, order_type = ticket.kind.partition(" ")
    return {
        "platform": book.platform,
        "order_id": ticket.number,
        "changed_at": ticket.closed_at or ticket.opened_at,
        "login": ticket.login,
        "symbol": ticket.symbol,
        "side": side,
        "order_type": order_type,
        "state": "cancelled" if ticket.closed_at else "placed",
        "volume_lots": ticket.lots,
        "requested_price": ticket.open_price,
        "sl": _level(ticket.sl),
        "tp": _level(ticket.tp),
        "placed_at": ticket.opened_at,
        "done_at": ticket.closed_at,
        "source_version": ticket.version,
        "comment": ticket.comment,
    }


def _position(ticket: Ticket, book: Book) -> Row:
    return {
        "platform": book.platform,
        "position_id": ticket.number,
        "captured_at": book.captured_at,
        "login": ticket.login,
        "symbol": ticket.symbol,
        "side": ticket.kind,
        "volume_lots": ticket.lots,
        "opened_at": ticket.opened_at,
        "open_price": ticket.open_price,
        "current_price": ticket.close_price,
        "floating_profit": book.money(ticket, ticket.profit),
        "swap": book.money(ticket, ticket.swap),
        "sl": _level(ticket.sl),
        "tp": _level(ticket.tp),
        "comment": ticket.comment,
    }


def _level(text: str | None) -> str | None:
    """A price level; MetaTrader writes 0 where none is set."""
    value = decimal_of(text)
    return exact(value) if value else None


def total(values: Iterable[str | None]) -> Decimal:
    """The exact sum of what is stated."""
    return sum((decimal_of(value) or Decimal(0) for value in values), Decimal(0))
