select
    feed_rows.staff_id,
    feed_rows.changed_at,
    feed_rows.name,
    feed_rows.email,
    feed_rows.client_id,
    feed_rows.role,
    feed_rows.approval_limit_eur,
    feed_rows.is_active,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'staff') }} as feed_rows
{{ latest_version('staff', ['staff_id', 'changed_at']) }}
