select
    feed_rows.bank_account,
    feed_rows.statement_id,
    feed_rows.opened_on,
    feed_rows.closed_on,
    feed_rows.currency,
    feed_rows.opening_balance,
    feed_rows.closing_balance,
    feed_rows.is_client_money,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'bank_statements') }} as feed_rows
{{ latest_version('bank_statements', ['bank_account', 'statement_id']) }}
