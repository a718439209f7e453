select
    feed_rows.plan_id,
    feed_rows.version,
    feed_rows.name,
    feed_rows.distribution,
    feed_rows.currency,
    feed_rows.settings,
    feed_rows.valid_from,
    feed_rows.valid_to,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'commission_plans') }} as feed_rows
{{ latest_version('commission_plans', ['plan_id', 'version']) }}
