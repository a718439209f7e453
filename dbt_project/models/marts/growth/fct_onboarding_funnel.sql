{{ config(meta={'owner': 'growth', 'sorted_by': ['client_id']}) }}

with firsts as (select * from {{ ref('int_client_firsts') }}),

clients as (select * from {{ ref('dim_clients') }})

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
    {{ run_id() }} as _run_id
from firsts
inner join clients on firsts.client_id = clients.client_id
