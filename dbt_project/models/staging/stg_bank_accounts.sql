select
    feed_rows.bank_account,
    feed_rows.valid_from,
    feed_rows.entity,
    feed_rows.currency,
    feed_rows.bank,
    feed_rows.is_client_money,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'bank_accounts') }} as feed_rows
{{ latest_version('bank_accounts', ['bank_account', 'valid_from']) }}
