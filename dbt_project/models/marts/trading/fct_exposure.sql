{{ config(meta={'owner': 'dealing', 'sorted_by': ['captured_at', 'symbol']}) }}

with positions as (select * from {{ ref('stg_positions') }}),

hedges as (select * from {{ ref('stg_lp_trades') }}),

accounts as (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_accounts') }}),

symbols as (select * from {{ ref('int_symbols') }}),

rates as (select * from {{ ref('int_fx_usd') }}),

current_accounts as (select * from {{ ref('dim_accounts') }}),

held as (
    select
        positions.captured_at,
        positions.symbol,
        coalesce(accounts.entity, 'unknown') as entity,
        coalesce(accounts.book, 'unknown') as book,
        sum(case when positions.side = 'buy' then positions.volume_lots else 0 end) as long_lots,
        sum(case when positions.side = 'buy' then 0 else positions.volume_lots end) as short_lots
    from positions
    left join accounts
        on
            positions.platform = accounts.platform
            and positions.login = accounts.login
            and positions.captured_at >= accounts.valid_from
            and positions.captured_at < accounts.valid_to
    where not coalesce(accounts.is_demo, false) and not coalesce(accounts.is_test, false)
    group by positions.captured_at, positions.symbol, coalesce(accounts.entity, 'unknown'), coalesce(accounts.book, 'unknown')
),

-- a hedge is of the entity whose client's position it covers, as far as a snapshot has shown that position
hedged_accounts as (
    select
        position_id,
        arg_max(platform, captured_at) as platform,
        arg_max(login, captured_at) as login
    from positions
    group by position_id
),

hedge_days as (
    select
        hedges.symbol,
        coalesce(current_accounts.entity, 'unknown') as entity,
        hedges.executed_at,
        sum(case when hedges.side = 'buy' then hedges.volume_lots else -hedges.volume_lots end) as lots
    from hedges
    left join hedged_accounts on hedges.position_id = hedged_accounts.position_id
    left join current_accounts
        on hedged_accounts.platform = current_accounts.platform and hedged_accounts.login = current_accounts.login
    group by hedges.symbol, coalesce(current_accounts.entity, 'unknown'), hedges.executed_at
),

hedge_levels as (
    select
        symbol,
        entity,
        executed_at,
        sum(lots) over (partition by symbol, entity order by executed_at rows unbounded preceding) as lp_lots
    from hedge_days
),

snapshots as (select distinct captured_at from positions),

hedge_pairs as (select distinct symbol, entity from hedge_levels),

hedge_points as (
    select
        snapshots.captured_at,
        hedge_pairs.symbol,
        hedge_pairs.entity
    from snapshots
    cross join hedge_pairs
),

covered as (
    select
        hedge_points.captured_at,
        hedge_points.symbol,
        hedge_points.entity,
        'A' as book,
        hedge_levels.lp_lots
    from hedge_points
    asof inner join hedge_levels
        on
            hedge_points.symbol = hedge_levels.symbol
            and hedge_points.entity = hedge_levels.entity
            and hedge_points.captured_at >= hedge_levels.executed_at
    where hedge_levels.lp_lots <> 0
),

-- the price of the snapshot; where clients hold nothing of it, of the latest position or hedge before
prices as (
    select symbol, captured_at as priced_at, max(current_price) as price from positions
    group by symbol, captured_at
    union all
    select symbol, executed_at as priced_at, max(price) as price from hedges
    where (symbol, executed_at) not in (select (positions.symbol, positions.captured_at) from positions)
    group by symbol, executed_at
),

exposures as (
    select
        coalesce(held.captured_at, covered.captured_at) as captured_at,
        coalesce(held.entity, covered.entity) as entity,
        coalesce(held.book, covered.book) as book,
        coalesce(held.symbol, covered.symbol) as symbol,
        coalesce(held.long_lots, 0)::decimal(38, 8) as client_long_lots,
        coalesce(held.short_lots, 0)::decimal(38, 8) as client_short_lots,
        coalesce(covered.lp_lots, 0)::decimal(38, 8) as lp_lots
    from held
    full join covered
        on
            held.captured_at = covered.captured_at
            and held.entity = covered.entity
            and held.book = covered.book
            and held.symbol = covered.symbol
),

priced as (
    select
        exposures.*,
        prices.price
    from exposures
    asof left join prices on exposures.symbol = prices.symbol and exposures.captured_at >= prices.priced_at
),

-- platforms that quote a symbol are taken to mean the same thing by it
terms as (
    select
        symbol,
        valid_from,
        contract_size,
        asset_class,
        notional_currency
    from symbols
    qualify row_number() over (partition by symbol, valid_from order by platform) = 1
),

specified as (
    select
        priced.*,
        terms.contract_size,
        terms.notional_currency,
        case when terms.asset_class = 'fx' then 1 else priced.price end::decimal(18, 8) as unit_price
    from priced
    asof left join terms on priced.symbol = terms.symbol and priced.captured_at >= terms.valid_from
),

valued as (
    select
        specified.*,
        rates.rate_to_usd
    from specified
    asof left join rates on specified.notional_currency = rates.currency and specified.captured_at >= rates.valid_from
)

select
    entity,
    book,
    symbol,
    captured_at,
    (client_long_lots - client_short_lots)::decimal(38, 8) as client_lots,
    lp_lots,
    (client_long_lots - client_short_lots - lp_lots)::decimal(38, 8) as net_lots,
    {{ exposure_usd('client_long_lots - client_short_lots - lp_lots') }} as notional_usd,
    client_long_lots,
    client_short_lots,
    {{ exposure_usd('client_long_lots - client_short_lots') }} as client_notional_usd,
    {{ exposure_usd('lp_lots') }} as lp_notional_usd,
    rate_to_usd as fx_rate_usd,
    {{ run_id() }} as _run_id
from valued
