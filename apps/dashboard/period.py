"""Periods counted in broker days (UTC), with the same elapsed part of the period before."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

PRESETS = {
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "365d": "Last 365 days",
    "mtd": "This month",
    "qtd": "This quarter",
    "ytd": "This year",
    "all": "All days",
    "custom": "From … to …",
}
FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class Period:
    """Days from `start` up to but not including `until`, and the elapsed part of the period before it."""

    key: str
    start: date
    until: date
    previous_start: date
    previous_until: date
    note: str = ""

    @property
    def days(self) -> int:
        return (self.until - self.start).days

    @property
    def label(self) -> str:
        return f"{span(self.start, self.until)}{f' ({self.note})' if self.note else ''}"

    @property
    def previous_label(self) -> str:
        """Without the year, which is this one's or the one before: it stands in small print under every tile."""
        if self.previous_start == self.previous_until:
            return "nothing"
        first, last = self.previous_start, self.previous_until - timedelta(days=1)
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}–{last.day} {last:%b}" if first != last else f"{last.day} {last:%b}"
        return f"{first.day} {first:%b}–{last.day} {last:%b}"


def span(start: date, until: date) -> str:
    """`1–21 Oct 2026`; the last day is the one before `until`.

    >>> span(date(2026, 10, 1), date(2026, 10, 22)), span(date(2026, 9, 28), date(2026, 10, 3))
    ('1–21 Oct 2026', '28 Sep – 2 Oct 2026')
    """
    last = until - timedelta(days=1)
    if start == FIRST_DAY:
        return f"up to {last.day} {last:%b %Y}"
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}–{last.day} {last:%b %Y}" if start != last else f"{last.day} {last:%b %Y}"
    years = f" {start:%Y}" if start.year != last.year else ""
    return f"{start.day} {start:%b}{years} – {last.day} {last:%b %Y}"


def period(key: str, last_day: date, custom: tuple[date, date] | None = None) -> Period:
    """The period a preset means when the data reach `last_day`; `custom` is its first and last day.

    A calendar period under way is compared with as many days of the one before: the 1st to the 21st with the 1st to the 21st.
    """
    until = last_day + timedelta(days=1)
    if key == "custom" and custom is not None:
        start, until = custom[0], custom[1] + timedelta(days=1)
        return Period(key, start, until, start - (until - start), start)
    if key == "all":
        return Period(key, FIRST_DAY, until, FIRST_DAY, FIRST_DAY)
    if key in ("mtd", "qtd", "ytd"):
        return _to_date(key, last_day, until)
    start = until - timedelta(days=int(key.removesuffix("d")))
    return Period(key, start, until, start - (until - start), start)


def _to_date(key: str, last_day: date, until: date) -> Period:
    months = {"mtd": 1, "qtd": 3, "ytd": 12}[key]
    start = date(last_day.year, (last_day.month - 1) // months * months + 1, 1)
    before, after = _add_months(start, -months), _add_months(start, months)
    elapsed = until - start
    word = {"mtd": "month", "qtd": "quarter", "ytd": "year"}[key]
    note = "" if until >= after else f"{word} to date, day {elapsed.days} of {(after - start).days}"
    return Period(key, start, until, before, min(before + elapsed, start), note)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def complete_until(as_of: datetime | None, loaded_at: datetime | None) -> date:
    """The first broker day that is not complete: the day of the latest event, unless something was loaded after it ended."""
    if as_of is None:
        return loaded_at.date() if loaded_at is not None else FIRST_DAY
    end_of_day = datetime.combine(as_of.date() + timedelta(days=1), time())
    return end_of_day.date() if loaded_at is not None and loaded_at >= end_of_day else as_of.date()


def grain(days: int) -> str:
    """How a chart groups days: by day, week or month, so that it never draws more than about a hundred points."""
    return "day" if days <= 100 else "week" if days <= 750 else "month"
