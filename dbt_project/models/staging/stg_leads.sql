select
    feed_rows.lead_id,
    feed_rows.changed_at,
    feed_rows.created_at,
    feed_rows.source,
    feed_rows.campaign,
    feed_rows.partner_id,
    feed_rows.country,
    feed_rows.status,
    feed_rows.client_id,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'leads') }} as feed_rows
{{ latest_version('leads', ['lead_id', 'changed_at']) }}
