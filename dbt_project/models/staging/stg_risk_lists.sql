select
    feed_rows.list_name,
    feed_rows.entry_id,
    feed_rows.valid_from,
    feed_rows.valid_to,
    feed_rows.kind,
    feed_rows.name,
    feed_rows.aliases,
    feed_rows.birth_date,
    feed_rows.country,
    feed_rows.attributes,
    feed_rows.source_version,
    feed_rows._extra,
    feed_rows.recorded_at,
    feed_rows._load_id,
    feed_rows._file_sha256,
    feed_rows._row_number,
    feed_rows._version
from {{ source('raw', 'risk_lists') }} as feed_rows
{{ latest_version('risk_lists', ['list_name', 'entry_id', 'valid_from']) }}
