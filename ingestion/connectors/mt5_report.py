"""MetaTrader 5's terminal "Trade History Report" (XLSX, HTML or CSV) as `deals`, `orders` and open `positions`.

The report has no zone: its times are the server's clock, by the setting `time_zone` or an assumed one, which is remarked on.
It is one account's window, so its running balance starts at what stood before; that opening balance is remarked on too.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected, Total
from ingestion.connectors.mt5_codes import REPORT_ACTIONS, REPORT_ENTRIES, TRADES
from ingestion.connectors.mt_comments import CommentRules, Purpose, purpose
from ingestion.connectors.mt_settings import MtSettings, zone_or_assumed
from ingestion.connectors.mt_text import Cells, report_cells, report_time, spaced_number
from ingestion.connectors.values import decimal_of, exact, text_frame, trimmed

_TITLE = "Trade History Report"
_SECTIONS = ("Positions", "Orders", "Deals", "Open Positions", "Working Orders", "Results")
_ACCOUNT = re.compile(
    r"(\d+)\s*\((?P<currency>[A-Z]{3,5}),\s*(?P<server>[^,]+),\s*(?P<kind>[^,]+),\s*(?P<mode>[^)]+)\)"
)

_MONEY = ("Commission", "Fee", "Swap", "Profit")

_Row = Mapping[str, str | None]

_DEAL_COLUMNS = """platform deal_id order_id position_id login executed_at action is_cancelled entry symbol volume_lots
price profit swap commission fee reason comment balance currency reference comment_rule"""
_ORDER_COLUMNS = """platform order_id changed_at login symbol side order_type state volume_lots requested_price sl tp
placed_at done_at comment"""
_POSITION_COLUMNS = """platform position_id captured_at login symbol side volume_lots opened_at open_price current_price
floating_profit swap comment"""


@dataclass(frozen=True)
class _Report:
    """The report's head, and its sections as (row number, cells by column name)."""

    login: str
    currency: str
    platform: str
    zone: str | int
    rules: CommentRules
    said: tuple[str, ...]
    """What had to be assumed to read the file."""
    printed_at: str | None
    sections: Mapping[str, list[tuple[int, _Row]]]
    beneath: Mapping[str, _Row]
    """The line of totals below a section's rows."""


@dataclass(frozen=True)
class Mt5Report(MtSettings):
    """Settings: `platform` (else the server's name in the report), `time_zone` (else `ASSUMED_ZONE`), `comment_rules`."""

    name: ClassVar[str] = "mt5_report"
    version: ClassVar[str] = "2"
    patterns: ClassVar[tuple[str, ...]] = ("*.xlsx", "*.htm", "*.html", "*.csv")
    feeds: ClassVar[tuple[str, ...]] = ("deals", "orders", "positions")

    platform: str | None = None
    time_zone: str | int | None = None
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a spreadsheet, a page or a table that opens with the report's title."""
        if head[:2] == b"PK" and path.suffix.lower() == ".xlsx":
            try:
                return _title(report_cells(path)[0]) == _TITLE
            except BadFile:
                return False
        plain = head.replace(b"\0", b"")[:8192]  # a terminal writes HTML as UTF-16
        if path.suffix.lower() in (".htm", ".html"):
            return b"Trade History Report" in plain and b"<t" in plain.lower()
        return path.suffix.lower() == ".csv" and plain.lstrip(b'\xef\xbb\xbf\xff\xfe"').startswith(_TITLE.encode())

    def read(self, path: Path) -> Iterator[Batch]:
        """The deals, then the orders, then the positions still open when the report was printed."""
        report = self._report(path)
        closed = _closing_positions(report)
        said = (*report.said, *_balance_remarks(report))
        columns = _DEAL_COLUMNS.split()
        deals = _batch("deals", columns, report, "Deals", lambda row: _deal(report, row, closed), said)
        yield replace(deals, totals=_totals(report, deals))
        yield _batch("orders", _ORDER_COLUMNS.split(), report, "Orders", lambda row: _order(report, row), ())
        columns = _POSITION_COLUMNS.split()
        yield _batch("positions", columns, report, "Open Positions", lambda row: _position(report, row), ())

    def _report(self, path: Path) -> _Report:
        rows, said = report_cells(path)
        if _title(rows) != _TITLE:
            raise BadFile(
                f"{path.name} does not open with {_TITLE!r}.", "Export it in the terminal: History, Report, Open XML."
            )
        head = {str(row[0]).strip(): _after_first(row) for row in rows[:10] if row and row[0]}
        account = _ACCOUNT.match(head.get("Account:") or "")
        if account is None:
            raise BadFile(f"{path.name} names no account.", "Export the report again with its head.")
        zone, assumed = zone_or_assumed(self.time_zone, "the report names")
        printed = head.get("Date:")
        sections, beneath = _sections(rows)
        if "Deals" not in sections:
            raise BadFile(f"{path.name} has no section 'Deals'.", "Export the report with deals.")
        try:
            printed_at = report_time(printed, zone, "Date") if printed else None
        except ValueError as error:
            raise BadFile(f"{path.name}: {error}.", "Export the report again.") from error
        return _Report(
            account[1],
            account["currency"],
            self.platform or account["server"].strip(),
            zone,
            self.rules,
            (*said, *assumed),
            printed_at,
            sections,
            beneath,
        )


