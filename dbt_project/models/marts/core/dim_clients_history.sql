{{ config(meta={'owner': 'data', 'sorted_by': ['client_id', 'valid_from']}) }}

with clients as (select * from {{ ref('int_clients') }})

select
    client_id,
    valid_from,
    valid_to,
    recorded_at,
    entity,
    client_type,
    category,
    first_name,
    last_name,
    company_name,
    birth_date,
    country_of_residence,
    nationality,
    email,
    phone,
    address,
    language,
    occupation,
    declared_income_eur,
    declared_net_worth_eur,
    expected_deposits_eur,
    registered_at,
    terms_accepted_at,
    lead_id,
    sales_agent,
    is_test,
    marketing_consent,
    {{ run_id() }} as _run_id
from clients
