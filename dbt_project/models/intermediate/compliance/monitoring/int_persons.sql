-- Connected components over the edges that make one person of two records.
with recursive {{ components('person_id', "is_same_person and not starts_with(to_id, 'staff:')") }},

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
