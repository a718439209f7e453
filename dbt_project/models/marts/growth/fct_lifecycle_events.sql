{{ config(meta={'owner': 'growth', 'sorted_by': ['client_id', 'entered_at']}) }}

with stages as (select * from {{ ref('int_client_stages') }})

select
    client_id,
    stage,
    entered_at,
    reason,
    {{ run_id() }} as _run_id
from stages
