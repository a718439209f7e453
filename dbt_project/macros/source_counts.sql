{#- The feeds that a source's own counts are compared with: where a row names its source and its time, what it adds to a control total (see the
    feed `source_totals`), when it is no more, and its key. -#}
{%- macro counted_feeds() -%}
    {{ return({
        'deals': {
            'source': 'platform', 'day': 'executed_at::date', 'currency': "''", 'cancelled': 'coalesce(versions.is_cancelled, false)',
            'amount': 'coalesce(versions.profit, 0) + coalesce(versions.swap, 0) + coalesce(versions.commission, 0) + coalesce(versions.fee, 0)',
            'key': ['platform', 'deal_id'],
        },
        'psp_transactions': {
            'source': 'psp', 'day': 'occurred_at::date', 'currency': 'versions.currency', 'cancelled': 'false',
            'amount': "case when versions.status = 'completed' then versions.amount else 0 end", 'net': net_of_payment(), 'key': ['psp', 'event_id'],
        },
        'bank_statement_lines': {
            'source': 'bank_account', 'day': 'booked_on', 'currency': 'versions.currency', 'cancelled': 'false',
            'amount': 'versions.amount', 'key': ['bank_account', 'statement_id', 'line_no'],
        },
        'kyc_events': {
            'source': 'provider', 'day': 'occurred_at::date', 'currency': "''", 'cancelled': 'false',
            'amount': '0', 'key': ['provider', 'event_id'],
        },
    }) }}
{%- endmacro -%}

{#- What a payment leaves to be paid out: the net that its report states, else what its amount less its fee does to the balance at
    the PSP; a payout itself nothing. -#}
{%- macro net_of_payment() -%}
    case
        when versions.status <> 'completed' or versions.kind in ('settlement', 'chargeback_lost') then 0::decimal(38, 8)
        when (versions._extra ->> '$.net_amount') is not null then try_cast(versions._extra ->> '$.net_amount' as decimal(38, 8))
        else
            if(
                versions.kind in ('deposit', 'chargeback_reversal', 'reserve_release') or (versions.kind = 'adjustment' and versions.direction = 'in'),
                versions.amount, -versions.amount
            ) - if(coalesce(versions.fee_currency, versions.currency) = versions.currency, coalesce(versions.fee_amount, 0), 0)
    end
{%- endmacro -%}

{#- Every version of a feed's rows of the days (or of the loads) in `wanted`, from when until when it held: `until` is when a later version of its
    key was learned, null while there is none; `ends_cancelled` says that the last version is a deletion. -#}
{%- macro counted_versions(feed, wanted, on) -%}
    {%- set of = counted_feeds()[feed] -%}
    {%- set key = of.key | join(', versions.') -%}
    select
        '{{ feed }}' as feed,
        versions.{{ of.source }} as source,
        versions.{{ of.day }} as day,
        {{ of.currency }} as currency,
        ({{ of.amount }})::decimal(38, 8) as amount,
        ({{ of.net or of.amount }})::decimal(38, 8) as net,
        {{ of.cancelled }} as is_cancelled,
        versions._load_id,
        versions._version,
        versions.recorded_at as since,
        later.until,
        coalesce(later.ends_cancelled, {{ of.cancelled }}) as ends_cancelled
    from {{ source('raw', feed) }} as versions
    semi join {{ wanted }} as wanted on {{ on }}
    left join (
        select
            versions._load_id,
            versions._row_number,
            versions._row_hash,
            lead(versions.recorded_at) over (
                partition by versions.{{ key }} order by versions.source_version asc nulls first, versions._load_id, versions._row_number
            ) as until,
            last_value({{ of.cancelled }}) over (
                partition by versions.{{ key }} order by versions.source_version asc nulls first, versions._load_id, versions._row_number
                rows between unbounded preceding and unbounded following
            ) as ends_cancelled
        from {{ source('raw', feed) }} as versions
        semi join (select {{ of.key | join(', ') }} from {{ source('raw', feed) }} where _version > 1) as corrected
            on {% for column in of.key -%} versions.{{ column }} = corrected.{{ column }}{{ ' and ' if not loop.last }}{%- endfor %}
        where versions._load_id <= {{ horizon_load_id() }}
    ) as later
        on versions._load_id = later._load_id and versions._row_number = later._row_number and versions._row_hash = later._row_hash
    where versions._load_id <= {{ horizon_load_id() }}
{%- endmacro -%}

{#- What the rows of `quarantine` beside a total add up to; null where one of them does not say its amount (none says its
    net), or not whether it is of the total's currency. -#}
{%- macro sum_where_all_known(total) -%}
    if(
        count(quarantine.amount) filter ({{ total }}.measure is null and (quarantine.currency <> '' or {{ total }}.currency = '')) = count(*),
        sum(quarantine.amount),
        null
    )
{%- endmacro -%}
