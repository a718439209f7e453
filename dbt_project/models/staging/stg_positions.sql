select
    feed_rows.platform,
    feed_rows.position_id,
    feed_rows.captured_at,
    feed_rows.login,
    feed_rows.symbol,
    feed_rows.side,
    feed_rows.volume_lots,
    feed_rows.opened_at,
    feed_rows.open_price,
    feed_rows.current_price,
    feed_rows.floating_profit,
    feed_rows.swap,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'positions') }} as feed_rows
{{ latest_version('positions', ['platform', 'position_id', 'captured_at']) }}
