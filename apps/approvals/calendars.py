"""Business hours of an entity: when its people work, so that a deadline counts the hours in which somebody could act."""

import csv
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from warehouse.settings import PROJECT

ANYWHERE = "default"
HOLIDAYS = PROJECT / "dbt_project" / "seeds" / "finance" / "bank_holidays.csv"


@dataclass(frozen=True)
class _Hours:
    """Working spans in naive UTC, in order; `before[i]` are the seconds worked before span i."""

    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    before: tuple[float, ...]


@lru_cache(maxsize=65536)
def add_business_hours(entity: str | None, start: datetime, hours: float) -> datetime:
    """The moment (naive UTC) when `hours` of the entity's business hours have passed since `start`.

    >>> add_business_hours("CY", datetime(2026, 11, 20, 14), 4)  # a Friday: two hours are left in Nicosia
    datetime.datetime(2026, 11, 23, 9, 0)
    """
    spans = _spans(_name(entity), start.year)
    index = max(bisect_right(spans.starts, start) - 1, 0)
    worked = min(max(start - spans.starts[index], timedelta()), spans.ends[index] - spans.starts[index])
    wanted = spans.before[index] + worked.total_seconds() + hours * 3600
    last = bisect_right(spans.before, wanted) - 1
    if last > 0 and spans.before[last] == wanted and hours:
        last -= 1  # the end of a day, not the start of the next
    return spans.starts[last] + timedelta(seconds=wanted - spans.before[last])


def is_business_time(entity: str | None, moment: datetime) -> bool:
    """Whether somebody of the entity works at that moment (naive UTC)."""
    spans = _spans(_name(entity), moment.year)
    index = bisect_right(spans.starts, moment) - 1
    return index >= 0 and moment < spans.ends[index]


@cache
def calendars() -> dict[str, Any]:
    """Zone, hours and weekend of each entity from calendars.yml, its `holidays` from the seed by which breaks age too."""
    found = yaml.safe_load((Path(__file__).parent / "calendars.yml").read_text(encoding="utf-8"))
    with HOLIDAYS.open(encoding="utf-8", newline="") as lines:
        closed = [(row["entity"], date.fromisoformat(row["holiday"])) for row in csv.DictReader(lines)]
    return {
        name: hours | {"holidays": [day for entity, day in closed if entity == name]} for name, hours in found.items()
    }


def _name(entity: str | None) -> str:
    return entity if entity in calendars() else ANYWHERE


@cache
def _spans(name: str, year: int) -> _Hours:
    """The working spans from the turn of the year before `year` to two years on, more than any deadline reaches."""
    calendar = calendars()[name]
    zone = ZoneInfo(calendar["time_zone"])
    opens, closes = (time.fromisoformat(calendar[which]) for which in ("opens", "closes"))
    weekend, holidays = set(calendar["weekend"]), set(calendar["holidays"])
    starts, ends, before, worked = [], [], [], 0.0
    day = date(year - 1, 12, 20)
    while day < date(year + 3, 1, 1):
        if day.isoweekday() not in weekend and day not in holidays:
            start, end = (
                datetime.combine(day, at, zone).astimezone(UTC).replace(tzinfo=None) for at in (opens, closes)
            )
            starts.append(start)
            ends.append(end)
            before.append(worked)
            worked += (end - start).total_seconds()
        day += timedelta(days=1)
    return _Hours(tuple(starts), tuple(ends), tuple(before))
