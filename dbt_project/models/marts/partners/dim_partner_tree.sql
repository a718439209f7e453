-- Followed link by link, each time narrowed to the time in which the whole way held, to any depth. Refused links are gone, so that it ends.
with recursive links as (select * from {{ ref('int_partner_links') }}),

partners as (
    select
        partner_id,
        changed_at as seen_at
    from {{ ref('stg_partners') }}
    union all
    select
        parent_partner_id as partner_id,
        valid_from as seen_at
    from {{ ref('stg_partner_links') }}
    where parent_partner_id is not null
    union all
    select
        child_id as partner_id,
        valid_from as seen_at
    from {{ ref('stg_partner_links') }}
    where child_kind = 'partner'
),

tree as (
    select
        partner_id,
        partner_id as ancestor_id,
        0 as level,
        min(seen_at) as valid_from,
        {{ forever() }} as valid_to
    from partners
    group by partner_id
    union all
    select
        tree.partner_id,
        links.parent_partner_id as ancestor_id,
        tree.level + 1 as level,
        greatest(tree.valid_from, links.valid_from) as valid_from,
        least(tree.valid_to, links.valid_to) as valid_to
    from tree
    inner join links
        on
            tree.ancestor_id = links.child_id
            and tree.valid_from < links.valid_to
            and tree.valid_to > links.valid_from
)

select
    partner_id::varchar as partner_id,
    ancestor_id::varchar as ancestor_id,
    level::integer as level,
    valid_from::timestamp as valid_from,
    nullif(valid_to, {{ forever() }})::timestamp as valid_to,
    {{ run_id() }} as _run_id
from tree
