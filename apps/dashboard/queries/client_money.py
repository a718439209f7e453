"""The Client money questions: what is owed and held by entity and currency on a day, what to fund, and who is floored at zero."""

from datetime import date

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

DAILY = "finance.fct_client_money_daily"
BALANCES = "finance.fct_client_balances_daily"
CLIENTS = "core.dim_clients"
APPROVALS = "compliance.fct_approvals"
SIGN_OFF = "client_money_sign_off"


def last_day(reader: Reader, scope: Scope) -> date | None:
    """The newest day of the period that was calculated, or None."""
    found = reader.query(
        f"select max(day) as day from {DAILY} where day >= $1 and day < $2 and ($3::varchar is null or entity = $3)",
        scope.now,
    )
    return found["day"][0]


def newest(reader: Reader, scope: Scope) -> pl.DataFrame:
    """One row, `day`: as `last_day`, for the page's cached reads."""
    return pl.DataFrame({"day": [last_day(reader, scope)]}, schema={"day": pl.Date})


def on_day(reader: Reader, entity: str | None, day: date) -> pl.DataFrame:
    """Each entity and currency on one day: requirement, resource and what follows; nothing owed and nothing held is left out."""
    return reader.query(
        f"""
        select entity, currency, requirement, resource, difference, status, funding_instruction, fund_by, funded, remaining,
            client_balances, unidentified, psp_gap, regime
        from {DAILY} where day = $2 and ($1::varchar is null or entity = $1) and (requirement <> 0 or resource <> 0) order by entity, currency
        """,
        [entity, day],
    )


def course(reader: Reader, scope: Scope, entity: str, currency: str) -> pl.DataFrame:
    """day with requirement, resource and psp_gap of one entity and currency, as series: day, part, amount."""
    return reader.query(
        f"""
        unpivot (
            select day, requirement, resource, psp_gap from {DAILY}
            where day >= $1 and day < $2 and ($3::varchar is null or entity = $3) and entity = $4 and currency = $5
        ) on requirement, resource, psp_gap into name part value amount order by day, part
        """,
        [*scope.now, entity, currency],
    )


def floored(entity: str, currency: str, day: date) -> Rows:
    """Clients whose balance on an account is below zero at the end of the day: counted as zero, never against another client's money."""
    return Rows(
        f"""
        select balances.client_id, balances.account_code, max(balances.day) as since, arg_max(balances.closing, balances.day) as owes
        from {BALANCES} as balances inner join {CLIENTS} as clients on balances.client_id = clients.client_id
        where clients.entity = $1 and balances.currency = $2 and balances.day <= $3 and balances.account_code in ('2010', '2015', '2020', '2070')
        group by all having arg_max(balances.closing, balances.day) > 0 order by 4 desc, 1
        """,
        (entity, currency, day),
    )


def rows(scope: Scope) -> Rows:
    """Every day of the period."""
    return Rows(
        f"""
        select * exclude (_run_id) from {DAILY}
        where day >= $1 and day < $2 and ($3::varchar is null or entity = $3) order by day desc, entity, currency
        """,
        tuple(scope.now),
    )


def sign_offs(scope: Scope) -> Rows:
    """Sign-offs that the published warehouse knows, the newest first."""
    return Rows(
        f"""
        select subject_id, state, outcome, opened_at, closed_at, closed_by, closed_by_role, approvals from {APPROVALS}
        where subject_type = '{SIGN_OFF}' and opened_at >= $1::timestamp and ($3::varchar is null or entity = $3) and $2::date is not null
        order by opened_at desc
        """,
        tuple(scope.now),
    )
