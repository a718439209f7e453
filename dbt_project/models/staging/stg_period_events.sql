select
    feed_rows.event_id,
    feed_rows.entity,
    feed_rows.period,
    feed_rows.event,
    feed_rows.actor_id,
    feed_rows.approved_by,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'period_events') }} as feed_rows
{{ latest_version('period_events', ['event_id']) }}
