-- Risk ratings come from the identification's events, categories from there and from the client's own record.
with kyc_versions as (select * from {{ known_versions('kyc_events', ['provider', 'event_id']) }} where client_id is not null),

client_versions as (select * from {{ known_versions('clients', ['client_id', 'changed_at']) }})

select
    client_id,
    'risk_rating' as attribute,
    risk_rating as value,
    actor_id,
    event_id,
    provider as tie_break,
    false as is_start,
    occurred_at,
    recorded_at,
    superseded_at
from kyc_versions
where risk_rating is not null
union all
select
    client_id,
    'category' as attribute,
    category as value,
    actor_id,
    event_id,
    provider as tie_break,
    false as is_start,
    occurred_at,
    recorded_at,
    superseded_at
from kyc_versions
where category is not null
union all
select
    client_id,
    'category' as attribute,
    category as value,
    null::varchar as actor_id,
    null::varchar as event_id,
    'clients' as tie_break,
    false as is_start,
    changed_at as occurred_at,
    recorded_at,
    superseded_at
from client_versions
where category is not null
