select
    feed_rows.event_id,
    feed_rows.ticket_id,
    feed_rows.client_id,
    feed_rows.event,
    feed_rows.is_complaint,
    feed_rows.priority,
    feed_rows.channel,
    feed_rows.topic,
    feed_rows.actor_type,
    feed_rows.actor_id,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'tickets') }} as feed_rows
{{ latest_version('tickets', ['event_id']) }}
