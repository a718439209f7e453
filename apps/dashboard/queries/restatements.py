"""The Restatements questions: what late or corrected events changed in figures that were already published."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

MART = "leadership.fct_restatements"
WHERE = """restated_at >= $1 and restated_at < $2 and ($3::varchar is null or entity = $3) and ($4::varchar is null or kpi = $4)
    and (not $5 or is_booked_later)"""


def figures(reader: Reader) -> pl.DataFrame:
    """kpi and its name, of every figure that was ever restated."""
    return reader.query(f"select distinct kpi, kpi_name from {MART} order by 1")


def by_day(reader: Reader, scope: Scope, kpi: str | None, later: bool) -> pl.DataFrame:
    """day, series, restated: how many figures were restated on each day, of open and of closed periods."""
    return reader.query(
        f"""
        select restated_at::date as day, if(is_booked_later, 'closed', 'open') as series, count(*) as restated
        from {MART} where {WHERE} group by all order by 1, 2
        """,
        [*scope.now, kpi, later],
    )


def by_figure(reader: Reader, scope: Scope, kpi: str | None, later: bool) -> pl.DataFrame:
    """kpi, name, currency, changes, days concerned, the first of them, and the sum of the changes (ratios have none), the largest first."""
    return reader.query(
        f"""
        select * from (select kpi, kpi_name, currency, count(*) as changes, count(distinct as_of) as days, min(as_of) as earliest_day,
            if(any_value(currency) = 'fraction', null, sum(coalesce(restated_value, 0) - coalesce(published_value, 0))) as change
        from {MART} where {WHERE} group by all) order by abs(change) desc nulls last, kpi, currency
        """,
        [*scope.now, kpi, later],
    )


def changes(scope: Scope, kpi: str | None, later: bool) -> Rows:
    """Every change, the newest first."""
    return Rows(
        f"""
        select restated_at, kpi, kpi_name, entity, currency, as_of, published_value, restated_value,
            restated_value - published_value as change, is_booked_later, caused_by
        from {MART} where {WHERE} order by restated_at desc, as_of desc, kpi, entity, currency
        """,
        (*scope.now, kpi, later),
    )
