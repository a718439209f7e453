{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source', 'feed', 'day'],
    meta={'owner': 'data', 'sorted_by': ['day', 'source']}
) }}

{%- set feeds = counted_feeds() %}

with totals as (
    select
        source,
        feed,
        day,
        coalesce(currency, '') as currency,
        scope,
        counted_at,
        row_count as source_rows,
        amount as source_amount,
        coalesce(rows_to_come, 0) as rows_to_come,
        coalesce(amount_to_come, 0) as amount_to_come,
        measure,
        recorded_at,
        _load_id
    from {{ ref('stg_source_totals') }}
),

-- a bank's statement states what its lines add up to: closing less opening
statements as (
    select
        bank_account as source,
        'bank_statement_lines' as feed,
        closed_on as day,
        currency,
        'statement:' || statement_id as scope,
        closed_on::timestamp as counted_at,
        null::bigint as source_rows,
        (closing_balance - opening_balance)::decimal(38, 8) as source_amount,
        statement_id,
        recorded_at,
        _load_id
    from {{ ref('stg_bank_statements') }}
),

lines as (select * from {{ ref('stg_bank_statement_lines') }}),

loads as (select * from {{ source('raw', 'loads') }}),

quarantine as (
    select
        feed,
        load_id,
        path,
        recorded_at,
        coalesce(row ->> '$.platform', row ->> '$.psp', row ->> '$.bank_account', row ->> '$.provider') as source,
        row ->> '$.statement_id' as statement_id,
        coalesce(row ->> '$.currency', '') as currency,
        coalesce(
            {% for name in ['executed_at', 'occurred_at', 'booked_on', 'Time', 'TimeMsc', 'CLOSE_TIME', 'OPEN_TIME'] -%}
            try_cast(row ->> '$.{{ name }}' as timestamp){{ ', ' if not loop.last }}
            {%- endfor %}
        )::date as day,
        case
            -- a payment adds its amount once it is completed; of one with a status that there is not, nobody knows
            when feed = 'psp_transactions' and (row ->> '$.status') in ('initiated', 'pending', 'authorised', 'declined', 'failed', 'cancelled')
                then 0::decimal(38, 8)
            when feed = 'psp_transactions' and (row ->> '$.status') is distinct from 'completed' then null
            else coalesce(
            try_cast(row ->> '$.amount' as decimal(38, 8)),
            {%- for names in [['profit', 'swap', 'commission', 'fee'], ['Profit', 'Storage', 'Commission', 'Fee'], ['PROFIT', 'SWAPS', 'COMMISSION', 'TAXES']] %}
            try_cast(row ->> '$.{{ names[0] }}' as decimal(38, 8))
            {%- for name in names[1:] %} + coalesce(try_cast(row ->> '$.{{ name }}' as decimal(38, 8)), 0){% endfor %}{{ ',' if not loop.last }}
            {%- endfor %}
            )
        end as amount
    from {{ source('raw', 'quarantine') }}
    where load_id <= {{ horizon_load_id() }} and feed in ('{{ feeds | join("', '") }}')
),

touched as (
    select distinct source, feed, day from totals
    {%- if is_incremental() %} where {{ new_rows() }}{% endif %}
    union
    select distinct source, feed, day from statements
    {%- if is_incremental() %} where {{ new_rows() }}{% endif %}
    {%- if is_incremental() %}
    union
    select distinct statements.source, statements.feed, statements.day
    from statements
    inner join lines on statements.source = lines.bank_account and statements.statement_id = lines.statement_id
    where {{ new_rows('lines') }}
    union
    select distinct totals.source, totals.feed, totals.day
    from totals
    inner join quarantine on totals.feed = quarantine.feed and totals.day = quarantine.day
    where quarantine.load_id > {{ high_water() }}
    {%- for feed, of in feeds.items() %}
    union
    select distinct totals.source, totals.feed, totals.day
    from totals
    inner join {{ source('raw', feed) }} as arrived
        on totals.source = arrived.{{ of.source }} and totals.day = arrived.{{ of.day }}
    where totals.feed = '{{ feed }}' and {{ new_rows('arrived') }}
    {%- endfor %}
    {%- endif %}
),

-- of several counts of a day the newest holds
counts as (
    select totals.*
    from totals
    semi join touched using (source, feed, day)
    where totals.scope = 'day'
    qualify row_number() over (
        partition by totals.source, totals.feed, totals.day, totals.currency order by totals.counted_at desc, totals._load_id desc
    ) = 1
),

versions as (
    {%- for feed, of in feeds.items() %}
    {% if not loop.first %}union all{% endif %}
    {{ counted_versions(feed, "(select source, day from counts where feed = '" ~ feed ~ "')", 'versions.' ~ of.source ~ ' = wanted.source and versions.' ~ of.day ~ ' = wanted.day') }}
    {%- endfor %}
),

