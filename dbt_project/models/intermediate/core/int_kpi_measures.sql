-- What is added up into the daily key figures, one row per day, entity and figure; ratios come after.
with accounts as (
    select * replace (coalesce(entity, 'unknown') as entity) from {{ ref('fct_account_daily') }}
    where not is_demo and not is_test
),

payments as (select * from {{ ref('fct_payments_daily') }}),

firsts as (select * from {{ ref('int_client_firsts') }}),

kyc as (select * from {{ ref('fct_kyc_status') }} where superseded_at is null),

tickets as (select * from {{ ref('fct_tickets') }}),

costs as (select * from {{ ref('int_commission_cost_days') }}),

clients as (select * from {{ ref('int_ledger_clients') }}),

rates as (select * from {{ ref('int_fx_usd_days') }}),

trading_sums as (
    select
        day,
        entity,
        book,
        currency,
        sum(deals)::decimal(38, 8) as trades,
        sum(lots) as lots,
        sum(notional_usd) as volume_usd,
        sum(spread_usd) as spread_usd,
        sum(trade_profit) as trade_profit,
        sum(trade_swap) as trade_swap,
        sum(trade_commission) as trade_commission
    from accounts
    group by day, entity, book, currency
),

trading as (
    select
        trading_sums.day,
        trading_sums.entity,
        trading_sums.book,
        trading_sums.trades,
        trading_sums.lots,
        trading_sums.volume_usd,
        trading_sums.spread_usd,
        (-trading_sums.trade_profit * rates.rate_to_usd)::decimal(38, 8) as result_usd,
        (-trading_sums.trade_swap * rates.rate_to_usd)::decimal(38, 8) as swap_usd,
        (-trading_sums.trade_commission * rates.rate_to_usd)::decimal(38, 8) as commission_usd
    from trading_sums
    left join rates on trading_sums.currency = rates.currency and trading_sums.day = rates.day
),

flows as (
    select
        day,
        entity,
        (deposits * fx_rate_usd)::decimal(38, 8) as deposits,
        (withdrawals * fx_rate_usd)::decimal(38, 8) as withdrawals,
        (net * fx_rate_usd)::decimal(38, 8) as net
    from payments
),

-- an event of a client, with the entity the client had then
client_events as (
    select client_id, registered_at as occurred_at, 'new_clients' as kpi, 1 as amount from firsts where registered_at is not null
    union all
    select client_id, first_deposit_at as occurred_at, 'first_deposits' as kpi, 1 as amount from firsts where first_deposit_at is not null
    union all
    select client_id, valid_from as occurred_at, 'kyc_approved' as kpi, 1 as amount from kyc where status = 'APPROVED' and status_since = valid_from
    union all
    select client_id, valid_from as occurred_at, 'kyc_decided' as kpi, 1 as amount from kyc
    where status in ('APPROVED', 'REJECTED') and status_since = valid_from
    union all
    select client_id, opened_at as occurred_at, 'tickets_opened' as kpi, 1 as amount from tickets
    union all
    select client_id, day::timestamp as occurred_at, 'commission_cost' as kpi, coalesce(amount_usd, 0) as amount from costs
),

measures as (
    select day, entity, 'trades' as kpi, trades as value from trading
    union all
    select day, entity, 'lots' as kpi, lots as value from trading
    union all
    select day, entity, 'volume_usd' as kpi, volume_usd as value from trading
    union all
    select day, entity, 'book_' || lower(book) || '_volume_usd' as kpi, volume_usd as value from trading where book in ('A', 'B')
    union all
    select day, entity, 'revenue_spread_a' as kpi, spread_usd as value from trading where book = 'A'
    union all
    select day, entity, 'revenue_trading_result_b' as kpi, result_usd as value from trading where book = 'B'
    union all
    select day, entity, 'revenue_commission_' || lower(book) as kpi, commission_usd as value from trading where book in ('A', 'B')
    union all
    select day, entity, 'revenue_swap_' || lower(book) as kpi, swap_usd as value from trading where book in ('A', 'B')
    union all
    select day, entity, 'active_clients' as kpi, count(distinct client_id)::decimal(38, 8) as value from accounts
    where deals > 0
    group by day, entity
    union all
    select day, entity, 'deposits' as kpi, deposits as value from flows
    union all
    select day, entity, 'withdrawals' as kpi, withdrawals as value from flows
    union all
    select day, entity, 'net_deposits' as kpi, net as value from flows
    union all
    select
        client_events.occurred_at::date as day,
        coalesce(clients.entity, 'unknown') as entity,
        client_events.kpi,
        client_events.amount::decimal(38, 8) as value
    from client_events
    left join clients
        on
            client_events.client_id = clients.client_id
            and client_events.occurred_at >= clients.valid_from
            and client_events.occurred_at < clients.valid_to
    where not coalesce(clients.is_test, false)
)

select
    day,
    entity,
    kpi,
    sum(value)::decimal(38, 8) as value
from measures
where value is not null
group by day, entity, kpi
union all
select
    day,
    entity,
    'revenue' as kpi,
    sum(value)::decimal(38, 8) as value
from measures
where starts_with(kpi, 'revenue_') and value is not null
group by day, entity
