"""MetaTrader 4's terminal statement (HTML): one account's closed and open trades and working orders.

It names no time zone (setting `time_zone`, else an assumed one, remarked on). Its sums are checked and remarked on where they do not
foot: a statement of a period starts at a balance it does not tell.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Total
from ingestion.connectors.mt4_codes import CENTS, OPERATIONS, PENDING, TRADES
from ingestion.connectors.mt4_rows import Book, Ticket, batches, total
from ingestion.connectors.mt_settings import MtSettings, zone_or_assumed
from ingestion.connectors.mt_text import Cells, HtmlRow, html_rows, report_time, spaced_number, text_of
from ingestion.connectors.values import exact

_SECTIONS = ("Closed Transactions:", "Open Trades:", "Working Orders:", "Summary:", "Details:")
_ACCOUNT = re.compile(r"Account: (\d{1,18})")
_CURRENCY = re.compile(r"Currency: ([A-Z][A-Za-z]{2,4})")
_PRINTED = re.compile(r"(\d{4}) ([A-Z][a-z]+) (\d{1,2}), (\d\d:\d\d)")
_MONTHS: str = """January February March April May June July August September October November December"""
_FURNITURE = ("No transactions", "Closed P/L:", "Floating P/L:")
_CELLS = 14
_HEAD = 4096

Numbered = tuple[int, HtmlRow]


@dataclass(frozen=True)
class _Statement:
    """The head, and the rows of each section by their place among the file's table rows."""

    login: str
    currency: str
    printed_at: str | None
    sections: Mapping[str, list[Numbered]]


@dataclass(frozen=True)
class Mt4Statement(MtSettings):
    """Settings: `platform`, `time_zone` (else `ASSUMED_ZONE`), `comment_rules`."""

    name: ClassVar[str] = "mt4_statement"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.htm", "*.html")
    feeds: ClassVar[tuple[str, ...]] = ("deals", "orders", "positions")

    platform: str = "mt4"
    time_zone: str | int | None = None
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for HTML whose title is a statement of MetaTrader 4's generator."""
        return b"<title>Statement:" in head[:_HEAD] and b"MetaQuotes" in head[:_HEAD]

    def read(self, path: Path) -> Iterator[Batch]:
        """Deals of closed and open trades and of balance operations, working and cancelled orders, open positions."""
        text, said = text_of(path)
        zone, assumed = zone_or_assumed(self.time_zone, "the statement names")
        statement = _statement(html_rows(text, path.name), path, zone)
        cents = frozenset({statement.login}) if statement.currency.upper() in CENTS else frozenset[str]()
        book = Book(self.platform, statement.printed_at, self.rules, cents)
        said = (*said, *assumed, *_footing(statement))
        readers: dict[str, Callable[[HtmlRow, str, str | int], Ticket]] = {
            "Closed Transactions:": _closed,
            "Open Trades:": _open,
            "Working Orders:": _working,
        }
        numbered = (
            (number, _shown(row), partial(readers[section], row, statement.login, zone))
            for section in readers
            for number, row in statement.sections.get(section, [])
        )
        deals, *others = batches(numbered, book, self.feeds, said)
        newest = deals.rows["executed_at"].max()
        yield replace(deals, totals=_totals(statement, book, str(newest)) if newest else ())
        yield from others


def _statement(rows: Sequence[HtmlRow], path: Path, zone: str | int) -> _Statement:
    head = " | ".join(cell for row in rows[:3] for cell in row.cells if cell)
    account, currency = _ACCOUNT.search(head), _CURRENCY.search(head)
    if account is None or currency is None:
        raise BadFile(
            f"{path.name} names no account and currency; it is no statement of MetaTrader 4.",
            "Save the report in the terminal again.",
        )
    sections: dict[str, list[Numbered]] = {}
    current: list[Numbered] | None = None
    for number, row in enumerate(rows, start=1):
        first = row.cells[0] if row.cells else None
        if first in _SECTIONS and not any(row.cells[1:]):
            current = sections.setdefault(first, [])
        elif current is not None and any(row.cells) and first != "Ticket":
            current.append((number, row))
    if not {"Closed Transactions:", "Summary:"} <= sections.keys() or not _summary(sections, "Balance:"):
        raise BadFile(f"{path.name} is cut off before its summary.", "Save the report in the terminal again.")
    for section in ("Closed Transactions:", "Open Trades:", "Working Orders:"):
        sections[section] = [(number, row) for number, row in sections.get(section, []) if not _is_furniture(row)]
    try:
        printed = _printed(head, zone)
    except ValueError as error:
        raise BadFile(f"{path.name} is printed at a time that cannot be: {error}.", "Save it again.") from error
    return _Statement(account[1], currency[1], printed, sections)


def _is_furniture(row: HtmlRow) -> bool:
    """Totals and "No transactions": nothing stands before the figures, and nothing in them is an order's."""
    return not any(row.cells[:3]) or row.cells[0] in _FURNITURE


