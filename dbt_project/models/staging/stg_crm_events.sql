select
    feed_rows.system,
    feed_rows.event_id,
    feed_rows.object_type,
    feed_rows.object_id,
    feed_rows.event,
    feed_rows.other_id,
    feed_rows.name,
    feed_rows.value,
    feed_rows.actor_id,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'crm_events') }} as feed_rows
{{ latest_version('crm_events', ['system', 'event_id']) }}
