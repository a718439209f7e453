"""Reads CSV and XLSX files as rows of text, and says in one sentence why a file cannot be read."""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from ingestion.connectors.base import BadFile

MAX_UNPACKED_BYTES = 512 * 1024 * 1024  # an XLSX is a ZIP: a small one can unpack to more than the machine has
_CELL_LIMIT = 1_000_000


def csv_rows(path: Path, *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Iterator[list[str]]:
    """Every line of a CSV, header included, cells as they stand. BadFile where quoting or encoding breaks off."""
    csv.field_size_limit(_CELL_LIMIT)
    number = 0
    try:
        with path.open(encoding=encoding, newline="") as handle:
            for number, row in enumerate(csv.reader(handle, delimiter=delimiter, strict=True), start=1):
                if any("\0" in cell for cell in row):
                    raise BadFile(
                        f"Line {number} of {path.name} holds a NUL byte.", "Export the file again.", row=number
                    )
                yield row
    except UnicodeDecodeError as error:
        raise BadFile(
            f"{path.name} is not {encoding} text after line {number}: {error.reason}.", "Export it as UTF-8 CSV."
        ) from error
    except csv.Error as error:
        raise BadFile(f"{path.name} breaks off after line {number}: {error}.", "Fetch the file again.") from error


def xlsx_rows(path: Path) -> list[list[str | None]]:
    """Every row of the first sheet, cells as text (numbers as their shortest exact text, dates as ISO-8601)."""
    import openpyxl  # half a second to load, and most ingests see no spreadsheet

    _check_zip(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "no default style": harmless, and openpyxl mends it
            book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            rows = [[_cell(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
            book.close()
    except BadFile:
        raise
    except Exception as error:  # whatever a damaged part makes the reader raise, the file is what is wrong
        raise BadFile(
            f"{path.name} is no readable spreadsheet: {type(error).__name__}.", "Export the report again as XLSX."
        ) from error
    return rows


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadFile(f"{path.name} is not a complete XLSX: {error}.", "Export the report again as XLSX.") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise BadFile(f"{path.name} unpacks to {unpacked} bytes.", "Split the report by period.")


def _cell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return str(value)


def header_index(rows: list[list[str | None]], wanted: set[str], within: int = 20) -> int | None:
    """Place of the first of the leading rows that holds every wanted column name, or None."""
    for index, row in enumerate(rows[:within]):
        if wanted <= {str(cell).strip() for cell in row if cell is not None}:
            return index
    return None
