select
    feed_rows.partner_id,
    feed_rows.changed_at,
    feed_rows.client_id,
    feed_rows.name,
    feed_rows.entity,
    feed_rows.status,
    feed_rows.rank,
    feed_rows.plan_id,
    feed_rows.payout_currency,
    feed_rows.payout_method,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'partners') }} as feed_rows
{{ latest_version('partners', ['partner_id', 'changed_at']) }}
