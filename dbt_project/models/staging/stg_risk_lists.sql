select
    feed_rows.list_name,
    feed_rows.entry_id,
    feed_rows.valid_from,
    feed_rows.valid_to,
    -- a list that is published whole says of its entries that they hold until the publication after it
    coalesce(feed_rows.valid_to, case
        when json_extract_string(feed_rows._extra, '$.publication') is not null then min(feed_rows.valid_from) over (
            partition by feed_rows.list_name, case when feed_rows.kind in ('alias', 'address', 'remarks') then feed_rows.kind else 'entry' end
            order by feed_rows.valid_from range between interval 1 microsecond following and unbounded following
        )
    end) as holds_until,
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
