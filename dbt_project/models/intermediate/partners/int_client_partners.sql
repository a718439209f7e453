with links as (select * from {{ ref('stg_partner_links') }} where child_kind = 'client'),

persons as (select distinct client_id from {{ ref('stg_partners') }} where client_id is not null),

-- a client's time before its first link is a row too: its deals of then are listed as no_partner
changes as (
    select
        child_id as client_id,
        valid_from,
        parent_partner_id,
        _load_id
    from links
    union all
    select
        child_id as client_id,
        {{ beginning() }} as valid_from,
        null as parent_partner_id,
        0 as _load_id
    from links
    group by child_id
),

ranges as (
    select
        client_id,
        valid_from,
        coalesce(lead(valid_from) over later, {{ forever() }}) as valid_to,
        parent_partner_id as partner_id,
        first_value(parent_partner_id ignore nulls) over following as next_partner_id,
        -- the next link says how a time without a partner is listed
        greatest(_load_id, coalesce(max(_load_id) over following, 0)) as next_load_id,
        _load_id
    from changes
    window
        later as (partition by client_id order by valid_from),
        following as (partition by client_id order by valid_from rows between 1 following and unbounded following)
)

select
    ranges.client_id,
    ranges.valid_from,
    ranges.valid_to,
    ranges.partner_id,
    ranges.next_partner_id,
    coalesce(persons.client_id, '') as own_client_id,
    case when ranges.partner_id is null then ranges.next_load_id else ranges._load_id end as _load_id
from ranges
left join persons on ranges.client_id = persons.client_id
where ranges.valid_from < ranges.valid_to and (ranges.partner_id is not null or ranges.next_partner_id is not null)
