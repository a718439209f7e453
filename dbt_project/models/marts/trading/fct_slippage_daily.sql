{{ config(meta={'owner': 'dealing', 'control_totals': ['slippage_usd'], 'sorted_by': ['day']}) }}

with orders as (select * from {{ ref('stg_orders') }}),

accounts as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_accounts') }}),

symbols as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_symbols') }}),

rates as (select * from {{ ref('int_fx_usd_days') }}),

filled as (
    select
        *,
        coalesce(done_at, changed_at) as filled_at
    from orders
    where state = 'filled' and requested_price > 0 and executed_price > 0
),

measured as (
    select
        filled.filled_at::date as day,
        coalesce(accounts.entity, 'unknown') as entity,
        coalesce(accounts.book, 'unknown') as book,
        filled.symbol,
        case when filled.side = 'buy' then filled.requested_price - filled.executed_price else filled.executed_price - filled.requested_price end as better_by,
        filled.volume_lots::decimal(18, 4) as lots,
        symbols.contract_size::decimal(18, 2) as contract_size,
        symbols.quote_currency
    from filled
    left join accounts
        on
            filled.platform = accounts.platform
            and filled.login = accounts.login
            and filled.filled_at >= accounts.valid_from
            and filled.filled_at < accounts.valid_to
    left join symbols
        on
            filled.platform = symbols.platform
            and filled.symbol = symbols.symbol
            and filled.filled_at >= symbols.valid_from
            and filled.filled_at < symbols.valid_to
    where
        not coalesce(accounts.is_demo, false)
        and not coalesce(accounts.is_test, false)
)

select
    measured.day,
    measured.entity,
    measured.book,
    measured.symbol,
    count(*) as orders,
    count(*) filter (where measured.better_by > 0) as better_orders,
    count(*) filter (where measured.better_by < 0) as worse_orders,
    sum(measured.lots)::decimal(38, 8) as lots,
    coalesce(sum(
        (((measured.lots * measured.contract_size)::decimal(28, 6) * measured.better_by::decimal(18, 8))::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8)
    ), 0)::decimal(38, 8) as slippage_usd,
    {{ run_id() }} as _run_id
from measured
left join rates on measured.quote_currency = rates.currency and measured.day = rates.day
group by measured.day, measured.entity, measured.book, measured.symbol
