select
    feed_rows.event_id,
    feed_rows.accrual_id,
    feed_rows.partner_id,
    feed_rows.period,
    feed_rows.event,
    feed_rows.amount,
    feed_rows.currency,
    feed_rows.reason,
    feed_rows.actor_id,
    feed_rows.occurred_at,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'commission_decisions') }} as feed_rows
{{ latest_version('commission_decisions', ['event_id']) }}
