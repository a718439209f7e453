select
    feed_rows.source,
    feed_rows.feed,
    feed_rows.day,
    feed_rows.currency,
    feed_rows.scope,
    feed_rows.counted_at,
    feed_rows.row_count,
    feed_rows.amount,
    feed_rows.rows_to_come,
    feed_rows.amount_to_come,
    feed_rows.measure,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'source_totals') }} as feed_rows
{{ latest_version('source_totals', ['source', 'feed', 'day', 'currency', 'scope', 'counted_at']) }}
