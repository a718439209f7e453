"""The terminal's Trade History Report."""

import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.cell.cell import MergedCell

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.mt5_report import CONNECTOR, Mt5Report
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.samples import sample


def by_feed(path: Path, connector: Mt5Report = CONNECTOR) -> dict[str, Batch]:
    return {batch.feed: batch for batch in connector.read(path)}


def report() -> Path:
    return sample("mt5", "ReportHistory_wizard.xlsx")


def changed(tmp_path: Path, **cells: object) -> Path:
    """The sample with some cells written anew."""
    book = openpyxl.load_workbook(report())
    for place, value in cells.items():
        book.active[place] = value
    book.save(tmp_path / "report.xlsx")
    return tmp_path / "report.xlsx"


def test_the_sample_gives_its_deals_orders_and_open_position() -> None:
    batches = by_feed(report())
    assert {feed: batch.rows.height for feed, batch in batches.items()} == {"deals": 18, "orders": 24, "positions": 1}
    assert all(batch.rejected == () for batch in batches.values())


def test_the_deals_lead_from_the_opening_to_the_closing_balance() -> None:
    deals = by_feed(report())["deals"]
    assert "the window opens with a balance of 50.61 USD" in deals.remarks
    moved = sum(Decimal(row[name]) for row in deals.rows.to_dicts() for name in ("profit", "swap", "commission", "fee"))
    assert Decimal("50.61") + moved == Decimal("50.94")


def test_an_assumed_zone_is_remarked_on_and_a_set_one_is_not() -> None:
    assumed, told = by_feed(report())["deals"], by_feed(report(), Mt5Report(time_zone=180))["deals"]
    assert any("no time zone; +120 us assumed" in remark for remark in assumed.remarks)
    assert not any("time zone" in remark for remark in told.remarks)
    assert told.rows["executed_at"][0] == assumed.rows["executed_at"][0] == "2025-04-16T08:41:08"
    utc = by_feed(report(), Mt5Report(time_zone="UTC"))["deals"]
    assert utc.rows["executed_at"][0] == "2025-04-16T11:41:08"


def test_a_closing_deal_finds_its_position_and_why_it_closed() -> None:
    deals = {row["deal_id"]: row for row in by_feed(report())["deals"].rows.to_dicts()}
    stopped_out = deals["27886370"]
    assert (stopped_out["position_id"], stopped_out["reason"], stopped_out["entry"]) == ("36888042", "stop_out", "out")
    assert deals["28133464"]["action"] == "balance"
    assert (deals["28133464"]["entry"], deals["28133464"]["profit"]) == (None, "50")


def test_numbers_with_thousands_set_apart_and_a_sign_set_off_are_read(tmp_path: Path) -> None:
    path = changed(tmp_path, L46="- 123.83", M46="4\u00a0182.94", L47=" 3.20")
    deals = by_feed(path)["deals"].rows.to_dicts()
    assert (deals[1]["profit"], deals[1]["balance"], deals[2]["profit"]) == ("-123.83", "4182.94", "3.2")


def test_a_damaged_number_sets_its_row_aside_and_no_other(tmp_path: Path) -> None:
    batch = by_feed(changed(tmp_path, L46="5 0812.9"))["deals"]
    assert [(bad.row_number, bad.rules) for bad in batch.rejected] == [(46, ("Profit: '5 0812.9' is not a number",))]
    assert batch.rows.height == 17


def test_a_row_without_its_time_is_set_aside_and_the_rows_below_it_stay(tmp_path: Path) -> None:
    batch = by_feed(changed(tmp_path, A50=None))["deals"]
    assert [bad.row_number for bad in batch.rejected] == [50]
    assert batch.rows.height == 17


def test_another_spreadsheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="does not open with 'Trade History Report'"):
        by_feed(changed(tmp_path, A1="Something else"))


def test_odd_cells_set_rows_aside_or_refuse_the_file_and_nothing_else(tmp_path: Path) -> None:
    rng, book, outcomes = random.Random(9), openpyxl.load_workbook(report()), Counter[str]()
    cells = [cell for row in book.active["A1:N70"] for cell in row if not isinstance(cell, MergedCell)]
    odd = [
        "9" * 400,
        "1e999",
        "NaN",
        "x",
        -1,
        1e300,
        True,
        "2025.13.41 25:61:61",
        "0001.01.01 00:00:00",
        "- ",
        None,
        "Deals",
    ]
    for _ in range(60):
        before = {}
        for _ in range(4):
            cell = rng.choice(cells)
            before.setdefault(cell.coordinate, cell.value)
            cell.value = rng.choice(odd)
        book.save(tmp_path / "odd.xlsx")
        for place, value in before.items():
            book.active[place] = value
        try:
            batches = list(CONNECTOR.read(tmp_path / "odd.xlsx"))
        except BadFile:
            outcomes["refused"] += 1
            continue
        for batch in batches:
            judge(FEEDS[batch.feed], batch)
        outcomes["set aside" if any(batch.rejected for batch in batches) else "read"] += 1
    assert outcomes["set aside"] > 10
