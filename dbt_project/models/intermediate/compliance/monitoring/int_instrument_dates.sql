-- When a person's instrument was added: by the `instrument_added` of a session, and only where there is none by its first use.
with attributes as (
    select attributes.*, persons.person_id
    from {{ ref('int_client_attributes') }} as attributes
    inner join {{ ref('int_persons') }} as persons on attributes.client_id = persons.client_id
    where attributes.attribute = 'instrument'
),

added as (
    select
        persons.person_id,
        sessions.instrument_id,
        min(sessions.occurred_at) as added_at,
        arg_min('client_sessions:' || sessions.session_id, sessions.occurred_at) as row_key
    from {{ ref('stg_client_sessions') }} as sessions
    inner join {{ ref('int_persons') }} as persons on sessions.client_id = persons.client_id
    where sessions.event = 'instrument_added' and sessions.instrument_id is not null
    group by persons.person_id, sessions.instrument_id
),

first_used as (
    select person_id, value as instrument_id, min(first_seen_at) as used_at, arg_min(row_key, first_seen_at) as row_key
    from attributes
    group by person_id, value
)

select
    first_used.person_id,
    first_used.instrument_id,
    coalesce(added.added_at, first_used.used_at) as dated_at,
    added.added_at is not null as is_added,
    coalesce(added.row_key, first_used.row_key) as row_key
from first_used
left join added on first_used.person_id = added.person_id and first_used.instrument_id = added.instrument_id
