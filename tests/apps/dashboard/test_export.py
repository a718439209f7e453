"""Exports: complete, typed, harmless, and with a manifest that proves it."""

import csv
import io
import zipfile
from datetime import datetime
from decimal import Decimal

import openpyxl
import polars as pl
import pytest

from apps import export
from apps.export import Manifest

MANIFEST = Manifest(
    "payments: rows", {"entity": "CY"}, "Petra (petra)", "payments", 12, datetime(2026, 11, 22), None, "0.1.0"
)
AMOUNT = pl.Decimal(38, 8)


def rows(*texts: str) -> pl.DataFrame:
    amounts = [Decimal("0.10000001")] * len(texts)
    return pl.DataFrame({"id": list(texts), "amount": amounts}, schema={"id": pl.Utf8, "amount": AMOUNT})


def opened(frame: pl.DataFrame) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(export.as_xlsx(frame, MANIFEST)))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1"])
def test_text_that_a_spreadsheet_would_run_is_made_harmless_in_both_formats(text: str) -> None:
    cell = opened(rows(text))["Rows"]["A2"]
    assert cell.data_type == "s"
    assert str(cell.value).startswith("'")
    with zipfile.ZipFile(io.BytesIO(export.as_csv(rows(text), MANIFEST, "rows"))) as archive:
        lines = list(csv.reader(io.StringIO(archive.read("rows.csv").decode(), newline="")))
    assert lines[1][0] == "'" + text


def test_numbers_stay_numbers_and_ids_stay_text() -> None:
    sheet = opened(rows("00123", "1E5"))["Rows"]
    assert [sheet[cell].value for cell in ("A2", "A3")] == ["00123", "1E5"]
    assert sheet["B2"].data_type == "n"


def test_a_negative_amount_is_a_number_and_no_formula() -> None:
    frame = pl.DataFrame({"amount": [Decimal("-5.25")]}, schema={"amount": AMOUNT})
    assert opened(frame)["Rows"]["A2"].value == pytest.approx(-5.25)


def test_the_manifest_counts_and_totals_what_the_file_holds() -> None:
    manifest = dict(MANIFEST.lines(rows(*"abcdefghij")))
    assert manifest["rows"] == 10
    assert manifest["total amount"] == Decimal("1.00000010")
    assert (manifest["filter entity"], manifest["user"], manifest["publish"]) == ("CY", "Petra (petra)", 12)


def test_the_csv_holds_decimals_in_full() -> None:
    with zipfile.ZipFile(io.BytesIO(export.as_csv(rows("a"), MANIFEST, "x"))) as archive:
        assert "a,0.10000001" in archive.read("x.csv").decode()
        assert "rows,1" in archive.read("x.manifest.csv").decode()


def test_more_rows_than_a_sheet_holds_go_on_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "SHEET_ROWS", 4)
    book = opened(rows(*"abcdefghij"))
    assert book.sheetnames == ["Rows", "Rows 2", "Rows 3", "Manifest"]
    assert sum(book[name].max_row - 1 for name in book.sheetnames[:3]) == 10


def test_text_too_long_for_a_cell_is_cut_with_a_mark_and_counted() -> None:
    frame = rows("x" * 40_000)
    assert str(opened(frame)["Rows"]["A2"].value).endswith(export.CUT)
    assert dict(MANIFEST.lines(frame))["shortened cells in id"] == 1


def test_lists_and_control_characters_do_not_break_the_workbook() -> None:
    frame = pl.DataFrame({"rules": [["a", "b"]], "text": ["bell\x07"]})
    sheet = opened(frame)["Rows"]
    assert (sheet["A2"].value, sheet["B2"].value) == ('["a", "b"]', "bell")


def test_no_rows_are_a_header_and_a_manifest_that_says_zero() -> None:
    book = opened(rows())
    assert book["Rows"].max_row == 1
    assert dict(MANIFEST.lines(rows()))["rows"] == 0
