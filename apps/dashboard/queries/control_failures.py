"""The questions about controls that approvals failed."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

MART = "compliance.fct_control_failures"
CLOCKS = {"all": "true", "then": "not discovered_later", "later": "discovered_later"}
"""The conditions that the page offers: known at the approval, or only since."""
FAILURES = f"""
    select failures.*, requests.client_id, requests.amount, requests.currency, clients.entity
    from {MART} as failures
    left join operations.fct_withdrawals as requests on failures.subject_id = requests.request_id
    left join core.dim_clients as clients on requests.client_id = clients.client_id
    where failures.occurred_at >= $1 and failures.occurred_at < $2 and ($3::varchar is null or clients.entity = $3)
"""


def controls(reader: Reader) -> pl.DataFrame:
    """control: every one that was ever failed."""
    return reader.query(f"select distinct control from {MART} order by 1")


def by_control(reader: Reader, scope: Scope) -> pl.DataFrame:
    """control, known_then, discovered_later, before, approvers: failures of the period and how many the period before had."""
    return reader.query(
        f"""
        select now.control, count(*) filter (where not discovered_later) as known_then, count(*) filter (where discovered_later) as discovered_later,
            any_value(coalesce(earlier.failures, 0)) as before, count(distinct actor_id) as approvers
        from ({FAILURES}) as now
        left join (
            select control, count(*) as failures from {MART} where occurred_at >= $4 and occurred_at < $5 and $3::varchar is null group by control
        ) as earlier on now.control = earlier.control
        group by now.control order by count(*) desc, now.control
        """,
        scope.both,
    )


def by_day(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, series (known_then or discovered_later), failures."""
    return reader.query(
        f"""
        select occurred_at::date as day, if(discovered_later, 'discovered_later', 'known_then') as series, count(*) as failures
        from ({FAILURES}) group by all order by 1, 2
        """,
        scope.now,
    )


def failures(scope: Scope, control: str | None, clock: str) -> Rows:
    """Each failure, the newest first."""
    return Rows(
        f"""
        select occurred_at, control, subject_type, subject_id, client_id, entity, amount, currency, actor_id, discovered_later, detail
        from ({FAILURES}) where ($4::varchar is null or control = $4) and {CLOCKS[clock]}
        order by occurred_at desc, subject_id, control
        """,
        (*scope.now, control),
    )
