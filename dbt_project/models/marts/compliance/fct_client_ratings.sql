{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='client_id',
    meta={'owner': 'compliance', 'sorted_by': ['client_id', 'valid_from']}
) }}

with points as (
    select *
    from {{ ref('int_client_rating_points') }}
    {% if is_incremental() -%}
    where client_id in (
        {{ touched_by('kyc_events', 'client_id', ['provider', 'event_id']) }}
        union
        {{ touched_by('clients', 'client_id', ['client_id', 'changed_at']) }}
    )
    {%- endif %}
),

intervals as (
    {{ two_clock_intervals('points', ['client_id', 'attribute'], 'value', ['actor_id']) }}
)

select
    client_id,
    attribute,
    value,
    valid_from,
    valid_to,
    recorded_at,
    superseded_at,
    actor_id,
    event_id,
    {{ run_id() }} as _run_id
from intervals
order by client_id, valid_from
