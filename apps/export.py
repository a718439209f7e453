"""Exports: all rows, typed, with a manifest that lets a reader check that nothing is missing. Knows no page."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

SHEET_ROWS = 1_048_575
"""What a worksheet holds below its header; more rows go on to a further sheet."""
CELL_CHARACTERS = 32_767
CUT = " … (cut)"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
MONEY_FORMAT = "#,##0.00######;[Red]-#,##0.00######"
ILLEGAL = {code: None for code in range(32) if code not in (9, 10, 13)}


@dataclass(frozen=True)
class Manifest:
    """What the file was made from. `filters` are the query parameters of the view, so that they open it again; `proof` what else proves it."""

    title: str
    filters: dict[str, str]
    user: str
    role: str
    publish_id: int
    as_of: datetime | None
    loaded_at: datetime | None
    version: str
    exported_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    proof: dict[str, str] = field(default_factory=dict)

    def lines(self, frame: pl.DataFrame) -> list[tuple[str, Any]]:
        """Name and value of everything a reader needs to check the file: row count and a control total per numeric column."""
        lines: list[tuple[str, Any]] = [
            ("title", self.title), ("rows", frame.height), ("columns", frame.width), ("user", self.user), ("role", self.role),
            ("publish", self.publish_id), ("version", self.version), ("exported_at (UTC)", self.exported_at.replace(microsecond=0)),
            ("as_of (UTC)", self.as_of), ("loaded_at (UTC)", self.loaded_at),
        ]  # fmt: skip
        lines += [(f"filter {name}", value) for name, value in (self.filters or {"none": "all rows"}).items()]
        lines += list(self.proof.items())
        lines += [(f"total {name}", total) for name, total in control_totals(frame).items()]
        lines += [(f"shortened cells in {name}", count) for name, count in shortened(frame).items()]
        return lines


@cache
def daybook_version() -> str:
    """The installed version, for manifests."""
    try:
        return version("daybook")
    except PackageNotFoundError:
        return "unpackaged"


def control_totals(frame: pl.DataFrame) -> dict[str, Decimal | int]:
    """The exact sum of every decimal and integer column; a column of money sums over its currencies, as a checksum."""
    totals: dict[str, Decimal | int] = {}
    for name, dtype in frame.schema.items():
        if dtype.is_decimal():
            totals[name] = sum((value for value in frame[name] if value is not None), Decimal(0))
        elif dtype.is_integer():
            totals[name] = sum(value for value in frame[name] if value is not None)
    return totals


def shortened(frame: pl.DataFrame) -> dict[str, int]:
    """Columns with text longer than a worksheet's cell, and how many; the CSV holds them whole."""
    long = {
        name: frame.filter(pl.col(name).str.len_chars() > CELL_CHARACTERS).height
        for name, dtype in frame.schema.items()
        if dtype == pl.Utf8
    }
    return {name: count for name, count in long.items() if count}


def safe_text(value: str) -> str:
    """Text that a spreadsheet will not run: a leading apostrophe before anything that could start a formula.

    >>> safe_text("=1+1"), safe_text("@x"), safe_text("plain")
    ("'=1+1", "'@x", 'plain')
    """
    return f"'{value}" if value.startswith(FORMULA_STARTS) or value.lstrip().startswith(("=", "+", "-", "@")) else value


def as_csv(frame: pl.DataFrame, manifest: Manifest, name: str) -> bytes:
    """A ZIP with `<name>.csv` (all rows, decimals in full) and `<name>.manifest.csv`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", csv_text(frame))
        archive.writestr(f"{name}.manifest.csv", _csv([("item", "value"), *manifest.lines(frame)]))
    return packed.getvalue()


def csv_text(frame: pl.DataFrame) -> str:
    """The rows under their names, decimals in full, text made safe."""
    return _csv([list(frame.columns), *_rows(frame)])


def as_xlsx(frame: pl.DataFrame, manifest: Manifest) -> bytes:
    """A workbook: the rows (on as many sheets as they need), then the manifest. Numbers stay numbers, ids stay text."""
    book = Workbook(write_only=True)
    _add_rows(book, "Rows", frame)
    _add_manifest(book, manifest.lines(frame))
    return _saved(book)


def as_book(sheets: Mapping[str, pl.DataFrame], manifest: Manifest) -> bytes:
    """A workbook of several tables, each under its name, then one manifest with the counts and totals of them all."""
    book = Workbook(write_only=True)
    lines = [line for line in manifest.lines(pl.DataFrame()) if line[0] not in ("rows", "columns")]
    for name, frame in sheets.items():
        _add_rows(book, name, frame)
        lines.append((f"rows of {name}", frame.height))
        lines += [(f"total {name}: {column}", total) for column, total in control_totals(frame).items()]
    _add_manifest(book, lines)
    return _saved(book)


def _add_rows(book: Workbook, name: str, frame: pl.DataFrame) -> None:
    for number in range(max(1, -(-frame.height // SHEET_ROWS))):
        sheet = book.create_sheet(name if number == 0 else f"{name} {number + 1}")
        sheet.freeze_panes = "A2"
        sheet.append([_bold(sheet, column) for column in frame.columns])
        for row in _rows(frame.slice(number * SHEET_ROWS, SHEET_ROWS)):
            sheet.append([_cell(sheet, value) for value in row])


def _add_manifest(book: Workbook, lines: list[tuple[str, Any]]) -> None:
    sheet = book.create_sheet("Manifest")
    sheet.append([_bold(sheet, "item"), _bold(sheet, "value")])
    for item, value in lines:
        sheet.append([item, _cell(sheet, _plain(value))])


def _saved(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _rows(frame: pl.DataFrame) -> Iterator[list[Any]]:
    for row in frame.iter_rows():
        yield [_plain(value) for value in row]


def _plain(value: Any) -> Any:
    """A value that both formats can hold: lists and structs as JSON, text made safe."""
    if isinstance(value, (list, dict, tuple)):
        value = json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, str):
        return safe_text(value)
    if value is None or isinstance(value, (bool, int, float, Decimal, datetime, date)):
        return value
    return safe_text(str(value))


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, str):
        value = value.translate(ILLEGAL)
        return value if len(value) <= CELL_CHARACTERS else value[: CELL_CHARACTERS - len(CUT)] + CUT
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**15:
        return str(value)
    if isinstance(value, Decimal):
        cell = WriteOnlyCell(sheet)
        cell.value = value
        cell.number_format = MONEY_FORMAT
        return cell
    return value


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
