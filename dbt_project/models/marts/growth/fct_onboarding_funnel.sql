{{ config(meta={'owner': 'growth', 'sorted_by': ['client_id']}) }}

with firsts as (select * from {{ ref('int_client_firsts') }}),

clients as (select * from {{ ref('dim_clients') }}),

accounts as (
    select
        client_id,
        min(opened_at) as first_account_at
    from {{ ref('int_accounts') }}
    where not is_demo and client_id is not null
    group by client_id
),

rates as (select * from {{ ref('int_fx_usd_days') }}),

deposits as (
    select
        payments.client_id,
        payments.occurred_at,
        (payments.amount::decimal(28, 8) * rates.rate_to_usd)::decimal(38, 8) as amount_usd,
        row_number() over (partition by payments.client_id order by payments.occurred_at) as place,
        min(payments.occurred_at) over (partition by payments.client_id) as first_at
    from {{ ref('int_payment_events') }} as payments
    left join rates on payments.currency = rates.currency and payments.occurred_at::date = rates.day
    where payments.flow = 'deposit' and payments.client_id is not null
),

first_money as (
    select
        client_id,
        max(case when place = 1 then amount_usd end) as first_deposit_usd,
        sum(case when occurred_at < first_at + interval 24 hour then amount_usd end) as first_day_deposits_usd,
        max(case when place = 2 then occurred_at end) as second_deposit_at
    from deposits
    group by client_id
)

select
    firsts.client_id,
    clients.entity,
    clients.lead_source,
    clients.partner_id,
    clients.is_test,
    firsts.lead_at,
    firsts.registered_at,
    firsts.kyc_submitted_at,
    firsts.kyc_approved_at,
    firsts.first_deposit_at,
    firsts.first_trade_at,
    {{ divide("date_diff('second', firsts.registered_at, firsts.first_deposit_at)", '3600', 4) }}::decimal(18, 4) as hours_to_fund,
    {{ divide("date_diff('second', firsts.kyc_approved_at, firsts.first_deposit_at)", '3600', 4) }}::decimal(18, 4) as hours_approved_to_fund,
    accounts.first_account_at,
    first_money.first_deposit_usd::decimal(38, 8) as first_deposit_usd,
    first_money.first_day_deposits_usd::decimal(38, 8) as first_day_deposits_usd,
    first_money.second_deposit_at,
    {{ run_id() }} as _run_id
from firsts
inner join clients on firsts.client_id = clients.client_id
left join accounts on firsts.client_id = accounts.client_id
left join first_money on firsts.client_id = first_money.client_id