-- what was known when the source was asked, what came since, and what was found deleted since
known as (
    select
        counts.source,
        counts.feed,
        counts.day,
        counts.currency,
        count(*) filter (versions.held) as raw_rows,
        coalesce(sum(versions.amount) filter (versions.held), 0) as raw_amount,
        count(*) filter (versions.came_later) as late_rows,
        sum(versions.amount) filter (versions.came_later) as late_amount,
        count(*) filter (versions.held and versions.ends_cancelled) as deleted_rows,
        sum(versions.amount) filter (versions.held and versions.ends_cancelled) as deleted_amount
    from counts
    inner join (
        select
            versions.* replace (if(counts.measure = 'net', versions.net, versions.amount) as amount),
            counts.currency as of_currency,
            not versions.is_cancelled and versions.since <= counts.recorded_at
            and coalesce(versions.until, timestamp '9999-12-31') > counts.recorded_at as held,
            not versions.is_cancelled and versions.since > counts.recorded_at and versions._version = 1 as came_later
        from versions
        inner join counts on versions.source = counts.source and versions.feed = counts.feed and versions.day = counts.day
        where counts.currency in ('', versions.currency)
    ) as versions
        on
            counts.source = versions.source
            and counts.feed = versions.feed
            and counts.day = versions.day
            and counts.currency = versions.of_currency
    group by counts.source, counts.feed, counts.day, counts.currency
),

-- a refused row that does not say its currency may be of any
refused as (
    select
        counts.source,
        counts.feed,
        counts.day,
        counts.currency,
        count(*) as quarantined_rows,
        {{ sum_where_all_known('counts') }} as quarantined_amount
    from counts
    inner join quarantine on counts.feed = quarantine.feed and counts.day = quarantine.day
    where
        quarantine.recorded_at <= counts.recorded_at
        and coalesce(quarantine.source = counts.source, contains(quarantine.path, '/' || counts.source || '-'))
        and (counts.currency in ('', quarantine.currency) or quarantine.currency = '')
    group by counts.source, counts.feed, counts.day, counts.currency
),

by_day as (
    select
        counts.source,
        counts.feed,
        counts.day,
        counts.currency,
        counts.scope,
        counts.counted_at,
        counts.source_rows,
        counts.source_amount,
        coalesce(known.raw_rows, 0) as raw_rows,
        coalesce(known.raw_amount, 0) as raw_amount,
        coalesce(refused.quarantined_rows, 0) as quarantined_rows,
        if(refused.quarantined_rows is null, 0, refused.quarantined_amount) as quarantined_amount,
        greatest(coalesce(known.late_rows, 0), counts.rows_to_come) as late_rows,
        if(coalesce(known.late_rows, 0) >= counts.rows_to_come, coalesce(known.late_amount, 0), counts.amount_to_come) as late_amount,
        coalesce(known.deleted_rows, 0) as deleted_rows,
        coalesce(known.deleted_amount, 0) as deleted_amount,
        0 as known_before_rows
    from counts
    left join known using (source, feed, day, currency)
    left join refused using (source, feed, day, currency)
),

stated as (
    select totals.*
    from totals
    semi join touched using (source, feed, day)
    where totals.scope <> 'day'
    qualify row_number() over (
        partition by totals.source, totals.feed, totals.day, totals.currency, totals.scope
        order by totals.counted_at desc, totals._load_id desc
    ) = 1
),

loaded as (
    {%- for feed, of in feeds.items() %}
    {% if not loop.first %}union all{% endif %}
    {{ counted_versions(feed, "(select _load_id from stated where feed = '" ~ feed ~ "')", 'versions._load_id = wanted._load_id') }}
    {%- endfor %}
),

loaded_sums as (
    select
        stated._load_id,
        stated.currency,
        count(*) as raw_rows,
        sum(if(stated.measure = 'net', loaded.net, loaded.amount)) as raw_amount
    from (select distinct _load_id, currency, measure from stated) as stated
    inner join loaded on stated._load_id = loaded._load_id
    where stated.currency in ('', loaded.currency)
    group by stated._load_id, stated.currency
),

refused_sums as (
    select
        stated._load_id,
        stated.currency,
        count(*) as quarantined_rows,
        {{ sum_where_all_known('stated') }} as quarantined_amount
    from (select distinct _load_id, currency, measure from stated) as stated
    inner join quarantine on stated._load_id = quarantine.load_id
    where stated.currency in ('', quarantine.currency) or quarantine.currency = ''
    group by stated._load_id, stated.currency
),

by_file as (
    select
        stated.source,
        stated.feed,
        stated.day,
        stated.currency,
        stated.scope,
        stated.counted_at,
        stated.source_rows,
        stated.source_amount,
        coalesce(loaded_sums.raw_rows, 0) as raw_rows,
        coalesce(loaded_sums.raw_amount, 0) as raw_amount,
        coalesce(refused_sums.quarantined_rows, 0) as quarantined_rows,
        if(refused_sums.quarantined_rows is null, 0, refused_sums.quarantined_amount) as quarantined_amount,
        0 as late_rows,
        0 as late_amount,
        0 as deleted_rows,
        0 as deleted_amount,
        coalesce(loads.rows_duplicate, 0) as known_before_rows
    from stated
    left join loads on stated._load_id = loads.load_id
    left join loaded_sums on stated._load_id = loaded_sums._load_id and stated.currency = loaded_sums.currency
    left join refused_sums on stated._load_id = refused_sums._load_id and stated.currency = refused_sums.currency
),

