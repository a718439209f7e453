-- Connected components over the edges that make one person of two records. Each round hands the smallest id one edge further and keeps only those that
-- became smaller, so it ends; the outcome is the same whatever the order in which records came. The person is called by that smallest id.
with recursive edges as (
    select from_id, to_id from {{ ref('int_person_edges') }}
    where is_same_person and not starts_with(to_id, 'staff:')
    union
    select to_id, from_id from {{ ref('int_person_edges') }}
    where is_same_person and not starts_with(to_id, 'staff:')
),

components(id, person_id) using key (id) as (
    select distinct from_id, from_id from edges
    union
    select edges.to_id, min(components.person_id)
    from components
    inner join edges on components.id = edges.from_id
    inner join recurring.components as standing on edges.to_id = standing.id
    where components.person_id < standing.person_id
    group by edges.to_id
),

clients as (
    select client_id, entity, is_test, coalesce(registered_at, valid_from) as registered_at
    from {{ ref('int_clients') }}
    where valid_to is null
),

-- money may come before the client's own record does
known as (
    select client_id from clients
    union
    select client_id from {{ ref('int_client_attributes') }}
)

select
    known.client_id,
    coalesce(components.person_id, known.client_id) as person_id,
    coalesce(clients.entity, 'unknown') as entity,
    coalesce(clients.is_test, false) as is_test,
    clients.registered_at
from known
left join clients on known.client_id = clients.client_id
left join components on known.client_id = components.id
