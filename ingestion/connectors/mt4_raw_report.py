"""MetaTrader 4 manager's "Raw Report" (CSV): every order of a period, as `deals` and `orders`.

The original separates by `;`. One that was re-saved with commas may have lost the commas inside its comments and gained columns
without a name, the last of which is the account's currency: `USC` marks a cent account, whose amounts are hundredths. Below the rows
stand totals of the whole report; an excerpt does not add up to them, which is remarked on and no reason to refuse.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Total
from ingestion.connectors.mt4_codes import CENTS, KINDS, OPERATIONS
from ingestion.connectors.mt4_rows import Book, Ticket, batches, total
from ingestion.connectors.mt_settings import MtSettings, zone_or_assumed
from ingestion.connectors.mt_text import report_time, spaced_number, text_of
from ingestion.connectors.values import exact, trimmed

_TITLE = re.compile(r"^\W{0,3}Raw Report for '.*' from (\d{4}\.\d\d\.\d\d) to (\d{4}\.\d\d\.\d\d)")
_NEEDED = (
    "Deal",
    "Login",
    "Open Time",
    "Type",
    "Symbol",
    "Volume",
    "Open Price",
    "Close Time",
    "Close Price",
    "Profit",
)
_UNNAMED = "column {}"
_WIDTH = "(columns)"

Line = Mapping[str, str | None]


@dataclass(frozen=True)
class Mt4RawReport(MtSettings):
    """Settings: `platform`, `time_zone` (else `ASSUMED_ZONE`), `cent_logins` (where no currency column tells), `comment_rules`."""

    name: ClassVar[str] = "mt4_raw_report"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)
    feeds: ClassVar[tuple[str, ...]] = ("deals", "orders")

    platform: str = "mt4"
    time_zone: str | int | None = None
    cent_logins: list[str] = field(default_factory=list)
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a CSV that opens with the report's title."""
        return bool(_TITLE.match(head[:400].decode("utf-8", "replace")))

    def read(self, path: Path) -> Iterator[Batch]:
        """The report's deals, and its cancelled pending orders."""
        text, said = text_of(path)
        header, lines = _lines(text, path)
        zone, assumed = zone_or_assumed(self.time_zone, "the report names")
        rows, footers = _parted(lines)
        said = (*said, *assumed, *_footing([row for _, row in rows], footers))
        cents = {str(login) for login in self.cent_logins} | {
            str(row["Login"]) for _, row in rows if _currency(header, row) in CENTS
        }
        book = Book(self.platform, None, self.rules, frozenset(cents))
        deals, *others = batches(
            ((number, row, partial(_ticket, row, zone)) for number, row in rows), book, self.feeds, said
        )
        at = deals.rows["executed_at"].max()
        yield replace(deals, totals=_totals(self.platform, str(at), footers) if at and not cents else ())
        yield from others


