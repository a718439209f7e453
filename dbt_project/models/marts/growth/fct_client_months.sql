{{ config(meta={'owner': 'growth', 'sorted_by': ['month', 'client_id']}) }}

with clients as (select * from {{ ref('dim_clients') }} where not is_test),

rates as (select * from {{ ref('int_fx_usd_days') }}),

parts as (
    select
        client_id,
        date_trunc('month', day)::date as month,
        sum(deals) as deals,
        sum(lots) as lots,
        sum(notional_usd) as notional_usd,
        sum(revenue_usd) as revenue_usd,
        0 as commission_usd,
        0 as deposits_usd,
        0 as net_deposits_usd,
        0 as fees_usd,
        min(case when deals > 0 then day end) as first_day,
        max(case when deals > 0 then day end) as last_day
    from {{ ref('fct_profitability_daily') }}
    where not is_demo and client_id is not null
    group by client_id, date_trunc('month', day)::date
    union all
    select
        client_id,
        date_trunc('month', day)::date as month,
        0,
        0,
        0,
        0,
        sum(amount_usd),
        0,
        0,
        0,
        null,
        null
    from {{ ref('int_commission_cost_days') }}
    where client_id is not null
    group by client_id, date_trunc('month', day)::date
    union all
    select
        payments.client_id,
        date_trunc('month', payments.occurred_at)::date as month,
        0,
        0,
        0,
        0,
        0,
        sum(case when payments.flow = 'deposit' then (payments.amount::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) else 0 end),
        sum((
            case
                when payments.flow in ('deposit', 'withdrawal_returned', 'chargeback_reversal') then payments.amount
                when payments.flow in ('deposit_reversed', 'withdrawal', 'refund', 'chargeback') then -payments.amount
                else 0
            end::decimal(28, 8) * rates.rate_to_usd
        )::decimal(38, 8)),
        sum(case when payments.flow = 'fee' then (payments.amount::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) else 0 end),
        null,
        null
    from {{ ref('int_payment_events') }} as payments
    left join rates on payments.currency = rates.currency and payments.occurred_at::date = rates.day
    where payments.client_id is not null
    group by payments.client_id, date_trunc('month', payments.occurred_at)::date
),

months as (
    select
        client_id,
        month,
        sum(deals) as deals,
        sum(lots) as lots,
        sum(notional_usd) as notional_usd,
        sum(revenue_usd) as revenue_usd,
        sum(commission_usd) as commission_usd,
        sum(deposits_usd) as deposits_usd,
        sum(net_deposits_usd) as net_deposits_usd,
        sum(fees_usd) as fees_usd,
        min(first_day) as first_day,
        max(last_day) as last_day
    from parts
    group by client_id, month
),

placed as (
    select
        *,
        max(last_day) over (partition by client_id order by month rows between unbounded preceding and 1 preceding) as traded_before_on
    from months
)

select
    placed.client_id,
    placed.month,
    coalesce(clients.entity, 'unknown') as entity,
    date_trunc('month', clients.first_deposit_at)::date as cohort_month,
    date_diff('month', clients.first_deposit_at, placed.month::timestamp)::integer as month_no,
    placed.deals::bigint as deals,
    placed.lots::decimal(38, 8) as lots,
    placed.notional_usd::decimal(38, 8) as notional_usd,
    placed.revenue_usd::decimal(38, 8) as revenue_usd,
    coalesce(placed.commission_usd, 0)::decimal(38, 8) as commission_usd,
    coalesce(placed.fees_usd, 0)::decimal(38, 8) as fees_usd,
    (placed.revenue_usd - coalesce(placed.commission_usd, 0) - coalesce(placed.fees_usd, 0))::decimal(38, 8) as net_revenue_usd,
    coalesce(placed.deposits_usd, 0)::decimal(38, 8) as deposits_usd,
    coalesce(placed.net_deposits_usd, 0)::decimal(38, 8) as net_deposits_usd,
    placed.deals > 0 as is_active,
    placed.deals > 0 and placed.traded_before_on is null as is_first_active,
    coalesce(placed.deals > 0 and placed.first_day - placed.traded_before_on >= 90, false) as is_reactivated,
    {{ run_id() }} as _run_id
from placed
inner join clients on placed.client_id = clients.client_id
