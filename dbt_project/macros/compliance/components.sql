{#- The CTEs `edges` and `components` (id, and the group it belongs to under the name `group_id`) of the clients' edges that hold the condition.
    Each round hands the smallest id one edge further and keeps only those that became smaller, so it ends; the outcome is the same whatever the
    order in which records came. A group is called by that smallest id. Written after `with recursive`. -#}
{%- macro components(group_id, condition) -%}
edges as (
    select from_id, to_id from {{ ref('int_person_edges') }}
    where {{ condition }}
    union
    select to_id, from_id from {{ ref('int_person_edges') }}
    where {{ condition }}
),

components(id, {{ group_id }}) using key (id) as (
    select distinct from_id, from_id from edges
    union
    select edges.to_id, min(components.{{ group_id }})
    from components
    inner join edges on components.id = edges.from_id
    inner join recurring.components as standing on edges.to_id = standing.id
    where components.{{ group_id }} < standing.{{ group_id }}
    group by edges.to_id
)
{%- endmacro -%}
