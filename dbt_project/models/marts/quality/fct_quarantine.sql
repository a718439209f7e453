{{ config(meta={'owner': 'data', 'sorted_by': ['load_id', 'row_number']}) }}

with quarantine as (select * from {{ source('raw', 'quarantine') }})

select
    load_id,
    feed,
    path,
    file_sha256,
    row_number,
    rules,
    row,
    recorded_at,
    status,
    replayed_as,
    {{ run_id() }} as _run_id
from quarantine
where load_id <= {{ horizon_load_id() }}