def _title(rows: Sequence[Cells]) -> str | None:
    """The first words of the first row that has any."""
    return next((trimmed(cell) for row in rows[:3] for cell in row if trimmed(cell)), None)


def _batch(
    feed: str,
    columns: Sequence[str],
    report: _Report,
    section: str,
    convert: Callable[[_Row], dict[str, object]],
    said: tuple[str, ...],
) -> Batch:
    good: list[dict[str, object]] = []
    bad: list[Rejected] = []
    for number, row in report.sections.get(section, []):
        try:
            good.append({**convert(row), "_row_number": number})
        except ValueError as error:
            bad.append(Rejected(number, (str(error),), dict(row)))
    return Batch(feed, text_frame(good, columns), tuple(bad), said)


def _sections(rows: Sequence[Cells]) -> tuple[dict[str, list[tuple[int, _Row]]], dict[str, _Row]]:
    """Each section's rows under its own header, up to the last that names its time or number, and the line of totals after them."""
    found: dict[str, list[tuple[int, _Row]]] = {}
    beneath: dict[str, _Row] = {}
    titles = [at for at, row in enumerate(rows) if row and trimmed(row[0]) in _SECTIONS and not any(row[1:4])]
    for at, end in zip(titles, [*titles[1:], len(rows)], strict=True):
        title = str(trimmed(rows[at][0]))
        if title == "Results" or at + 1 >= end:
            continue
        header = _header(rows[at + 1])
        places = [place for place in range(at + 2, end) if any(rows[place]) and not _is_label(rows[place])]
        last = max((place for place in places if any(rows[place][:2])), default=-1)
        found[title] = [(place + 1, dict(zip(header, rows[place], strict=False))) for place in places if place <= last]
        after = next((place for place in places if place > last), None)
        if after is not None:
            beneath[title] = dict(zip(header, rows[after], strict=False))
    return found, beneath


def _is_label(row: Cells) -> bool:
    """A line of the balance block below the open positions."""
    return str(row[0] or "").strip().endswith(":")


def _header(cells: Cells) -> list[str]:
    """Column names; the second of two equal ones (Time, Price: the closing side) gets ` 2`."""
    names: list[str] = []
    for place, cell in enumerate(cells):
        name = trimmed(cell) or f"column {place + 1}"
        names.append(f"{name} 2" if name in names else name)
    return names


def _deal(report: _Report, row: _Row, closed: Mapping[tuple[str | None, ...], str]) -> dict[str, object]:
    word = (trimmed(row.get("Type")) or "").lower()
    if word not in REPORT_ACTIONS:
        raise ValueError(f"Type: {row.get('Type')!r} is no deal type of a terminal report")
    action = REPORT_ACTIONS[word]
    trade = action in TRADES
    direction = (trimmed(row.get("Direction")) or "").lower()
    if trade and direction not in REPORT_ENTRIES:
        raise ValueError(f"Direction: {row.get('Direction')!r} is neither in, out, in/out nor out by")
    entry = REPORT_ENTRIES[direction] if trade else None
    order = trimmed(row.get("Order"))
    position = order if entry == "in" else closed.get(_match(row, "Time", "Price"))
    comment = trimmed(row.get("Comment"))
    meant = purpose(comment, report.rules) if action == "balance" else Purpose(action)
    return {
        "platform": report.platform,
        "deal_id": trimmed(row.get("Deal")),
        "order_id": order,
        "position_id": position,
        "login": report.login,
        "executed_at": report_time(row.get("Time"), report.zone, "Time"),
        "action": meant.action,
        "is_cancelled": "true" if "canceled" in word else "false",
        "entry": entry,
        "symbol": trimmed(row.get("Symbol")),
        "volume_lots": _plain(row, "Volume") if trade else None,
        "price": _plain(row, "Price") if trade else None,
        "profit": _plain(row, "Profit"),
        "swap": _plain(row, "Swap"),
        "commission": _plain(row, "Commission"),
        "fee": _plain(row, "Fee"),
        "reason": _reason(comment),
        "comment": comment,
        "balance": _plain(row, "Balance"),
        "currency": report.currency,
        "reference": meant.reference,
        "comment_rule": meant.rule,
    }


