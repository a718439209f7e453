select
    feed_rows.child_kind,
    feed_rows.child_id,
    feed_rows.valid_from,
    feed_rows.parent_partner_id,
    feed_rows.reason,
    feed_rows.actor_id,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'partner_links') }} as feed_rows
{{ latest_version('partner_links', ['child_kind', 'child_id', 'valid_from']) }}
