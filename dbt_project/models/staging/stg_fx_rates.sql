select
    feed_rows.base_currency,
    feed_rows.quote_currency,
    feed_rows.quoted_at,
    feed_rows.rate,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'fx_rates') }} as feed_rows
{{ latest_version('fx_rates', ['base_currency', 'quote_currency', 'quoted_at']) }}
