{#- Every version of every event, or record, of the clients in the CTE `touched`, with the span in which it was known. -#}
{%- macro kyc_versions(feed, key) -%}
    select versions.*
    from {{ known_versions(feed, key) }} as versions
    where versions.client_id in (select touched.client_id from touched)
{%- endmacro -%}

{#- What was known of a client's file, moment by moment: the CTEs `spans` (client, moment_no, known_from, known_to: nothing new was learned within)
    and `known` (the events as each span knew them). Written after a CTE `events`. `also`: more CTEs with client_id, recorded_at and superseded_at,
    whose learning begins a span too. -#}
{%- macro kyc_known(also=[]) -%}
moments as (
    {% for relation in ['events'] + also -%}
    select client_id, recorded_at as known_from from {{ relation }}
    union
    select client_id, superseded_at as known_from from {{ relation }} where superseded_at is not null
    {%- if not loop.last %}
    union
    {% endif -%}
    {%- endfor %}
),

spans as (
    select
        client_id,
        known_from,
        lead(known_from) over (partition by client_id order by known_from) as known_to,
        row_number() over (partition by client_id order by known_from) as moment_no
    from moments
),

known as (
    select
        spans.moment_no,
        spans.known_from,
        spans.known_to,
        events.*
    from spans
    inner join events
        on
            spans.client_id = events.client_id
            and spans.known_from >= events.recorded_at
            and spans.known_from < coalesce(events.superseded_at, timestamp '9999-12-31')
)
{%- endmacro -%}

{#- The end of a model of findings, after a CTE `findings`: those of neighbouring spans that say the same become one row with the span in which they
    held: recorded_at and superseded_at (null: still). A client of `touched` without any keeps one empty row. -#}
{%- macro kyc_findings_held() -%}
{%- set said = ['client_id', 'rule', 'provider', 'event_id', 'from_status', 'to_status', 'claimed_from_status', 'actor_id', 'occurred_at', 'due_at', 'detail'] -%}
held as (
    select
        {{ said | join(', ') }},
        min(known_from) as recorded_at,
        case when count(known_to) = count(*) then max(known_to) end as superseded_at
    from (
        select
            *,
            moment_no - row_number() over (partition by {{ said | join(', ') }} order by moment_no) as island
        from findings
    )
    group by {{ said | join(', ') }}, island
)

select
    touched.client_id,
    held.* exclude (client_id)
from touched
left join held on touched.client_id = held.client_id
{%- endmacro -%}
