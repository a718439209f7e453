"""The Close board questions: where periods stand, and what blocks the close of one of them."""

from datetime import date

import polars as pl

from apps.dashboard.queries.common import Rows
from warehouse.reader import Reader

PERIODS = "finance.fct_periods"
BALANCES = "finance.fct_trial_balance"
BREAKS = "finance.rec_breaks"
UNPOSTED = "finance.unposted_events"
MONEY = "finance.fct_client_money_daily"
BANK = "finance.rec_bank_daily"
POSTINGS = "finance.fct_postings"
NOT_MONEY = ("demo", "test", "duplicate")
"""Reasons of events not posted that the policy `period_close` allows: nothing was to be posted."""


def entities(reader: Reader) -> pl.DataFrame:
    """Every entity with books of its own."""
    return reader.query(f"select distinct entity from {BALANCES} where entity <> 'unassigned' order by 1")


def board(reader: Reader, period: str, first: date, last: date) -> pl.DataFrame:
    """Each entity with where the period stands and how many things of each kind are in the way of its close."""
    return reader.query(
        f"""
        select entities.entity, coalesce(periods.status, 'open') as status,
            (select count(*) from {BREAKS} as b where b.status = 'open' and b.entity = entities.entity and b.first_seen_on <= $3) as open_breaks,
            (select count(*) from {UNPOSTED} as u where (u.entity = entities.entity or u.entity is null) and u.occurred_at >= $2
                and u.occurred_at < $3::date + interval 1 day and u.reason not in {NOT_MONEY}) as not_posted,
            (select count(*) from {MONEY} as m where m.entity = entities.entity and m.day between $2 and $3
                and m.status = 'shortfall_not_funded') as days_short,
            (select count(*) from ({_LATE}) as late where late.entity = entities.entity) as statements_missing,
            (select max(p.last_day) from {PERIODS} as p where p.entity = entities.entity and p.status = 'closed') as closed_until,
            periods.approved_by, periods.changed_at
        from (select distinct entity from {BALANCES} where entity <> 'unassigned') as entities
        left join {PERIODS} as periods on entities.entity = periods.entity and periods.period = $1
        order by 1
        """,
        [period, first, last],
    )


def blocking_breaks(reader: Reader, entity: str, last: date) -> pl.DataFrame:
    """reconciliation, class, owner, breaks, oldest, and the largest by amount: what is open of the entity by the end of the period."""
    return reader.query(
        f"""
        select reconciliation, class, owner, count(*) as breaks, max(age_business_days) as oldest_business_days,
            arg_max(break_id, abs(amount)) as largest_break_id, arg_max(amount, abs(amount)) as amount, arg_max(currency, abs(amount)) as currency
        from {BREAKS} where status = 'open' and entity = $1 and first_seen_on <= $2 group by all order by 4 desc, 1, 2
        """,
        [entity, last],
    )


def not_posted(entity: str, first: date, last: date) -> Rows:
    """Events of the period that no rule posts and that might have moved money."""
    return Rows(
        f"""
        select source_feed, source_key, event_kind, reason, currency, amount, occurred_at, client_id from {UNPOSTED}
        where (entity = $1 or entity is null) and occurred_at >= $2 and occurred_at < $3::date + interval 1 day and reason not in {NOT_MONEY}
        order by occurred_at, source_key
        """,
        (entity, first, last),
    )


def short_days(reader: Reader, entity: str, first: date, last: date) -> pl.DataFrame:
    """Days of the period on which client money was short and not topped up in time."""
    return reader.query(
        f"""
        select day, currency, requirement, resource, difference, fund_by, remaining from {MONEY}
        where entity = $1 and day between $2 and $3 and status = 'shortfall_not_funded' order by day, currency
        """,
        [entity, first, last],
    )


def missing_statements(reader: Reader, entity: str, last: date) -> pl.DataFrame:
    """Bank accounts of the entity on which the ledger moved money in or before the period that no statement covers yet."""
    return reader.query(
        f"select * exclude (entity) from ({_LATE.replace('$3', '$2')}) where entity = $1 order by 1", [entity, last]
    )


def differing(reader: Reader, entity: str, last: date) -> pl.DataFrame:
    """A line a bank account of the entity: both balances on its newest statement of the period."""
    return reader.query(
        f"""
        select bank_account, max(day) as day, arg_max(currency, day) as currency, arg_max(ledger_balance, day) as ledger_balance,
            arg_max(statement_balance, day) as statement_balance, arg_max(difference, day) as difference
        from {BANK} where entity = $1 and day <= $2 group by 1 order by abs(arg_max(difference, day)) desc, 1
        """,
        [entity, last],
    )


def periods() -> Rows:
    """Every period that was ever closed, the newest change first."""
    return Rows(f"select * exclude (_run_id) from {PERIODS} order by changed_at desc, entity, period")


_LATE = f"""
    select moved.bank_account, moved.entity, told.newest_statement, moved.newest_entry
    from (
        select bank_account, any_value(entity) as entity, max(booked_on) as newest_entry from {POSTINGS}
        where bank_account is not null and account_code in ('1010', '1020') and booked_on <= $3 group by 1
    ) as moved
    left join (select bank_account, max(day) as newest_statement from {BANK} group by 1) as told on moved.bank_account = told.bank_account
    where told.newest_statement is null or told.newest_statement < moved.newest_entry"""
