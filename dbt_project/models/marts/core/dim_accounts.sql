{{ config(meta={'owner': 'dealing', 'sorted_by': ['client_id', 'login']}) }}

with accounts as (select * from {{ ref('int_accounts') }} where valid_to is null)

select
    platform,
    login,
    client_id,
    entity,
    account_group,
    account_type,
    currency,
    leverage,
    book,
    status,
    is_demo,
    is_test,
    opened_at,
    valid_from,
    recorded_at,
    {{ run_id() }} as _run_id
from accounts