def _order(report: _Report, row: _Row) -> dict[str, object]:
    side, _, kind = (trimmed(row.get("Type")) or "").lower().partition(" ")
    if side not in TRADES:
        raise ValueError(f"Type: {row.get('Type')!r} is no order type of a terminal report")
    placed, done = row.get("Open Time"), trimmed(row.get("Time"))
    asked = (trimmed(row.get("Volume")) or "").partition("/")[0]
    price = trimmed(row.get("Price"))
    placed_at = report_time(placed, report.zone, "Open Time")
    done_at = report_time(done, report.zone, "Time") if done else None
    return {
        "platform": report.platform,
        "order_id": trimmed(row.get("Order")),
        "changed_at": done_at or placed_at,
        "login": report.login,
        "symbol": trimmed(row.get("Symbol")),
        "side": side,
        "order_type": kind or "market",
        "state": trimmed(row.get("State")),
        "volume_lots": spaced_number(asked, "Volume"),
        "requested_price": None if price == "market" else spaced_number(price, "Price"),
        "sl": _plain(row, "S / L"),
        "tp": _plain(row, "T / P"),
        "placed_at": placed_at,
        "done_at": done_at,
        "comment": trimmed(row.get("Comment")),
    }


def _position(report: _Report, row: _Row) -> dict[str, object]:
    side = (trimmed(row.get("Type")) or "").lower()
    if side not in TRADES:
        raise ValueError(f"Type: {row.get('Type')!r} is neither buy nor sell")
    return {
        "platform": report.platform,
        "position_id": trimmed(row.get("Position")),
        "captured_at": report.printed_at,
        "login": report.login,
        "symbol": trimmed(row.get("Symbol")),
        "side": side,
        "volume_lots": _plain(row, "Volume"),
        "opened_at": report_time(row.get("Time"), report.zone, "Time"),
        "open_price": _plain(row, "Price"),
        "current_price": _plain(row, "Market Price"),
        "floating_profit": _plain(row, "Profit"),
        "swap": _plain(row, "Swap"),
        "comment": trimmed(row.get("Comment")),
    }


def _closing_positions(report: _Report) -> dict[tuple[str | None, ...], str]:
    """Closing side of each closed position -> its id, where only one position has that closing side."""
    found: dict[tuple[str | None, ...], str] = {}
    doubled: set[tuple[str | None, ...]] = set()
    for _, row in report.sections.get("Positions", []):
        position = trimmed(row.get("Position"))
        try:
            side = _match(row, "Time 2", "Price 2")
        except ValueError:
            continue  # the deal itself says what is wrong with it
        if position and side in found:
            doubled.add(side)
        elif position:
            found[side] = position
    return {side: position for side, position in found.items() if side not in doubled}


def _match(row: _Row, time: str, price: str) -> tuple[str | None, ...]:
    figures = (_plain(row, name) for name in ("Volume", price, "Profit"))
    return (trimmed(row.get("Symbol")), trimmed(row.get(time)), *figures)


def _balance_remarks(report: _Report) -> list[str]:
    """What the running balance says: where it started, and the first deal at which it does not follow."""
    said: list[str] = []
    running: Decimal | None = None
    for number, row in report.sections["Deals"]:
        try:
            moves = [decimal_of(_plain(row, name)) or Decimal(0) for name in _MONEY]
            balance = decimal_of(_plain(row, "Balance"))
        except ValueError:
            return said
        if balance is None:
            continue
        if running is None:
            running = balance - sum(moves)
            if running:
                said.append(f"the window opens with a balance of {exact(running)} {report.currency}")
        running += sum(moves)
        if running != balance:
            said.append(f"row {number}: the balance is {exact(balance)}, the deals so far make it {exact(running)}")
            return said
    return said


def _totals(report: _Report, deals: Batch) -> tuple[Total, ...]:
    """What the line below the deals says that they move, all accounts' deals being of this one."""
    stated, newest = report.beneath.get("Deals"), deals.rows["executed_at"].max()
    if stated is None or newest is None:
        return ()
    try:
        moved = [decimal_of(_plain(stated, name)) for name in _MONEY]
    except ValueError:
        return ()
    return (Total(report.platform, str(newest), amount=sum((one or Decimal(0) for one in moved), Decimal(0))),)


def _plain(row: _Row, name: str) -> str | None:
    return spaced_number(row.get(name), name)


def _reason(comment: str | None) -> str | None:
    """The terminal writes why a deal closed into its comment: [sl 1.23], [tp 1.23], [so 18.80%/0.94/5.00]."""
    marks = {"[sl": "stop_loss", "[tp": "take_profit", "[so": "stop_out"}
    return next((reason for mark, reason in marks.items() if comment and comment.startswith(f"{mark} ")), None)


def _after_first(row: Cells) -> str | None:
    return next((cell for cell in row[1:] if cell), None)


CONNECTOR = Mt5Report()
