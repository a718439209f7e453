"""The Data page's questions: what was loaded, what was refused and why, what the checks said, how fresh each feed is."""

from datetime import date

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

LOADS = "quality.fct_loads"
QUARANTINE = "quality.fct_quarantine"
CHECKS = "quality.fct_checks_history"
SOURCE_TOTALS = "quality.rec_source_daily"

OF_DAY = "day >= $1 and day < $2"
RECORDED = "recorded_at >= $1 and recorded_at < $2"


def totals(reader: Reader, start: date, until: date) -> pl.DataFrame:
    """One row: files, rows read, loaded, duplicate, quarantined of the days up to `until`, and whether they add up file by file."""
    return reader.query(
        f"""
        select count(distinct path) as files, count(*) filter (status <> 'loaded') as refused, sum(rows_read) as rows_read,
            sum(rows_loaded) as rows_loaded, sum(rows_duplicate) as rows_duplicate, sum(rows_quarantined) as rows_quarantined,
            count(*) filter (rows_read <> rows_loaded + rows_duplicate + rows_quarantined) as uneven
        from {LOADS} where {RECORDED}
        """,
        [start, until],
    )


def by_day(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, outcome (loaded, duplicate, quarantined), rows: by the day on which they were recorded."""
    return reader.query(
        f"""
        unpivot (
            select recorded_at::date as day, sum(rows_loaded) as loaded, sum(rows_duplicate) as duplicate, sum(rows_quarantined) as quarantined
            from {LOADS} where {RECORDED} group by 1
        ) on loaded, duplicate, quarantined into name outcome value rows order by day, outcome
        """,
        scope.now[:2],
    )


def feeds(reader: Reader) -> pl.DataFrame:
    """Per feed: files, rows, the newest load, and the hours from it to the newest load of all."""
    return reader.query(
        f"""
        select feed, count(*) as files, sum(rows_loaded) as rows_loaded, sum(rows_quarantined) as rows_quarantined, max(recorded_at) as recorded_at,
            date_diff('hour', max(recorded_at), (select max(recorded_at) from {LOADS})) as hours_behind
        from {LOADS} where status = 'loaded' group by feed order by hours_behind desc, feed
        """
    )


def loads(scope: Scope, feed: str | None) -> Rows:
    """The files, the newest first."""
    return Rows(
        f"select * exclude (_run_id) from {LOADS} where {RECORDED} and ($3::varchar is null or feed = $3) order by load_id desc",
        (*scope.now[:2], feed),
    )


def rules(reader: Reader, scope: Scope) -> pl.DataFrame:
    """feed, rule, rows, of which open, first and last day: what quarantined rows broke; one that broke two rules counts under both."""
    return reader.query(
        f"""
        select
            feed, rule, count(*) as rows, count(*) filter (status = 'open') as open,
            min(recorded_at)::date as first_day, max(recorded_at)::date as last_day
        from (select feed, recorded_at, status, unnest(rules) as rule from {QUARANTINE} where {RECORDED})
        group by feed, rule order by rows desc, feed, rule
        """,
        scope.now[:2],
    )


def rules_by_day(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, rule (the commonest five by name, the rest as one), rows: by the day on which they were quarantined."""
    return reader.query(
        f"""
        with broken as (
            select recorded_at::date as day, feed || ' · ' || unnest(rules) as rule from {QUARANTINE} where {RECORDED}
        ),
        commonest as (select rule from broken group by rule order by count(*) desc, rule limit 5)
        select day, if(rule in (from commonest), rule, 'other rules') as rule, count(*) as rows from broken group by all order by day, rule
        """,
        scope.now[:2],
    )


def quarantined(scope: Scope, feed: str | None, rule: str | None) -> Rows:
    """The rows themselves, as the source sent them (masked where the role may not see personal data)."""
    return Rows(
        f"""
        select * exclude (_run_id) from {QUARANTINE}
        where {RECORDED} and ($3::varchar is null or feed = $3) and ($4::varchar is null or list_contains(rules, $4))
        order by load_id desc, row_number
        """,
        (*scope.now[:2], feed, rule),
    )


def feed_names(reader: Reader) -> pl.DataFrame:
    """Every feed that was ever loaded."""
    return reader.query(f"select distinct feed from {LOADS} where feed is not null order by 1")


def source_names(reader: Reader) -> pl.DataFrame:
    """Every source that ever stated a total."""
    return reader.query(f"select distinct source from {SOURCE_TOTALS} order by 1")


def source_states(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, status, totals: how many totals of the day agree, are explained or differ."""
    return reader.query(
        f"select day, status, count(*) as totals from {SOURCE_TOTALS} where {OF_DAY} group by all order by day, status",
        scope.now[:2],
    )


def sources_that_differ(reader: Reader, scope: Scope) -> pl.DataFrame:
    """One row: days before the period that differ, and the oldest of them."""
    return reader.query(
        f"select count(distinct day) as days, min(day) as oldest from {SOURCE_TOTALS} where status = 'differs' and day < $1",
        scope.now[:1],
    )


def source_totals(scope: Scope, source: str | None, status: str | None) -> Rows:
    """Each total of the period with what explains its difference, what differs first."""
    return Rows(
        f"""
        select source, feed, day, currency, status, unexplained_rows, unexplained_amount, * exclude (
            source, feed, day, currency, status, unexplained_rows, unexplained_amount, _run_id
        ) from {SOURCE_TOTALS}
        where {OF_DAY} and ($3::varchar is null or source = $3) and ($4::varchar is null or status = $4)
        order by status <> 'differs', status = 'agrees', day desc, source, feed, scope, currency
        """,
        (*scope.now[:2], source, status),
    )


def check_runs(reader: Reader, runs: int) -> pl.DataFrame:
    """run_id, outcome (passed, warned, failed), checks: of the newest runs, in order."""
    return reader.query(
        f"""
        select run_id, {_outcome()} as outcome, count(*) as checks from {CHECKS}
        where run_id in (select distinct run_id from {CHECKS} order by run_id desc limit {int(runs)})
        group by all order by run_id, outcome
        """
    )


def checks(state: str | None) -> Rows:
    """Each check's result in the newest run it took part in, what failed or warned first."""
    return Rows(
        f"""
        select * exclude (_run_id) from (
            select *, {_outcome()} as outcome from {CHECKS}
            qualify row_number() over (partition by check_name, kind order by ran_at desc, run_id desc) = 1
        ) where $1::varchar is null or outcome = $1
        order by outcome = 'passed', outcome = 'warned', check_name
        """,
        (state,),
    )


def _outcome() -> str:
    return "case when status in ('pass', 'success', 'ok') then 'passed' when status in ('warn', 'warning') then 'warned' else 'failed' end"