def _printed(head: str, zone: str | int) -> str | None:
    found = _PRINTED.search(head)
    if found is None or found[2] not in _MONTHS.split():
        return None
    month = _MONTHS.split().index(found[2]) + 1
    return report_time(f"{found[1]}.{month:02}.{int(found[3]):02} {found[4]}", zone, "the date of the statement")


def _fields(row: HtmlRow) -> tuple[list[str | None], str]:
    cells = [*row.cells, *([None] * _CELLS)][:_CELLS]
    return cells, (cells[2] or "").lower()


def _closed(row: HtmlRow, login: str, zone: str | int) -> Ticket:
    cells, kind = _fields(row)
    if kind in OPERATIONS:
        return Ticket(
            number=cells[0] or "",
            login=login,
            kind=kind,
            opened_at=report_time(cells[1], zone, "Open Time"),
            closed_at=None,
            profit=spaced_number(cells[13], "Profit"),
            comment=cells[3] or row.title,
        )
    if kind in TRADES and len(row.cells) < _CELLS:
        raise ValueError(f"has {len(row.cells)} cells, fewer than the {_CELLS} of a closed trade")
    if not cells[8]:
        raise ValueError("Close Time: must not be empty")
    return _order(row, login, zone, closed_at=report_time(cells[8], zone, "Close Time"))


def _open(row: HtmlRow, login: str, zone: str | int) -> Ticket:
    cells, kind = _fields(row)
    if kind not in TRADES:
        raise ValueError(f"Type: {cells[2]!r} is neither buy nor sell")
    return _order(row, login, zone, closed_at=None)


def _working(row: HtmlRow, login: str, zone: str | int) -> Ticket:
    cells, kind = _fields(row)
    if kind not in PENDING:
        raise ValueError(f"Type: {cells[2]!r} is no pending order")
    return _order(row, login, zone, closed_at=None)


def _order(row: HtmlRow, login: str, zone: str | int, *, closed_at: str | None) -> Ticket:
    cells, kind = _fields(row)
    money: dict[str, str | None] = {}
    if kind in TRADES:
        names = ("commission", "taxes", "swap", "profit")
        money = {name: spaced_number(cell, name) for name, cell in zip(names, cells[10:14], strict=True)}
    return Ticket(
        number=cells[0] or "",
        login=login,
        kind=kind,
        opened_at=report_time(cells[1], zone, "Open Time"),
        closed_at=closed_at,
        symbol=cells[4],
        lots=spaced_number(cells[3], "Size"),
        open_price=spaced_number(cells[5], "Price"),
        close_price=spaced_number(cells[9], "Price"),
        sl=spaced_number(cells[6], "S / L"),
        tp=spaced_number(cells[7], "T / P"),
        comment=row.title,
        **money,
    )


def _shown(row: HtmlRow) -> dict[str, object]:
    """The row as quarantine keeps it."""
    return {"cells": list(row.cells), "title": row.title}


def _summary(sections: Mapping[str, list[Numbered]], label: str) -> str | None:
    """The figure after a label of the summary."""
    for _, row in sections.get("Summary:", []):
        for place, cell in enumerate(row.cells):
            if cell == label:
                return next((figure for figure in row.cells[place + 1 :] if figure), None)
    return None


def _footing(statement: _Statement) -> Iterator[str]:
    """What the summary says that the rows do not."""
    rows = [row for _, row in statement.sections["Closed Transactions:"]]
    try:
        trades = sum((_net(row.cells) for row in rows if _fields(row)[1] in TRADES), Decimal(0))
        moved = total(spaced_number(_fields(row)[0][13], "Profit") for row in rows if _fields(row)[1] == "balance")
        stated = {
            label: Decimal(spaced_number(_summary(statement.sections, label), label) or "0")
            for label in ("Closed Trade P/L:", "Deposit/Withdrawal:", "Balance:")
        }
    except ValueError as error:
        yield f"the sums of the statement cannot be checked: {error}"
        return
    for label, summed in (("Closed Trade P/L:", trades), ("Deposit/Withdrawal:", moved)):
        if stated[label] != summed:
            yield f"the summary says {label} {exact(stated[label])}, the rows make {exact(summed)}"
    opening = stated["Balance:"] - trades - moved
    if opening:
        yield f"the period opens with a balance of {exact(opening)} {statement.currency}"


def _totals(statement: _Statement, book: Book, at: str) -> tuple[Total, ...]:
    """What the summary says that trades and balance operations moved; nothing where credit was given, of which it tells the level only."""
    if any(_fields(row)[1] == "credit" for _, row in statement.sections["Closed Transactions:"]):
        return ()
    try:
        stated = [
            book.of_account(statement.login, spaced_number(_summary(statement.sections, label), label))
            for label in ("Closed Trade P/L:", "Deposit/Withdrawal:")
        ]
    except ValueError:
        return ()
    return (Total(book.platform, at, amount=total(stated)),) if None not in stated else ()


def _net(cells: Cells) -> Decimal:
    return total(spaced_number(cell, "profit") for cell in cells[10:14])


CONNECTOR = Mt4Statement()
