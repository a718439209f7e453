select
    feed_rows.session_id,
    feed_rows.client_id,
    feed_rows.event,
    feed_rows.instrument_id,
    feed_rows.ip,
    feed_rows.ip_country,
    feed_rows.ip_asn,
    feed_rows.device_id,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'client_sessions') }} as feed_rows
{{ latest_version('client_sessions', ['session_id']) }}
