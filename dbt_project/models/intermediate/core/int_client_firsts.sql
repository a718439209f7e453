with clients as (select * from {{ ref('int_clients') }} where valid_to is null),

leads as (
    select
        lead_id,
        min(created_at) as lead_at,
        arg_max(source, changed_at) as lead_source,
        arg_max(campaign, changed_at) as campaign
    from {{ ref('stg_leads') }}
    group by lead_id
),

statuses as (
    select
        client_id,
        min(valid_from) filter (where status = 'SUBMITTED') as kyc_submitted_at,
        min(valid_from) filter (where status = 'APPROVED') as kyc_approved_at
    from {{ ref('fct_kyc_status') }}
    where superseded_at is null
    group by client_id
),

deposits as (
    select
        client_id,
        min(occurred_at) as first_deposit_at
    from {{ ref('int_payment_events') }}
    where flow = 'deposit' and client_id is not null
    group by client_id
),

trades as (
    select
        client_id,
        min(first_trade_at) as first_trade_at,
        max(last_trade_at) as last_trade_at
    from {{ ref('fct_account_daily') }}
    where deals > 0 and not is_demo and client_id is not null
    group by client_id
)

select
    clients.client_id,
    leads.lead_at,
    leads.lead_source,
    leads.campaign,
    clients.registered_at,
    statuses.kyc_submitted_at,
    statuses.kyc_approved_at,
    deposits.first_deposit_at,
    trades.first_trade_at,
    trades.last_trade_at
from clients
left join leads on clients.lead_id = leads.lead_id
left join statuses on clients.client_id = statuses.client_id
left join deposits on clients.client_id = deposits.client_id
left join trades on clients.client_id = trades.client_id
