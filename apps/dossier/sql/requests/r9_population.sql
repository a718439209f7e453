-- R9 Population: one row a client and quarter, money in US dollars at each event's own rate; result and costs as the client's balance moves.
with span as (select $from::timestamp as since, $until::timestamp as until),

rates as (
    select base_currency as currency, valid_from, rate from core.fct_fx_rates where quote_currency = 'USD'
),

trades as (
    select
        deals.client_id, date_trunc('quarter', deals.executed_at)::date as quarter, count(*) as trades,
        count(*) filter (where deals.reason = 'stop_out') as margin_close_outs,
        sum((deals.profit + deals.swap + deals.commission + deals.fee)::decimal(28, 8) * deals.fx_rate_usd)::decimal(38, 8) as net_result_usd,
        sum((deals.swap + deals.commission + deals.fee)::decimal(28, 8) * deals.fx_rate_usd)::decimal(38, 8) as costs_usd
    from trading.fct_deals as deals, span
    where
        deals.executed_at >= span.since and deals.executed_at < span.until and deals.action in ('buy', 'sell') and deals.client_id is not null
        and not coalesce(deals.is_cancelled, false) and not coalesce(deals.is_demo, false)
    group by all
),

paid_in as (
    select matches.client_id, matches.occurred_at as paid_at, matches.currency, matches.amount as deposited, 0::decimal(38, 8) as withdrawn
    from finance.rec_psp_matches as matches, span
    where matches.kind = 'deposit' and matches.status = 'completed' and matches.occurred_at >= span.since and matches.occurred_at < span.until
),

paid_out as (
    select requests.client_id, requests.paid_at, requests.currency, 0::decimal(38, 8) as deposited, requests.amount as withdrawn
    from operations.fct_withdrawals as requests, span
    where requests.paid_at >= span.since and requests.paid_at < span.until
),

money as (
    select
        moved.client_id, date_trunc('quarter', moved.paid_at)::date as quarter,
        sum(moved.deposited::decimal(28, 8) * case moved.currency when 'USD' then 1 else rates.rate end)::decimal(38, 8) as deposits_usd,
        sum(moved.withdrawn::decimal(28, 8) * case moved.currency when 'USD' then 1 else rates.rate end)::decimal(38, 8) as withdrawals_usd,
        count(*) filter (where moved.currency <> 'USD' and rates.rate is null) as payments_without_rate
    from (select * from paid_in union all select * from paid_out) as moved
    asof left join rates on moved.currency = rates.currency and moved.paid_at >= rates.valid_from
    where moved.client_id is not null
    group by all
),

tested as (
    select
        stream_id as client_id, arg_max(case when json_valid(after) then after ->> 'outcome' end, (occurred_at, version)) as appropriateness
    from compliance.fct_audit_events
    where stream = 'kyc' and event_type = 'kyc.appropriateness_recorded'
    group by all
),

accounts as (
    select client_id, max(leverage) as leverage from core.dim_accounts where not is_demo group by all
)

select
    clients.entity, coalesce(trades.client_id, money.client_id) as client_id, coalesce(trades.quarter, money.quarter) as quarter, clients.category,
    clients.country_of_residence, coalesce(money.deposits_usd, 0)::decimal(38, 8) as deposits_usd,
    coalesce(money.withdrawals_usd, 0)::decimal(38, 8) as withdrawals_usd, coalesce(money.payments_without_rate, 0) as payments_without_rate,
    coalesce(trades.net_result_usd, 0)::decimal(38, 8) as net_result_usd, coalesce(trades.costs_usd, 0)::decimal(38, 8) as costs_usd,
    coalesce(trades.trades, 0) as trades, coalesce(trades.margin_close_outs, 0) as margin_close_outs, accounts.leverage, tested.appropriateness
from trades
full outer join money on trades.client_id = money.client_id and trades.quarter = money.quarter
left join core.dim_clients as clients on clients.client_id = coalesce(trades.client_id, money.client_id)
left join tested on tested.client_id = coalesce(trades.client_id, money.client_id)
left join accounts on accounts.client_id = coalesce(trades.client_id, money.client_id)
where not coalesce(clients.is_test, false) and ($entity::varchar is null or clients.entity = $entity)
order by clients.entity, client_id, quarter
