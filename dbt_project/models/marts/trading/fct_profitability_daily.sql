{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['platform', 'login', 'day', 'symbol'],
    meta={'owner': 'dealing', 'control_totals': ['lots', 'notional_usd', 'revenue_usd'], 'sorted_by': ['day', 'login']}
) }}

with deals as not materialized (select * from {{ ref('fct_deals') }} where action in ('buy', 'sell')),

-- every version, because a day that a correction emptied stays, with zeros: rows of a mart are replaced, never lost
deal_versions as not materialized (select * from {{ source('raw', 'deals') }} where action in ('buy', 'sell')),

rates as (select * from {{ ref('int_fx_usd_days') }}),

rules as (
    select seconds, valid_from, coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('flow_rules') }}
    where rule = 'short_held'
),

{% if is_incremental() -%}
corrected as (
    select distinct
        platform,
        deal_id
    from deal_versions
    where _version > 1 and {{ new_rows() }}
),

touched as (
    select
        platform,
        login,
        executed_at::date as day,
        coalesce(symbol, '') as symbol
    from deals
    where _horizon_load_id > {{ high_water() }}
    union
    select
        deal_versions.platform,
        deal_versions.login,
        deal_versions.executed_at::date as day,
        coalesce(deal_versions.symbol, '') as symbol
    from deal_versions
    inner join corrected on deal_versions.platform = corrected.platform and deal_versions.deal_id = corrected.deal_id
    where deal_versions._load_id <= {{ horizon_load_id() }}
    {%- if has_new_loads(['fx_rates']) %}
    union
    select
        known.platform,
        known.login,
        known.day,
        known.symbol
    from {{ this }} as known
    inner join rates on known.currency = rates.currency and known.day = rates.day
    where known.fx_rate_usd is distinct from rates.rate_to_usd
    {%- endif %}
),

chosen as (
    select deals.*
    from deals
    inner join touched
        on
            deals.platform = touched.platform
            and deals.login = touched.login
            and deals.executed_at::date = touched.day
            and coalesce(deals.symbol, '') = touched.symbol
    where deals.executed_at >= (select min(touched.day) from touched)
),
{%- else -%}
touched as (
    select
        platform,
        login,
        executed_at::date as day,
        coalesce(symbol, '') as symbol
    from deals
    union
    select
        platform,
        login,
        executed_at::date as day,
        coalesce(symbol, '') as symbol
    from deal_versions
    where
        _load_id <= {{ horizon_load_id() }}
        and (platform, deal_id) in (select (platform, deal_id) from deal_versions where _version > 1 and _load_id <= {{ horizon_load_id() }})
),

chosen as (select * from deals),
{%- endif %}

sums as (
    select
        chosen.platform,
        chosen.login,
        chosen.executed_at::date as day,
        coalesce(chosen.symbol, '') as symbol,
        arg_max(chosen.client_id, chosen.executed_at) as client_id,
        arg_max(chosen.entity, chosen.executed_at) as entity,
        arg_max(chosen.book, chosen.executed_at) as book,
        arg_max(chosen.currency, chosen.executed_at) as currency,
        max(chosen.symbol_group) as symbol_group,
        bool_or(chosen.is_demo) as is_demo,
        bool_or(chosen.is_test) as is_test,
        count(*) as deals,
        count(*) filter (where chosen.entry in ('out', 'inout', 'out_by')) as closings,
        count(*) filter (where chosen.holding_seconds < rules.seconds) as short_held_closings,
        count(*) filter (where chosen.entry in ('out', 'inout', 'out_by') and chosen.profit > 0) as won_closings,
        sum(chosen.volume_lots) as lots,
        sum(chosen.volume_lots) filter (where chosen.entry in ('out', 'inout', 'out_by')) as closed_lots,
        sum(chosen.notional_usd) as notional_usd,
        sum(chosen.profit) as trade_profit,
        sum(chosen.swap) as trade_swap,
        sum(chosen.commission + chosen.fee) as trade_commission,
        sum(case when chosen.book = 'A' and chosen.notional_usd < 1000000000000 then chosen.notional_usd * {{ half_spread_share('chosen.bid', 'chosen.ask') }} end) as spread_usd
    from chosen
    inner join rules on chosen.executed_at >= rules.valid_from and chosen.executed_at < rules.valid_to
    where not chosen.is_cancelled
    group by chosen.platform, chosen.login, chosen.executed_at::date, coalesce(chosen.symbol, '')
)

select
    touched.platform,
    touched.login,
    touched.day,
    touched.symbol,
    sums.client_id,
    sums.entity,
    sums.book,
    sums.currency,
    sums.symbol_group,
    coalesce(sums.is_demo, false) as is_demo,
    coalesce(sums.is_test, false) as is_test,
    coalesce(sums.deals, 0)::bigint as deals,
    coalesce(sums.closings, 0)::bigint as closings,
    coalesce(sums.short_held_closings, 0)::bigint as short_held_closings,
    coalesce(sums.won_closings, 0)::bigint as won_closings,
    coalesce(sums.lots, 0)::decimal(38, 8) as lots,
    coalesce(sums.closed_lots, 0)::decimal(38, 8) as closed_lots,
    coalesce(sums.notional_usd, 0)::decimal(38, 8) as notional_usd,
    coalesce(sums.trade_profit, 0)::decimal(38, 8) as trade_profit,
    coalesce(sums.trade_swap, 0)::decimal(38, 8) as trade_swap,
    coalesce(sums.trade_commission, 0)::decimal(38, 8) as trade_commission,
    coalesce(sums.spread_usd, 0)::decimal(38, 8) as spread_usd,
    rates.rate_to_usd as fx_rate_usd,
    coalesce(((sums.trade_profit + sums.trade_swap + sums.trade_commission)::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8), 0)
        ::decimal(38, 8) as client_result_usd,
    coalesce(case
        when sums.book = 'A' then (-(sums.trade_swap + sums.trade_commission)::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) + coalesce(sums.spread_usd, 0)
        when sums.book = 'B' then (-(sums.trade_profit + sums.trade_swap + sums.trade_commission)::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8)
    end, 0)::decimal(38, 8) as revenue_usd,
    {{ run_id() }} as _run_id
from touched
left join sums
    on
        touched.platform = sums.platform
        and touched.login = sums.login
        and touched.day = sums.day
        and touched.symbol = sums.symbol
left join rates on sums.currency = rates.currency and touched.day = rates.day
