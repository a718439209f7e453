-- The set of parameters of each scenario and entity over its validity. From its first own set on, an entity has its own only.
with stated as (select * from {{ ref('scenario_parameters') }}),

sets as (
    select
        scenario,
        entity,
        version,
        valid_from,
        coalesce(valid_to, timestamp '9999-12-31') as valid_to,
        map_from_entries(list((parameter, value) order by parameter)) as parameters
    from stated
    group by scenario, entity, version, valid_from, coalesce(valid_to, timestamp '9999-12-31')
),

entities as (
    select distinct entity from {{ ref('int_persons') }}
    union
    select entity from sets where entity <> 'all'
),

own_from as (
    select scenario, entity, min(valid_from) as valid_from from sets
    where entity <> 'all'
    group by scenario, entity
),

general as (
    select
        sets.scenario,
        entities.entity,
        sets.version,
        sets.valid_from,
        least(sets.valid_to, own_from.valid_from) as valid_to,
        sets.parameters
    from sets
    cross join entities
    left join own_from on sets.scenario = own_from.scenario and entities.entity = own_from.entity
    where sets.entity = 'all'
)

select * from general where valid_from < valid_to
union all
select * from sets where entity <> 'all'
