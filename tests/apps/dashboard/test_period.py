"""Periods: what is compared with what, and which day is not complete."""

from datetime import date, datetime

import pytest

from apps.dashboard.period import PRESETS, complete_until, grain, period


def test_a_month_under_way_is_compared_with_the_same_days_of_the_month_before() -> None:
    month = period("mtd", date(2026, 10, 21))
    assert (month.start, month.until) == (date(2026, 10, 1), date(2026, 10, 22))
    assert (month.previous_start, month.previous_until) == (date(2026, 9, 1), date(2026, 9, 22))
    assert month.note == "month to date, day 21 of 31"


def test_the_month_before_may_be_shorter_and_never_runs_into_this_one() -> None:
    month = period("mtd", date(2026, 3, 31))
    assert (month.previous_start, month.previous_until) == (date(2026, 2, 1), date(2026, 3, 1))
    assert month.note == ""


@pytest.mark.parametrize(
    ("key", "start", "before"),
    [("qtd", date(2026, 10, 1), date(2026, 7, 1)), ("ytd", date(2026, 1, 1), date(2025, 1, 1))],
)
def test_quarters_and_years_to_date(key: str, start: date, before: date) -> None:
    shown = period(key, date(2026, 11, 22))
    assert (shown.start, shown.previous_start) == (start, before)
    assert shown.previous_until - shown.previous_start == shown.until - shown.start


def test_rolling_days_meet_the_days_before_them_without_gap_or_overlap() -> None:
    week = period("7d", date(2026, 11, 22))
    assert week.days == 7
    assert week.previous_until == week.start
    assert (week.previous_until - week.previous_start).days == 7


def test_every_preset_is_a_period() -> None:
    for key in PRESETS:
        assert period(key, date(2026, 11, 22), (date(2026, 1, 1), date(2026, 1, 3))).days > 0


def test_the_last_day_is_incomplete_until_something_was_loaded_after_it() -> None:
    event = datetime(2026, 11, 22, 15)
    assert complete_until(event, datetime(2026, 11, 22, 16)) == date(2026, 11, 22)
    assert complete_until(event, datetime(2026, 11, 23, 1)) == date(2026, 11, 23)


def test_charts_never_draw_many_more_than_a_hundred_points() -> None:
    assert [grain(days) for days in (1, 100, 101, 750, 751)] == ["day", "day", "week", "week", "month"]
