{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='client_id',
    meta={'owner': 'compliance', 'sorted_by': ['client_id', 'valid_from']}
) }}

with points as (
    select *
    from {{ ref('int_kyc_status_points') }}
    {% if is_incremental() -%}
    -- a client's history is recomputed as a whole: rows are closed, never lost, so the client's key replaces them all
    where client_id in (
        {{ touched_by('kyc_events', 'client_id', ['provider', 'event_id']) }}
        union
        {{ touched_by('clients', 'client_id', ['client_id', 'changed_at']) }}
    )
    {%- endif %}
),

intervals as (
    {{ two_clock_intervals('points', ['client_id'], 'status', ['actor_id']) }}
)

select
    client_id,
    status,
    valid_from,
    valid_to,
    value_since as status_since,
    recorded_at,
    superseded_at,
    actor_id,
    event_id,
    {{ run_id() }} as _run_id
from intervals
order by client_id, valid_from
