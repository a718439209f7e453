select
    feed_rows.venue,
    feed_rows.trade_id,
    feed_rows.executed_at,
    feed_rows.symbol,
    feed_rows.side,
    feed_rows.volume_lots,
    feed_rows.price,
    feed_rows.profit,
    feed_rows.commission,
    feed_rows.swap,
    feed_rows.currency,
    feed_rows.position_id,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'lp_trades') }} as feed_rows
{{ latest_version('lp_trades', ['venue', 'trade_id']) }}
