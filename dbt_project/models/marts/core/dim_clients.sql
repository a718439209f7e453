{{ config(meta={'owner': 'data', 'sorted_by': ['client_id']}) }}

with clients as (select * from {{ ref('int_clients') }} where valid_to is null),

firsts as (select * from {{ ref('int_client_firsts') }}),

statuses as (select * from {{ ref('fct_kyc_status') }} where valid_to is null and superseded_at is null),

ratings as (
    select * from {{ ref('fct_client_ratings') }}
    where attribute = 'risk_rating' and valid_to is null and superseded_at is null
),

links as (
    select
        child_id as client_id,
        arg_max_null(parent_partner_id, valid_from) as partner_id
    from {{ ref('stg_partner_links') }}
    where child_kind = 'client' and valid_from <= {{ known_at() }}
    group by child_id
),

stages as (
    select
        client_id,
        arg_max(stage, (entered_at, stage_order)) as stage
    from {{ ref('int_client_stages') }}
    group by client_id
)

select
    clients.client_id,
    clients.entity,
    clients.client_type,
    clients.category,
    clients.first_name,
    clients.last_name,
    clients.company_name,
    clients.birth_date,
    clients.country_of_residence,
    clients.nationality,
    clients.email,
    clients.phone,
    clients.address,
    clients.language,
    clients.registered_at,
    clients.lead_id,
    firsts.lead_source,
    firsts.campaign,
    clients.sales_agent,
    links.partner_id,
    coalesce(statuses.status, 'NOT_STARTED') as kyc_status,
    ratings.value as risk_rating,
    firsts.first_deposit_at,
    firsts.first_trade_at,
    firsts.last_trade_at,
    stages.stage as lifecycle_stage,
    clients.is_test,
    clients.marketing_consent,
    clients.recorded_at,
    {{ run_id() }} as _run_id
from clients
left join firsts on clients.client_id = firsts.client_id
left join statuses on clients.client_id = statuses.client_id
left join ratings on clients.client_id = ratings.client_id
left join links on clients.client_id = links.client_id
left join stages on clients.client_id = stages.client_id
