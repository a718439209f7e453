{{ config(meta={'owner': 'data', 'control_totals': ['rows_read', 'rows_loaded', 'rows_duplicate', 'rows_quarantined'], 'sorted_by': ['load_id']}) }}

with loads as (select * from {{ source('raw', 'loads') }})

select
    load_id,
    connector,
    connector_version,
    feed,
    path,
    file_sha256,
    bytes,
    rows_read,
    rows_loaded,
    rows_duplicate,
    rows_quarantined,
    recorded_at,
    recorded_at_stated,
    started_at,
    finished_at,
    status,
    reason,
    remarks,
    {{ run_id() }} as _run_id
from loads
where load_id <= {{ horizon_load_id() }}
