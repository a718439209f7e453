"""The Trading questions beside the metrics: exposure, accounts near their stop-out, flow that a dealer looks at twice."""

import polars as pl

from apps.dashboard.queries.common import Rows, Scope
from warehouse.reader import Reader

TRADES = "trading.fct_profitability_daily"
EXPOSURE = "trading.fct_exposure"
SLIPPAGE = "trading.fct_slippage_daily"
ACCOUNTS = "trading.fct_account_daily"
REAL = "not is_demo and not is_test"
IN_PERIOD = "day >= $1 and day < $2 and ($3::varchar is null or entity = $3)"
FLAGGED_SHARE = 0.5
FLAGGED_CLOSINGS = 5
"""A client whose closings are this often held for under a minute, over at least so many of them, is marked."""


def by_day(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, book, volume_usd, revenue_usd, lots."""
    return reader.query(
        f"""
        select day, coalesce(book, 'unknown') as book, sum(notional_usd) as volume_usd, sum(revenue_usd) as revenue_usd, sum(lots) as lots
        from {TRADES} where {IN_PERIOD} and {REAL} group by all order by day, book
        """,
        scope.now,
    )


def exposure(reader: Reader, scope: Scope) -> pl.DataFrame:
    """symbol, book, client_lots, lp_lots, net_lots, notional_usd, hedge share, captured_at: the newest snapshot of the period."""
    return reader.query(
        f"""
        select symbol, book, sum(client_long_lots) as client_long_lots, sum(client_short_lots) as client_short_lots, sum(client_lots) as client_lots,
            sum(lp_lots) as lp_lots, sum(net_lots) as net_lots, sum(notional_usd) as notional_usd,
            round(abs(sum(lp_lots)) / nullif(abs(sum(client_lots)), 0), 4) as hedged_share, max(captured_at) as captured_at
        from {EXPOSURE}
        where captured_at = (select max(captured_at) from {EXPOSURE} where captured_at < $2 and ($3::varchar is null or entity = $3))
            and ($3::varchar is null or entity = $3) and $1::date is not null
        group by symbol, book order by abs(sum(notional_usd)) desc nulls last, symbol, book
        """,
        scope.now,
    )


def exposure_course(reader: Reader, scope: Scope) -> pl.DataFrame:
    """day, book, notional_usd: what no hedge covers, in either direction, over symbols, at each day's newest snapshot."""
    return reader.query(
        f"""
        select captured_at::date as day, book, sum(abs(notional_usd)) as notional_usd
        from {EXPOSURE} where captured_at >= $1 and captured_at < $2 and ($3::varchar is null or entity = $3)
            and captured_at in (select max(captured_at) from {EXPOSURE} group by captured_at::date)
        group by all order by day, book
        """,
        scope.now,
    )


def margin(scope: Scope, below: float) -> Rows:
    """Real accounts whose newest snapshot shows a margin level below this, the nearest to its stop-out first."""
    return Rows(
        f"""
        with newest as (
            select * from {ACCOUNTS} where {REAL} and captured_at is not null and day < $1 and ($2::varchar is null or entity = $2)
            qualify row_number() over (partition by platform, login order by captured_at desc) = 1
        )
        select platform, login, client_id, entity, book, currency, equity, credit, floating_pnl, margin_level as margin_level_share, captured_at
        from newest where margin_level < $3 order by margin_level, login
        """,
        (scope.until, scope.entity, below),
    )


def margin_classes(reader: Reader, scope: Scope) -> pl.DataFrame:
    """class, accounts: real accounts with open positions by their margin level at the newest snapshot."""
    return reader.query(
        f"""
        with classes (number, class, above, upto) as (
            values (1, 'below 50 %', -1000000, 0.5), (2, '50–80 %', 0.5, 0.8), (3, '80–100 %', 0.8, 1), (4, '100–120 %', 1, 1.2),
                (5, '120–150 %', 1.2, 1.5), (6, '150–300 %', 1.5, 3), (7, 'above', 3, 1000000000)
        ), newest as (
            select * from {ACCOUNTS}
            where {REAL} and captured_at is not null and day < $2 and ($3::varchar is null or entity = $3) and $1::date is not null
            qualify row_number() over (partition by platform, login order by captured_at desc) = 1
        )
        select class, count(margin_level) as accounts from classes left join newest on margin_level >= above and margin_level < upto
        group by number, class order by number
        """,
        scope.now,
    )


def flow(scope: Scope) -> Rows:
    """Per client: closings, share held for under a minute, share won, result, revenue; the most short-held first."""
    return Rows(
        f"""
        select client_id, any_value(entity) as entity, string_agg(distinct book, ', ' order by book) as books,
            sum(closings)::bigint as closings, sum(short_held_closings)::bigint as short_held_closings,
            round(sum(short_held_closings) / nullif(sum(closings), 0), 4) as short_held_share,
            round(sum(won_closings) / nullif(sum(closings), 0), 4) as won_share, sum(client_result_usd) as client_result_usd,
            sum(revenue_usd) as revenue_usd,
            coalesce(sum(short_held_closings) >= {FLAGGED_SHARE} * sum(closings) and sum(closings) >= {FLAGGED_CLOSINGS}, false) as is_flagged
        from {TRADES} where {IN_PERIOD} and {REAL} group by client_id having sum(closings) > 0
        order by short_held_closings desc, client_id
        """,
        tuple(scope.now),
    )


def slippage(reader: Reader, scope: Scope) -> pl.DataFrame:
    """symbol, book, orders, better_orders, worse_orders, lots, slippage_usd and its amount for a lot."""
    return reader.query(
        f"""
        select symbol, book, sum(orders)::bigint as orders, sum(better_orders)::bigint as better_orders, sum(worse_orders)::bigint as worse_orders,
            sum(lots) as lots, sum(slippage_usd) as slippage_usd, round(sum(slippage_usd) / nullif(sum(lots), 0), 4) as usd_per_lot
        from {SLIPPAGE} where {IN_PERIOD} group by all order by abs(sum(slippage_usd)) desc, orders desc, symbol
        """,
        scope.now,
    )


def rows(scope: Scope) -> Rows:
    """The rows behind the numbers of activity and profitability."""
    return Rows(
        f"select * exclude (_run_id) from {TRADES} where {IN_PERIOD} and {REAL} order by day desc, notional_usd desc, login, symbol",
        tuple(scope.now),
    )
