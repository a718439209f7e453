{{ config(meta={'owner': 'compliance', 'sorted_by': ['staff_id']}) }}

with changes as (select * from {{ ref('stg_staff') }})

select
    staff_id,
    name,
    email,
    client_id,
    role,
    approval_limit_eur,
    coalesce(is_active, true) as is_active,
    changed_at as valid_from,
    recorded_at,
    {{ run_id() }} as _run_id
from changes
qualify row_number() over (partition by staff_id order by changed_at desc) = 1
