"""The retail loss percentage's questions: each figure with its bridge and sign-off, and the accounts behind it."""

from datetime import date

import polars as pl

from apps.dashboard.queries.common import Rows
from warehouse.reader import Reader

FIGURES, ACCOUNTS = "compliance.fct_loss_percentage", "compliance.fct_loss_accounts"
WHICH = {
    "counted": "is_counted",
    "losing": "is_losing",
    "doubtful": "is_counted and (not is_valued or identity_difference <> 0)",
    "out": "not is_counted",
    "all": "true",
}
"""The conditions on an account that the page offers."""


def newest(reader: Reader, entity: str | None) -> pl.DataFrame:
    """Of each entity the newest figure, with every column of the mart."""
    return reader.query(
        f"""
        select * exclude (_run_id) from {FIGURES} where $1::varchar is null or entity = $1
        qualify row_number() over (partition by entity order by calculation_date desc) = 1 order by entity
        """,
        [entity],
    )


def figures(entity: str | None) -> Rows:
    """Every figure, the newest first."""
    return Rows(
        f"""
        select entity, calculation_date, published_loss_pct, previous_loss_pct, status, losing_accounts, accounts, entered, left_population,
            turned_losing, turned_winning, loss_pct_lifetime, accounts_without_valuation, accounts_not_tying, is_disclosed, has_short_history,
            prepared_by, signed_off_loss_pct, signed_off_by, signed_off_at, next_due_on, next_alert_on
        from {FIGURES} where $1::varchar is null or entity = $1 order by calculation_date desc, entity
        """,
        (entity,),
    )


def course(reader: Reader, entity: str | None) -> pl.DataFrame:
    """day, series (entity), share: the figures over time."""
    return reader.query(
        f"""
        select calculation_date as day, entity as series, loss_pct as share from {FIGURES}
        where loss_pct is not null and ($1::varchar is null or entity = $1) order by 1, 2
        """,
        [entity],
    )


def dates(reader: Reader) -> pl.DataFrame:
    """day: every calculation date, the newest first."""
    return reader.query(f"select distinct calculation_date as day from {FIGURES} order by 1 desc")


def reasons(reader: Reader, entity: str | None, day: date) -> pl.DataFrame:
    """reason, accounts: why accounts count or do not."""
    return reader.query(
        f"""
        select reason, count(*) as accounts from {ACCOUNTS}
        where ($1::varchar is null or entity = $1) and calculation_date = $2 group by reason order by 2 desc, 1
        """,
        [entity, day],
    )


def accounts(entity: str | None, day: date, which: str) -> Rows:
    """Each account with its components, the largest loss first."""
    return Rows(
        f"""
        select entity, platform, login, client_id, currency, reason, result, is_losing, realised_profit, swap, charges, other_costs,
            floating_start, floating_end, lifetime_result, equity_start, equity_end, net_deposits, credit_change, write_offs, adjustments,
            identity_difference, is_valued, measured_from, measured_to
        from {ACCOUNTS} where ($1::varchar is null or entity = $1) and calculation_date = $2 and {WHICH[which]}
        order by result nulls first, platform, login
        """,
        (entity, day),
    )
