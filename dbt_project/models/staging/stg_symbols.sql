select
    feed_rows.platform,
    feed_rows.symbol,
    feed_rows.valid_from,
    feed_rows.symbol_group,
    feed_rows.asset_class,
    feed_rows.contract_size,
    feed_rows.base_currency,
    feed_rows.quote_currency,
    feed_rows.pip_size,
    feed_rows.digits,
    feed_rows.swap_free,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'symbols') }} as feed_rows
{{ latest_version('symbols', ['platform', 'symbol', 'valid_from']) }}
