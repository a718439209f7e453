{{ config(meta={'owner': 'partners', 'sorted_by': ['partner_id']}) }}

with changes as (select * from {{ ref('stg_partners') }})

select
    partner_id,
    client_id,
    name,
    entity,
    status,
    rank,
    plan_id,
    payout_currency,
    payout_method,
    changed_at as valid_from,
    recorded_at,
    {{ run_id() }} as _run_id
from changes
qualify row_number() over (partition by partner_id order by changed_at desc) = 1
