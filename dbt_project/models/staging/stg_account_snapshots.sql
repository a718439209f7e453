select
    feed_rows.platform,
    feed_rows.login,
    feed_rows.captured_at,
    feed_rows.balance,
    feed_rows.credit,
    feed_rows.equity,
    feed_rows.margin,
    feed_rows.free_margin,
    feed_rows.margin_level,
    feed_rows.floating_pnl,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'account_snapshots') }} as feed_rows
{{ latest_version('account_snapshots', ['platform', 'login', 'captured_at']) }}
