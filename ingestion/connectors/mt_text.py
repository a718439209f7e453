"""What MetaTrader's reports have in common: numbers with thousands set apart, times without a zone, tables in HTML, CSV and XLSX."""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import html
from lxml.etree import LxmlError

from ingestion.connectors.base import BadFile
from ingestion.connectors.tables import xlsx_rows
from ingestion.connectors.values import decimal_of, exact, trimmed, utc_text, wall_to_utc

MOST_BYTES = 128 * 2**20
"""A terminal's report of a very busy account has a tenth of this."""
_WIDEST = 200  # cells of a row: a colspan is data of the file, and must not say how much memory is taken

_TIME = re.compile(r"\d{4}\.\d\d\.\d\d \d\d:\d\d(:\d\d)?", re.ASCII)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009]+")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}

Cells = Sequence[str | None]


@dataclass(frozen=True)
class HtmlRow:
    """A row of a report's table: its cells on the grid (a cell over n columns is followed by n − 1 empty ones)."""

    cells: tuple[str | None, ...]
    title: str | None
    """The first cell's `title`: a terminal keeps the order's comment there."""


def spaced_number(text: str | None, name: str) -> str | None:
    """`4 182.94`, `- 123.83` and ` 3.20` as exact text; thousands are set apart by blanks, the sign may be too.

    Raises ValueError for what is no number: `5 0812.9` is a damaged export, not a thousand.
    """
    joined = _SPACES.sub(" ", text).strip() if text else ""
    grouped = joined.replace("- ", "-", 1)
    if " " in grouped and not re.fullmatch(r"-?\d{1,3}( \d{3})+(\.\d+)?", grouped):
        raise ValueError(f"{name}: {text!r} is not a number")
    try:
        value = decimal_of(grouped.replace(" ", ""))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return exact(round(value, 8)) if value is not None else None


def report_time(text: str | None, zone: str | int, name: str) -> str:
    """`2025.04.16 11:41:08` of the server's clock as ISO-8601 in UTC; raises ValueError."""
    stripped = trimmed(text) or ""
    if not _TIME.fullmatch(stripped):
        raise ValueError(f"{name}: {text!r} is not a time such as 2025.04.16 11:41:08")
    try:
        wall = datetime.fromisoformat(stripped.replace(".", "-"))
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a time such as 2025.04.16 11:41:08") from None
    return utc_text(wall_to_utc(wall, zone))


def text_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """A report's text, and what had to be assumed of its encoding: UTF-16 or UTF-8 by its mark, else UTF-8, else Windows-1252."""
    if path.stat().st_size > MOST_BYTES:
        raise BadFile(f"{path.name} has more than {MOST_BYTES // 2**20} MiB.", "Export it in shorter periods.")
    data = path.read_bytes()
    if b"\0" in data[:4000] and data[:2] not in _MARKS:
        raise BadFile(f"{path.name} is no text: it holds NUL bytes.", "Export the report again.")
    marked = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    try:
        return data.decode(marked or "utf-8"), ()
    except UnicodeDecodeError as error:
        if marked:
            raise BadFile(
                f"{path.name} breaks off as {marked} text at byte {error.start}.", "Export the report again."
            ) from error
    said = "the report is not UTF-8; Windows-1252 assumed, so that comments in other scripts may be garbled"
    return data.decode("cp1252", errors="backslashreplace"), (said,)


def html_rows(text: str, name: str) -> list[HtmlRow]:
    """Every table row of an HTML report, hidden cells left out; raises BadFile when there is none."""
    try:
        root = html.fromstring(text.replace("\0", ""), parser=html.HTMLParser(huge_tree=False, encoding=None))
    except (LxmlError, ValueError, AssertionError) as error:
        raise BadFile(f"{name} is no readable HTML ({str(error)[:200]}).", "Export the report again.") from error
    found = [_html_row(row) for row in root.iter("tr")]
    if not found:
        raise BadFile(f"{name} holds no table.", "Export the report again.")
    return found


def _html_row(row: html.HtmlElement) -> HtmlRow:
    cells: list[str | None] = []
    title: str | None = None
    for place, cell in enumerate(row.iterchildren("td", "th")):
        if "hidden" in (cell.get("class") or ""):
            continue
        if place == 0:
            title = trimmed(cell.get("title"))
        cells.append(trimmed(cell.text_content().replace("\n", " ")))
        span = cell.get("colspan") or "1"
        if span.isascii() and span.isdigit() and len(span) < 4:
            cells += [None] * min(int(span) - 1, _WIDEST - len(cells))
    return HtmlRow(tuple(cells[:_WIDEST]), title)


def report_cells(path: Path) -> tuple[list[list[str | None]], tuple[str, ...]]:
    """A terminal's report as a grid of texts, whichever of XLSX, HTML and CSV it was saved as; and what was assumed."""
    if path.suffix.lower() == ".xlsx":
        return xlsx_rows(path), ()
    text, said = text_of(path)
    if path.suffix.lower() in (".htm", ".html"):
        return [list(row.cells) for row in html_rows(text, path.name)], said
    mark = max(",;\t", key=text[:65_536].count)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        rows = [[trimmed(cell) for cell in row] for row in lines]
    except csv.Error as error:
        raise BadFile(f"{path.name} is no readable CSV: {error}.", "Export the report again.") from error
    return rows, said
