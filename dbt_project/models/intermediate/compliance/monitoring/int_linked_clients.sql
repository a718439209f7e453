-- Clients that share more than an address or a network, directly or over others: the clusters in which matched trading is looked for. Found as persons are.
with recursive edges as (
    select from_id, to_id from {{ ref('int_person_edges') }}
    where attribute in ('instrument', 'device', 'document', 'name_birth', 'email', 'phone')
    union
    select to_id, from_id from {{ ref('int_person_edges') }}
    where attribute in ('instrument', 'device', 'document', 'name_birth', 'email', 'phone')
),

components(id, cluster_id) using key (id) as (
    select distinct from_id, from_id from edges
    union
    select edges.to_id, min(components.cluster_id)
    from components
    inner join edges on components.id = edges.from_id
    inner join recurring.components as standing on edges.to_id = standing.id
    where components.cluster_id < standing.cluster_id
    group by edges.to_id
)

select
    id as client_id,
    cluster_id
from components
