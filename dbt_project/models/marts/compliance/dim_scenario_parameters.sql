{{ config(meta={'owner': 'compliance'}) }}

with parameters as (select * from {{ ref('scenario_parameters') }})

select
    scenario,
    entity,
    version,
    parameter,
    value,
    valid_from,
    valid_to,
    {{ run_id() }} as _run_id
from parameters
