select
    feed_rows.communication_id,
    feed_rows.client_id,
    feed_rows.channel,
    feed_rows.direction,
    feed_rows.staff_id,
    feed_rows.subject,
    feed_rows.outcome,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'communications') }} as feed_rows
{{ latest_version('communications', ['communication_id']) }}
