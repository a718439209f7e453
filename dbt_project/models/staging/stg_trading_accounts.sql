select
    feed_rows.platform,
    feed_rows.login,
    feed_rows.changed_at,
    feed_rows.client_id,
    feed_rows.account_group,
    feed_rows.account_type,
    feed_rows.currency,
    feed_rows.leverage,
    feed_rows.book,
    feed_rows.entity,
    feed_rows.status,
    feed_rows.is_demo,
    feed_rows.opened_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'trading_accounts') }} as feed_rows
{{ latest_version('trading_accounts', ['platform', 'login', 'changed_at']) }}
