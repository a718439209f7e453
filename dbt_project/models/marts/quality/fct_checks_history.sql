-- a view, because the checks of a run are on record only once dbt has ended; every publish appends the rows of the runs since
{{ config(materialized='view', meta={'owner': 'data', 'sorted_by': ['run_id'], 'publish_mode': 'append'}) }}

with results as (select * from {{ source('control', 'check_results') }})

-- a test that one run ran in two steps counts with its last result
select
    run_id,
    check_name,
    kind,
    relation,
    status,
    severity,
    failures,
    message,
    ran_at,
    run_id as _run_id
from results
qualify row_number() over (partition by run_id, kind, check_name order by ran_at desc) = 1