line_sums as (
    select
        bank_account,
        statement_id,
        sum(amount) as amount
    from lines
    group by bank_account, statement_id
),

line_refusals as (
    select
        source,
        statement_id,
        count(*) as quarantined_rows,
        if(count(amount) = count(*), sum(amount), null) as quarantined_amount
    from quarantine
    where feed = 'bank_statement_lines'
    group by source, statement_id
),

by_statement as (
    select
        statements.source,
        statements.feed,
        statements.day,
        statements.currency,
        statements.scope,
        statements.counted_at,
        statements.source_rows,
        statements.source_amount,
        null::bigint as raw_rows,
        coalesce(line_sums.amount, 0) as raw_amount,
        coalesce(line_refusals.quarantined_rows, 0) as quarantined_rows,
        if(line_refusals.quarantined_rows is null, 0, line_refusals.quarantined_amount) as quarantined_amount,
        0 as late_rows,
        0 as late_amount,
        0 as deleted_rows,
        0 as deleted_amount,
        0 as known_before_rows
    from statements
    semi join touched using (source, feed, day)
    left join line_sums on statements.source = line_sums.bank_account and statements.statement_id = line_sums.statement_id
    left join line_refusals
        on statements.source = line_refusals.source and statements.statement_id = line_refusals.statement_id
),

compared as (
    select * from by_day
    union all
    select * from by_file
    union all
    select * from by_statement
),

differences as (
    select
        *,
        source_rows - raw_rows as difference_rows,
        (source_amount - raw_amount)::decimal(38, 8) as difference_amount
    from compared
),

-- no more is put down to a cause than there is a difference; where a total counts no rows, what was set aside counts
explained as (
    select
        * replace (
            case when source_rows is null then quarantined_rows else least(quarantined_rows, greatest(difference_rows, 0)) end as quarantined_rows,
            least(deleted_rows, greatest(-difference_rows, 0)) as deleted_rows
        ),
        quarantined_rows as candidates_quarantined,
        deleted_rows as candidates_deleted
    from differences
),

causes as (
    select
        * replace (
            least(late_rows, greatest(difference_rows - quarantined_rows, 0)) as late_rows,
            case
                when source_rows is null then known_before_rows
                else least(known_before_rows, greatest(difference_rows - quarantined_rows, 0))
            end as known_before_rows
        ),
        late_rows as candidates_late
    from explained
),

unexplained as (
    select
        *,
        difference_rows - quarantined_rows - coalesce(late_rows, 0) - coalesce(known_before_rows, 0) + coalesce(deleted_rows, 0) as unexplained_rows,
        -- what rows that are explained add up to is told by them, unless their amounts are not all known
        case
            when if(source_rows is null, difference_amount, difference_rows) = 0 then 0
            when known_before_rows > 0 then difference_amount
            when
                quarantined_amount is null
                or quarantined_rows not in (0, candidates_quarantined)
                or coalesce(late_rows, 0) not in (0, candidates_late)
                or coalesce(deleted_rows, 0) not in (0, candidates_deleted)
                then difference_amount
            else
                if(quarantined_rows > 0, quarantined_amount, 0) + if(coalesce(late_rows, 0) > 0, late_amount, 0)
                - if(coalesce(deleted_rows, 0) > 0, deleted_amount, 0)
        end as explained_amount
    from causes
)

select
    source,
    feed,
    day,
    scope,
    currency,
    counted_at,
    source_rows::bigint as source_rows,
    raw_rows::bigint as raw_rows,
    difference_rows::bigint as difference_rows,
    coalesce(quarantined_rows, 0)::bigint as quarantined_rows,
    coalesce(late_rows, 0)::bigint as late_rows,
    coalesce(deleted_rows, 0)::bigint as deleted_rows,
    coalesce(known_before_rows, 0)::bigint as known_before_rows,
    unexplained_rows::bigint as unexplained_rows,
    source_amount::decimal(38, 8) as source_amount,
    raw_amount::decimal(38, 8) as raw_amount,
    difference_amount,
    (difference_amount - explained_amount)::decimal(38, 8) as unexplained_amount,
    case
        when coalesce(difference_rows, 0) = 0 and coalesce(difference_amount, 0) = 0 then 'agrees'
        when coalesce(unexplained_rows, 0) = 0 and coalesce(difference_amount - explained_amount, 0) = 0 then 'explained'
        else 'differs'
    end as status,
    {{ run_id() }} as _run_id
from unexplained
