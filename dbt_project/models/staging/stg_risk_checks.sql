select
    feed_rows.system,
    feed_rows.check_id,
    feed_rows.subject_type,
    feed_rows.subject_id,
    feed_rows.check_name,
    feed_rows.version,
    feed_rows.result,
    feed_rows.inputs,
    feed_rows.ran_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'risk_checks') }} as feed_rows
{{ latest_version('risk_checks', ['system', 'check_id']) }}
