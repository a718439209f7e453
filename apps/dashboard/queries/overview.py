"""The Overview's questions: daily KPIs summed over a period, beside the same elapsed part of the period before."""

import polars as pl

from apps.dashboard.queries.common import IN_PERIOD, Scope
from warehouse.reader import Reader

KPI = "leadership.fct_kpi_daily"


def totals(reader: Reader, scope: Scope) -> pl.DataFrame:
    """Per KPI: the sum and the mean of days, of the period (`now_*`) and of the one before (`then_*`)."""
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
            avg(value) filter (is_now) as now_mean, avg(value) filter (not is_now) as then_mean
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


def drivers(reader: Reader, scope: Scope, kpi: str, parts: tuple[str, ...]) -> pl.DataFrame:
    """Per entity and part of the figure: now, then and the change, the largest change first.

    Withdrawals count against; what the parts do not explain is the part `other`, so that the changes add up to the figure's.
    """
    return reader.query(
        f"""
        with figures as (
            select entity, kpi, day, if(kpi = 'withdrawals', -value, value) as value from {KPI}
            where (kpi = $7 or list_contains($6, kpi)) and ((day >= $1 and day < $2) or (day >= $4 and day < $5))
                and ($3::varchar is null or entity = $3)
        ), explained as (
            select entity, kpi, day, value from figures where list_contains($6, kpi)
            union all
            select entity, 'other', day, sum(if(kpi = $7, value, 0)) - sum(if(list_contains($6, kpi), value, 0)) from figures group by entity, day
        ), sums as (
            select entity, kpi, coalesce(sum(value) filter (day >= $1), 0) as now, coalesce(sum(value) filter (day < $1), 0) as previous
            from explained group by all
        )
        select entity, kpi, now, previous, now - previous as change from sums where now <> 0 or previous <> 0
        order by abs(now - previous) desc, entity, kpi
        """,
        [*scope.both, list(parts), kpi],
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
