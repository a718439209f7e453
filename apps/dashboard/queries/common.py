"""What several pages ask: the scope of a view, the entities there are, and rows too many for a screen."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from warehouse.reader import Reader

ENTITY_MARTS = ("leadership.fct_kpi_daily", "operations.fct_payments_daily", "core.dim_clients")
IN_PERIOD = "day >= $1 and day < $2 and ($3::varchar is null or entity = $3)"


@dataclass(frozen=True)
class Scope:
    """Days from `start` up to but not including `until`, of one entity or (None) of all; and the days compared with."""

    start: date
    until: date
    previous_start: date
    previous_until: date
    entity: str | None

    @property
    def now(self) -> list[Any]:
        """Parameters $1, $2, $3 of IN_PERIOD."""
        return [self.start, self.until, self.entity]

    @property
    def both(self) -> list[Any]:
        """Parameters $1 to $5: this period, the entity, the period before."""
        return [self.start, self.until, self.entity, self.previous_start, self.previous_until]


@dataclass(frozen=True)
class Rows:
    """A select that may give more rows than a screen can take: shown in part, counted and exported whole."""

    sql: str
    parameters: tuple[Any, ...] = ()


def entities(reader: Reader) -> pl.DataFrame:
    """Every entity in the data, in alphabetical order; of the first mart that this role may read."""
    mart = next((mart for mart in ENTITY_MARTS if mart in reader.marts), None)
    if mart is None:
        return pl.DataFrame({"entity": []}, schema={"entity": pl.Utf8})
    return reader.query(f"select distinct entity from {mart} where entity is not null order by 1")


def newest_day(reader: Reader) -> pl.DataFrame:
    """One row: `day`, the newest one with any event in the daily figures; null for a role that may not read them."""
    if ENTITY_MARTS[0] not in reader.marts:
        return pl.DataFrame({"day": [None]}, schema={"day": pl.Date})
    return reader.query(f"select max(day) as day from {ENTITY_MARTS[0]}")


def first(reader: Reader, rows: Rows, limit: int) -> pl.DataFrame:
    """The first `limit` rows."""
    return reader.query(f"select * from ({rows.sql}) limit {int(limit)}", rows.parameters)


def count(reader: Reader, rows: Rows) -> pl.DataFrame:
    """One row: `rows`, how many there are in all."""
    return reader.query(f"select count(*) as rows from ({rows.sql})", rows.parameters)


def whole(reader: Reader, rows: Rows) -> pl.DataFrame:
    """All of them, for the export."""
    return reader.query(rows.sql, rows.parameters)


def one(reader: Reader, rows: Rows, number: int) -> pl.DataFrame:
    """The row on one line of the shown table."""
    return reader.query(f"select * from ({rows.sql}) limit 1 offset {int(number)}", rows.parameters)
