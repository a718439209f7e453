"""The clock of a MetaTrader server: its own wall time, told by a zone, by `mt5_time`, or by the rows' UTC change stamps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingestion.connectors.values import check_zone, trimmed, wall_to_utc

_FILETIME_EPOCH = datetime(1601, 1, 1)
_NO_TIME = ("0000-00-00", "1970-01-01 00:00:00", "1970-01-01T00:00:00")
NEW_YORK_CLOSE = 120
"""Minutes east of UTC of the usual server, whose day ends at New York's close: its daylight saving is American."""
_LARGEST_OFFSET = 15 * 60

Source = Mapping[str, str | None]
"""A source row: documented column name -> text."""


@dataclass
class Clock:
    """The server's clock, and what the rows' own change stamps say of it."""

    zone: str | int
    observed: Counter[int] = field(default_factory=Counter)
    compared: int = 0

    def utc(self, source: Source, *names: str) -> datetime | None:
        """The first of the named times that is set, in UTC; None when all are null dates."""
        for name in names:
            text = trimmed(source.get(name))
            if text is None or text.startswith(_NO_TIME):
                continue
            try:
                wall = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{name}: {text!r} is not a date and time") from None
            return wall_to_utc(wall.replace(tzinfo=None), self.zone)
        return None

    def compare(self, at: datetime, stamp: datetime | None) -> None:
        """Notes a row whose stamp lies a whole number of quarter hours beside its time: the clock is set otherwise."""
        if stamp is None:
            return
        minutes = _quarters(at - stamp)
        if minutes is None:
            return  # changed later: its stamp says when, and nothing of the clock
        self.compared += 1
        if minutes:
            self.observed[minutes] += 1

    def remark(self) -> tuple[str, ...]:
        """What the stamps say, when they disagree."""
        return tuple(
            f"{count} of {self.compared} rows lie {minutes:+d} minutes beside their own stamp with the clock assumed "
            f"({self.zone}): check time_zone"
            for minutes, count in sorted(self.observed.items())
        )


def filetime(source: Source) -> datetime | None:
    """`Timestamp`, 100-nanosecond steps since 1601 in UTC, to the microsecond; None when it is not set."""
    text = trimmed(source.get("Timestamp")) or ""
    ticks = int(text) if text.isdigit() and text.isascii() else 0
    if not 0 < ticks < 2**62:
        return None
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


def clock_of(
    setting: str | int | None, about: Mapping[str, Any], deals: Sequence[Source]
) -> tuple[Clock, tuple[str, ...]]:
    """The server's clock, and what had to be assumed: the setting, the pull's zone, `mt5_time`, or what the first deals' stamps say."""
    if setting is not None:
        return Clock(setting), ()
    zone = about.get("zone")
    if isinstance(zone, str | int):
        return Clock(check_zone(zone)), ()
    minutes = about.get("minutes")
    if isinstance(minutes, int):
        return _clock_by_minutes(minutes, daylight=bool(about.get("daylight")))
    estimated = zone_by_stamps(deals)
    if estimated is None:
        return Clock(0), ("no time zone is known for the server; UTC assumed: set time_zone",)
    said = f"no time zone is known for the server; {estimated} estimated from the rows' stamps: set time_zone"
    return Clock(estimated), (said,)


def _clock_by_minutes(minutes: int, *, daylight: bool) -> tuple[Clock, tuple[str, ...]]:
    if not daylight:
        return Clock(minutes), ()
    if minutes == NEW_YORK_CLOSE:
        said = "the server uses daylight saving; the American rule assumed, as of a server at New York plus seven"
        return Clock(f"{minutes:+d} us"), (said,)
    said = f"the server uses daylight saving by a rule it does not tell; {minutes:+d} minutes assumed all year: set time_zone"
    return Clock(minutes), (said,)


def zone_by_stamps(rows: Sequence[Source]) -> str | int | None:
    """The zone that puts most of these deals beside their own UTC stamps; None when no stamp tells."""
    pairs: list[tuple[datetime, datetime]] = []
    for row in rows:
        stamp = filetime(row)
        text = trimmed(row.get("TimeMsc")) or trimmed(row.get("Time")) or ""
        with suppress(ValueError):
            wall = datetime.fromisoformat(text).replace(tzinfo=None)
            pairs += [] if stamp is None else [(wall, stamp)]
    return zone_by_pairs(pairs)


def zone_by_pairs(given: Sequence[tuple[datetime, datetime]]) -> str | int | None:
    """The zone that puts most of these (wall time, UTC stamp) beside each other; None when none tells.

    Rows changed later have other stamps and say nothing. A fixed offset wins over a daylight rule that explains no more.
    """
    pairs = [(wall, stamp) for wall, stamp in given if _quarters(wall - stamp) is not None]
    offsets = Counter(_quarters(wall - stamp) for wall, stamp in pairs)
    usual = [minutes for minutes, _ in offsets.most_common(4) if minutes is not None]
    candidates: list[str | int] = [*usual, *(f"{minutes:+d} {rule}" for minutes in usual for rule in ("us", "eu"))]
    fits = {
        zone: sum(abs(wall_to_utc(wall, zone) - stamp) < timedelta(seconds=5) for wall, stamp in pairs)
        for zone in candidates
    }
    return max(candidates, key=lambda zone: fits[zone]) if candidates else None


def _quarters(difference: timedelta) -> int | None:
    """Minutes, when the difference is a whole number of quarter hours that a zone can be away; else None."""
    minutes = round(difference.total_seconds() / 900) * 15
    near = abs(difference - timedelta(minutes=minutes)) <= timedelta(seconds=5)
    return minutes if near and abs(minutes) <= _LARGEST_OFFSET else None
