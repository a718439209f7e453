{{ config(meta={'owner': 'support', 'sorted_by': ['client_id', 'occurred_at']}) }}

with communications as (select * from {{ ref('stg_communications') }})

select
    communication_id,
    client_id,
    occurred_at,
    channel,
    direction,
    staff_id,
    subject,
    outcome,
    recorded_at,
    {{ run_id() }} as _run_id
from communications
