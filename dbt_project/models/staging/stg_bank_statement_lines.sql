select
    feed_rows.bank_account,
    feed_rows.statement_id,
    feed_rows.line_no,
    feed_rows.booked_on,
    feed_rows.value_on,
    feed_rows.amount,
    feed_rows.currency,
    feed_rows.counterparty_name,
    feed_rows.counterparty_account,
    feed_rows.reference,
    feed_rows.bank_code,
    feed_rows.kind,
    feed_rows.counter_account,
    feed_rows.client_id,
    feed_rows.return_of_line,
    feed_rows.is_interim,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'bank_statement_lines') }} as feed_rows
{{ latest_version('bank_statement_lines', ['bank_account', 'statement_id', 'line_no']) }}
    -- what a notification told comes again in the statement
    and not coalesce(feed_rows.is_interim, false)