def _lines(text: str, path: Path) -> tuple[list[str], list[tuple[int, Line]]]:
    """The header, and the lines below it by their place; a column without a name is called by its place."""
    first, _, rest = text.partition("\n")
    if not _TITLE.match(first):
        raise BadFile(
            f"{path.name} does not open with \"Raw Report for '…'\".", "Export it in the manager: Raw Report."
        )
    mark = ";" if rest.partition("\n")[0].count(";") > 5 else ","
    try:
        found = list(csv.reader(io.StringIO(rest, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise BadFile(f"{path.name} is no readable CSV: {error}.", "Export the report again.") from error
    names = [name.strip() or _UNNAMED.format(place) for place, name in enumerate(found[0] if found else [], start=1)]
    missing = [name for name in _NEEDED if name not in names]
    if missing or len(set(names)) < len(names):
        what = f"lacks the columns {', '.join(missing)}" if missing else "names a column twice"
        raise BadFile(f"{path.name} {what}.", "Export the report again with all columns.", row=2)
    lines: list[tuple[int, Line]] = []
    for number, cells in enumerate(found[1:], start=3):
        if not any(cell.strip() for cell in cells):
            continue
        spare = [_UNNAMED.format(place) for place in range(len(names) + 1, len(cells) + 1)]
        row: dict[str, str | None] = {name: trimmed(cell) for name, cell in zip([*names, *spare], cells, strict=False)}
        if len(cells) < len(names):
            row[_WIDTH] = str(len(cells))
        lines.append((number, row))
    return names, lines


def _parted(lines: Sequence[tuple[int, Line]]) -> tuple[list[tuple[int, Line]], list[Line]]:
    """(the rows, the totals below them). A total is a line below the last row that names neither order, account, type nor time."""
    last = max((place for place, (_, row) in enumerate(lines) if _is_row(row)), default=-1)
    return list(lines[: last + 1]), [row for _, row in lines[last + 1 :]]


def _is_row(row: Line) -> bool:
    return any(row.get(name) for name in ("Deal", "Login", "Open Time", "Type"))


def _currency(header: Sequence[str], row: Line) -> str | None:
    """What stands last in the columns without a name."""
    unnamed = [value for name, value in row.items() if value and (name not in header or name.startswith("column "))]
    return unnamed[-1] if unnamed else None


def _ticket(row: Line, zone: str | int) -> Ticket:
    if _WIDTH in row:
        raise ValueError(f"has {row[_WIDTH]} columns, fewer than the header")
    kind = (row["Type"] or "").lower()
    if kind not in KINDS:
        raise ValueError(f"Type: {row['Type']!r} is no order type of MetaTrader 4")
    operation = kind in OPERATIONS
    login = row["Login"] or ""
    if not (login.isascii() and login.isdigit()):
        raise ValueError(f"Login: {row['Login']!r} is no account number")
    closed = row["Close Time"]
    return Ticket(
        number=row["Deal"] or "",
        login=login,
        kind=kind,
        opened_at=report_time(row["Open Time"], zone, "Open Time"),
        closed_at=report_time(closed, zone, "Close Time") if closed else None,
        symbol=None if operation else row["Symbol"],
        lots=spaced_number(row["Volume"], "Volume"),
        open_price=spaced_number(row["Open Price"], "Open Price"),
        close_price=spaced_number(row["Close Price"], "Close Price"),
        sl=spaced_number(row.get("S/L"), "S/L"),
        tp=spaced_number(row.get("T/P"), "T/P"),
        commission=spaced_number(row.get("Commission"), "Commission"),
        taxes=spaced_number(row.get("Taxes"), "Taxes"),
        swap=spaced_number(row.get("Swap"), "Swap"),
        profit=spaced_number(row["Profit"], "Profit"),
        reason=(row.get("Reason") or "").lower() or None,
        comment=row.get("Comment") or (row["Symbol"] if operation else None),  # the CRM's reference stands in Symbol
    )


def _footing(rows: Sequence[Line], footers: Sequence[Line]) -> tuple[str, ...]:
    """Where the totals below the rows say otherwise than the rows."""
    if not footers:
        return ("the report has no totals below its rows; it may be an excerpt or cut off",)
    try:
        stated = next((one for one in footers if one.get("Profit")), None)
        if stated is None:
            return ()
        summed = total(spaced_number(row.get("Profit"), "Profit") for row in rows)
        told = Decimal(spaced_number(stated["Profit"], "Profit") or "0")
    except ValueError:
        return ()
    if summed == told:
        return ()
    return (f"the rows' profit is {exact(summed)}, the report's total {exact(told)}: the file may be an excerpt",)


def _totals(platform: str, at: str, footers: Sequence[Line]) -> tuple[Total, ...]:
    """What the first total line says that all rows moved; none of it where accounts in cents are among them."""
    stated = next((one for one in footers if one.get("Profit")), None)
    if stated is None:
        return ()
    try:
        moved = total(spaced_number(stated.get(name), name) for name in ("Commission", "Taxes", "Swap", "Profit"))
    except ValueError:
        return ()
    return (Total(platform, at, amount=moved),)


CONNECTOR = Mt4RawReport()
