"""The frame of one simulated broker: its size, its calendar, and one independent random stream per generator."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
import pyarrow as pa
import yaml

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FULL_DETAIL = 250_000
"""Up to this many deals every trade has its order and hedge, positions are captured nightly and sources counted daily; beyond, a sample."""

ENTITIES = ("UK", "CY", "AU", "SC")
CURRENCIES = ("USD", "EUR", "GBP", "JPY")
MINOR_STEP = np.array([1, 1, 1, 100])
"""Smallest movement of each currency in hundredths: amounts are kept as integers of 0.01, yen in whole units of 100."""

Ints = np.ndarray
Floats = np.ndarray


@dataclass(frozen=True)
class World:
    """What every generator is told. Life is generated up to `horizon`, and written only up to `cut`.

    That is why the same broker asked for one more day repeats every earlier row byte for byte: the
    future that a withdrawal or an open position depends on has already been decided.
    """

    seed: int
    deals: int
    clients: int
    partners: int
    start: date
    days: int
    runway_days: int
    drawn_days: int
    """The days first asked for: how busy everybody is was settled for them, and appended days do not change it."""
    breaks: int = 0
    """How many breaks of each class are planted, with as many decoys; a small broker has the few that faults plant."""

    @property
    def start_us(self) -> int:
        return micros(self.start)

    @property
    def cut_us(self) -> int:
        return self.start_us + self.days * DAY

    @property
    def horizon_us(self) -> int:
        return self.cut_us + self.runway_days * DAY

    def rng(self, generator: str, part: int = 0) -> np.random.Generator:
        """A stream of its own, so that one more draw in one generator changes nothing in another."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, crc32(generator.encode()), part]))


def micros(moment: date | datetime) -> int:
    """Microseconds since 1970 of a UTC moment; a date counts as its midnight."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def iso(us: int) -> str:
    """The moment as ISO-8601 text in UTC."""
    return moment(us).isoformat(timespec="microseconds") + "Z"


def moment(us: int) -> datetime:
    """The naive UTC datetime of microseconds since 1970."""
    return datetime(1970, 1, 1) + timedelta(microseconds=int(us))


@cache
def reference(name: str) -> Any:
    """What stands in `data/<name>.yml`: the broker's fixed facts, kept as data."""
    return yaml.safe_load((Path(__file__).parent / "data" / f"{name}.yml").read_text(encoding="utf-8"))


def decimals(values: Ints, scale: int, absent: np.ndarray | None = None) -> pl.Series:
    """Integers of 10^-scale as an exact DECIMAL(18, scale) column; True in `absent` makes a null."""
    packed = np.ascontiguousarray(values, dtype=np.int64)
    column = pa.Array.from_buffers(pa.decimal64(18, scale), len(packed), [None, pa.py_buffer(packed)])
    series = pl.Series(values=pl.from_arrow(column)) if len(packed) else pl.Series([], dtype=pl.Decimal(18, scale))
    if absent is None:
        return series
    return pl.select(pl.when(~pl.Series(absent)).then(series)).to_series()


def cents(values: Ints, absent: np.ndarray | None = None) -> pl.Series:
    """Money kept as integers of 0.01, as an exact decimal column."""
    return decimals(values, 2, absent)


def times(values: Ints, absent: np.ndarray | None = None) -> pl.Series:
    """Microseconds since 1970 as a naive UTC timestamp column."""
    series = pl.Series(values=np.asarray(values, dtype=np.int64)).cast(pl.Datetime("us"))
    if absent is None:
        return series
    return pl.select(pl.when(~pl.Series(absent)).then(series)).to_series()


def pick(names: tuple[str, ...] | list[str], codes: Ints) -> pl.Series:
    """The text for each code; codes below 0 give null."""
    index = pl.Series(values=np.where(codes < 0, len(names), codes).astype(np.uint32))
    return pl.Series(values=[*names, None], dtype=pl.String).gather(index)


def numbered(prefix: str, numbers: Ints, width: int = 6) -> pl.Series:
    """Ids such as C000042."""
    return prefix + pl.Series(values=np.asarray(numbers, dtype=np.int64)).cast(pl.String).str.zfill(width)


def round_up(values: Floats, step: Ints | int) -> Ints:
    """The next multiple of `step` at or above each value."""
    return (np.ceil(np.asarray(values, dtype=np.float64) / step) * step).astype(np.int64)
