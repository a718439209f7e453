{{ config(meta={'owner': 'dealing', 'control_totals': ['lots', 'result'], 'sorted_by': ['day']}) }}

with hedges as (select * from {{ ref('stg_lp_trades') }}),

rates as (select * from {{ ref('int_fx_usd_days') }}),

sums as (
    select
        executed_at::date as day,
        venue,
        symbol,
        coalesce(currency, 'USD') as currency,
        count(*) as trades,
        sum(volume_lots) as lots,
        sum(coalesce(profit, 0)) as profit,
        sum(coalesce(commission, 0)) as commission,
        sum(coalesce(swap, 0)) as swap
    from hedges
    group by executed_at::date, venue, symbol, coalesce(currency, 'USD')
)

select
    sums.day,
    sums.venue,
    sums.symbol,
    sums.currency,
    sums.trades,
    sums.lots::decimal(38, 8) as lots,
    sums.profit::decimal(38, 8) as profit,
    sums.commission::decimal(38, 8) as commission,
    sums.swap::decimal(38, 8) as swap,
    (sums.profit + sums.commission + sums.swap)::decimal(38, 8) as result,
    rates.rate_to_usd as fx_rate_usd,
    ((sums.profit + sums.commission + sums.swap)::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) as result_usd,
    {{ run_id() }} as _run_id
from sums
left join rates on sums.currency = rates.currency and sums.day = rates.day
