-- What was ever known of a client's status: each version of each change of status, and the registration it starts from.
with kyc_versions as (select * from {{ known_versions('kyc_events', ['provider', 'event_id']) }}),

client_versions as (select * from {{ known_versions('clients', ['client_id', 'changed_at']) }}),

client_moments as (
    select client_id, recorded_at as known_from from client_versions
    union
    select client_id, superseded_at as known_from from client_versions where superseded_at is not null
),

-- as each moment knew it: the newest row that states it; where none does, the first we hear of the client
registrations_known as (
    select
        client_moments.client_id,
        client_moments.known_from,
        coalesce(
            arg_max(client_versions.registered_at, client_versions.changed_at), min(client_versions.changed_at)
        ) as registered_at
    from client_moments
    inner join client_versions
        on
            client_moments.client_id = client_versions.client_id
            and client_moments.known_from >= client_versions.recorded_at
            and (client_versions.superseded_at is null or client_moments.known_from < client_versions.superseded_at)
    group by client_moments.client_id, client_moments.known_from
),

registrations as (
    select *
    from registrations_known
    qualify registered_at is distinct from lag(registered_at) over (partition by client_id order by known_from)
)

select
    client_id,
    to_status as status,
    actor_id,
    event_id,
    provider as tie_break,
    false as is_start,
    occurred_at,
    recorded_at,
    superseded_at
from kyc_versions
where event = 'status_changed' and to_status is not null and client_id is not null
union all
select
    client_id,
    'NOT_STARTED' as status,
    null as actor_id,
    null as event_id,
    null as tie_break,
    true as is_start,
    registered_at as occurred_at,
    known_from as recorded_at,
    lead(known_from) over (partition by client_id order by known_from) as superseded_at
from registrations
