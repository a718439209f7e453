{{ config(meta={'owner': 'compliance', 'sorted_by': ['from_id']}) }}

with edges as (select * from {{ ref('int_person_edges') }}),

persons as (select * from {{ ref('int_persons') }})

select
    edges.attribute,
    edges.value_hash,
    edges.from_id,
    edges.to_id,
    coalesce(from_persons.person_id, edges.from_id) as from_person_id,
    coalesce(to_persons.person_id, edges.to_id) as to_person_id,
    edges.is_same_person,
    edges.since,
    edges.evidence,
    edges.recorded_at,
    {{ run_id() }} as _run_id
from edges
left join persons as from_persons on edges.from_id = from_persons.client_id
left join persons as to_persons on edges.to_id = to_persons.client_id
order by edges.from_id, edges.to_id
