select
    feed_rows.plan_id,
    feed_rows.rule_id,
    feed_rows.version,
    feed_rows.scheme,
    feed_rows.level,
    feed_rows.rank,
    feed_rows.symbol_group,
    feed_rows.symbol,
    feed_rows.account_type,
    feed_rows.rate,
    feed_rows.currency,
    feed_rows.parameters,
    feed_rows.valid_from,
    feed_rows.valid_to,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'commission_rules') }} as feed_rows
{{ latest_version('commission_rules', ['plan_id', 'rule_id', 'version']) }}
