"""What the pages on the books ask, asked of the broker that the real chain built: every column is there, and both sides are found."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from apps.dashboard.queries import client_money, close_board, common, ledger, reconciliations, restatements
from apps.dashboard.queries.common import Rows, Scope
from apps.dashboard.queries.reconciliations import Wanted
from warehouse.reader import Reader
from warehouse.settings import Settings

EVER = Scope(date(2015, 1, 1), date(2099, 1, 1), date(2014, 1, 1), date(2015, 1, 1), None)
EVERY = Wanted(status=None)


@pytest.fixture(scope="module")
def finance(built_home: Settings) -> Iterator[Reader]:
    """The built broker through the eyes of finance."""
    reader = Reader(built_home, "finance")
    yield reader
    reader.close()


def test_every_question_about_the_ledger_has_an_answer(finance: Reader) -> None:
    balances = ledger.trial_balance(finance, EVER, None, None)
    assert balances.select("currency", "closing").group_by("currency").sum()["closing"].unique().to_list() == [0]
    account, currency = balances.row(0, named=True)["account_code"], balances.row(0, named=True)["currency"]
    lines = common.whole(finance, ledger.postings(EVER, account, currency))
    assert sum(lines["amount"]) == balances.row(0, named=True)["closing"]
    entry = ledger.entry(finance, lines["entry_id"][0]).row(0, named=True)
    assert ledger.lines(finance, entry["entry_id"])["amount"].sum() == 0
    assert entry["entry_id"] in ledger.same_event(finance, entry["source_feed"], entry["source_key"])["entry_id"]
    assert ledger.source(finance, entry["source_load_id"]).height == 1
    unposted = ledger.unposted_reasons(finance, EVER)
    assert unposted["events"].sum() == common.count(finance, ledger.unposted(EVER, None))["rows"][0] > 0


def test_every_break_of_the_built_broker_has_two_sides(finance: Reader) -> None:
    found = common.whole(finance, reconciliations.breaks(EVERY))
    assert reconciliations.ageing(finance, EVERY)["breaks"].sum() == found.height > 10
    for one in found["break_id"]:
        row = reconciliations.one(finance, one).row(0, named=True)
        ours, theirs = reconciliations.sides(finance, row)
        assert ours.rows.height + theirs.rows.height > 0, one
        # a login's money may have come from before the days shown, and a duplicate posts nothing
        assert theirs.rows.height or row["class"] == "request_without_psp", one


def test_the_calendar_counts_each_break_on_the_days_it_stood(finance: Reader) -> None:
    found = common.whole(finance, reconciliations.breaks(EVERY))
    first, last = found["first_seen_on"].min(), found["last_seen_on"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    after = last + timedelta(days=1)
    days = reconciliations.calendar(
        finance, Scope(first, after + timedelta(days=1), EVER.start, EVER.start, None), EVERY
    )
    assert days["first_seen"].sum() == found.height
    assert days.filter(days["day"] == after)["open_at_close"].sum() == found.filter(found["status"] == "open").height


ROWS: list[Rows] = [
    ledger.coverage(), reconciliations.psp_matches(EVER), reconciliations.reserves(None), client_money.rows(EVER), close_board.periods(),
    restatements.changes(EVER, None, False), *(reconciliations.daily(name, EVER, differing=False) for name in reconciliations.DAILY),
]  # fmt: skip


def test_every_table_of_these_pages_has_rows(finance: Reader) -> None:
    assert [number for number, rows in enumerate(ROWS) if common.first(finance, rows, 5).is_empty()] == []
    assert reconciliations.match_rules(finance, EVER).height
    assert reconciliations.settlement_gap(finance, None).height


def test_client_money_of_the_newest_day_is_what_the_mart_says(finance: Reader) -> None:
    day = client_money.last_day(finance, EVER)
    assert day is not None
    found = client_money.on_day(finance, None, day)
    row = found.row(0, named=True)
    course = client_money.course(finance, EVER, row["entity"], row["currency"])
    assert row["requirement"] in course.filter(course["day"] == day)["amount"].to_list()
    common.first(finance, client_money.floored(row["entity"], row["currency"], day), 5)
    common.first(finance, client_money.sign_offs(EVER), 5)


def test_the_board_counts_what_its_parts_list(finance: Reader) -> None:
    first, last = date(2026, 1, 1), date(2099, 1, 1)
    for row in close_board.board(finance, "2026-01", first, last).iter_rows(named=True):
        entity = row["entity"]
        assert row["open_breaks"] == close_board.blocking_breaks(finance, entity, last)["breaks"].sum()
        assert row["not_posted"] == common.count(finance, close_board.not_posted(entity, first, last))["rows"][0]
        assert row["days_short"] == close_board.short_days(finance, entity, first, last).height
        assert row["statements_missing"] == close_board.missing_statements(finance, entity, last).height
        assert close_board.differing(finance, entity, last).height
