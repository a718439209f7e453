with links as (select * from {{ ref('stg_partner_links') }} where child_kind = 'partner'),

refused as (select * from {{ ref('int_refused_links') }}),

standing as (
    select links.*
    from links
    left join refused on links.child_id = refused.child_id and links.valid_from = refused.valid_from
    where refused.child_id is null
),

-- a link sent again with the same parent changes nothing
changes as (
    select *
    from standing
    qualify parent_partner_id is distinct from lag(parent_partner_id) over (partition by child_id order by valid_from)
),

ranges as (
    select
        child_id,
        parent_partner_id,
        valid_from,
        coalesce(lead(valid_from) over (partition by child_id order by valid_from), {{ forever() }}) as valid_to
    from changes
)

select * from ranges where parent_partner_id is not null
