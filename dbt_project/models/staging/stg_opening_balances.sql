select
    feed_rows.entity,
    feed_rows.account_code,
    feed_rows.currency,
    feed_rows.as_of,
    feed_rows.client_id,
    feed_rows.login,
    feed_rows.psp,
    feed_rows.bank_account,
    feed_rows.amount,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'opening_balances') }} as feed_rows
{{ latest_version('opening_balances', ['entity', 'account_code', 'currency', 'as_of', 'client_id', 'login', 'psp', 'bank_account']) }}
