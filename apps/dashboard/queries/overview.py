"""The Overview's questions: daily KPIs summed over a period, beside the same elapsed part of the period before."""

import polars as pl

from apps.dashboard.queries.common import IN_PERIOD, Scope
from warehouse.reader import Reader

KPI = "leadership.fct_kpi_daily"


def totals(reader: Reader, scope: Scope) -> pl.DataFrame:
    """Per KPI: the sum, the mean of days and the last day's value, of the period (`now_*`) and of the one before (`then_*`)."""
    return reader.query(
        f"""
        with days as (
            select kpi, day, sum(value) as value, day >= $1 as is_now
            from {KPI}
            where ((day >= $1 and day < $2) or (day >= $4 and day < $5)) and ($3::varchar is null or entity = $3)
            group by all
        )
        select kpi,
            sum(value) filter (is_now) as now_sum, sum(value) filter (not is_now) as then_sum,
            avg(value) filter (is_now) as now_mean, avg(value) filter (not is_now) as then_mean,
            arg_max(value, day) filter (is_now) as now_last, arg_max(value, day) filter (not is_now) as then_last
        from days group by kpi
        """,
        scope.both,
    )


def by_day(reader: Reader, scope: Scope, kpis: tuple[str, ...]) -> pl.DataFrame:
    """day, kpi, value (over entities): the series of the given KPIs."""
    return reader.query(
        f"select day, kpi, sum(value) as value from {KPI} where {IN_PERIOD} and list_contains($4, kpi) group by all order by day, kpi",
        [*scope.now, list(kpis)],
    )


def starting_with(reader: Reader, scope: Scope, prefix: str) -> pl.DataFrame:
    """day, kpi, value of every KPI whose name starts with the prefix, such as `revenue_`."""
    return reader.query(
        f"select day, kpi, sum(value) as value from {KPI} where {IN_PERIOD} and starts_with(kpi, $4) group by all order by day, kpi",
        [*scope.now, prefix],
    )


def drivers(reader: Reader, scope: Scope, kpi: str) -> pl.DataFrame:
    """Per entity: the KPI now, then and the change, the largest change first: what moved the total."""
    return reader.query(
        f"""
        with sums as (
            select entity, coalesce(sum(value) filter (day >= $1), 0) as now, coalesce(sum(value) filter (day < $1), 0) as previous
            from {KPI}
            where kpi = $6 and ((day >= $1 and day < $2) or (day >= $4 and day < $5)) and ($3::varchar is null or entity = $3)
            group by entity
        )
        select entity as driver, now, previous, now - previous as change from sums order by abs(now - previous) desc
        """,
        [*scope.both, kpi],
    )


def rows(scope: Scope, kpi: str | None) -> tuple[str, tuple]:
    """The daily rows behind the numbers."""
    return (
        f"select day, entity, kpi, value, unit, previous_value, published_at from {KPI} "
        f"where {IN_PERIOD} and ($4::varchar is null or kpi = $4) order by day desc, entity, kpi",
        (*scope.now, kpi),
    )


def names(reader: Reader) -> pl.DataFrame:
    """Every KPI there is."""
    return reader.query(f"select distinct kpi from {KPI} order by 1")
