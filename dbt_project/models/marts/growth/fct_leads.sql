{{ config(meta={'owner': 'growth', 'sorted_by': ['created_at']}) }}

with leads as (
    select
        lead_id,
        min(created_at) as created_at,
        arg_max(source, changed_at) as source,
        arg_max(campaign, changed_at) as campaign,
        arg_max(partner_id, changed_at) as partner_id,
        arg_max(country, changed_at) as country,
        arg_max(status, changed_at) as status
    from {{ ref('stg_leads') }}
    group by lead_id
),

clients as (select * from {{ ref('dim_clients') }} where lead_id is not null),

-- a lead became the client who names it; of several the first
taken as (
    select *
    from clients
    qualify row_number() over (partition by lead_id order by registered_at, client_id) = 1
),

firsts as (select * from {{ ref('int_client_firsts') }})

select
    leads.lead_id,
    leads.created_at,
    leads.source,
    leads.campaign,
    leads.partner_id,
    leads.country,
    leads.status,
    taken.client_id,
    coalesce(taken.entity, 'unknown') as entity,
    coalesce(taken.is_test, false) as is_test,
    firsts.registered_at,
    firsts.kyc_submitted_at,
    firsts.kyc_approved_at,
    firsts.first_deposit_at,
    firsts.first_trade_at,
    {{ run_id() }} as _run_id
from leads
left join taken on leads.lead_id = taken.lead_id
left join firsts on taken.client_id = firsts.client_id
