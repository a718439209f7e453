-- A link that would close a cycle is as if never sent. Only partners that reach themselves over all links ever sent can be in one, which is
-- normally nobody; their links are gone through instant by instant, with who stands below whom at the moment as a map from child to parent.
with recursive links as (
    select
        child_id,
        valid_from,
        parent_partner_id,
        recorded_at
    from {{ ref('stg_partner_links') }}
    where child_kind = 'partner'
),

reach as (
    select
        child_id,
        parent_partner_id as ancestor_id
    from links
    where parent_partner_id is not null
    union
    select
        reach.child_id,
        links.parent_partner_id
    from reach
    inner join links on reach.ancestor_id = links.child_id
    where links.parent_partner_id is not null
),

-- partners that reach each other; a cycle never leaves such a ring
suspects as (
    select
        up.child_id,
        min(up.ancestor_id) as ring
    from reach as up
    inner join reach as down on up.child_id = down.ancestor_id and up.ancestor_id = down.child_id
    group by up.child_id
),

instants as (
    select
        suspects.ring,
        row_number() over (partition by suspects.ring order by links.valid_from) as instant,
        links.valid_from,
        list({'child_id': links.child_id, 'parent_id': links.parent_partner_id, 'recorded_at': links.recorded_at}) as sent
    from links
    inner join suspects on links.child_id = suspects.child_id
    group by suspects.ring, links.valid_from
),

-- one row a ring and step: an instant whose links close a cycle is taken again without the latest of those on it
walk as (
    select distinct
        ring,
        1::bigint as instant,
        map([]::varchar[], []::varchar[]) as parents,
        []::varchar[] as left_out,
        null::timestamp as refused_at,
        null::varchar as refused_child_id,
        null::varchar[] as members
    from suspects
    union all
    select
        ring,
        case when culprit is null then instant + 1 else instant end,
        case when culprit is null then tentative else parents end,
        case when culprit is null then []::varchar[] else list_append(left_out, culprit.child_id) end,
        case when culprit is not null then valid_from end,
        culprit.child_id,
        culprit.members
    from (
        select
            traced.*,
            list_extract(list_sort(
                list_transform(
                    list_filter(traced.paths, lambda path: path.members is not null and path.is_sent),
                    lambda path: {'recorded_at': path.recorded_at, 'child_id': path.child_id, 'members': path.members}
                ), 'desc'
            ), 1) as culprit
        from (
            select
                applied.*,
                list_transform(applied.sent, lambda link: {
                    'child_id': link.child_id,
                    'recorded_at': link.recorded_at,
                    'is_sent': not list_contains(applied.left_out, link.child_id),
                    'members': list_extract(list_filter(  -- noqa: LT01
                        [list_reduce(
                            list_prepend([link.child_id], list_transform(range(cardinality(applied.tentative)::bigint), lambda step: []::varchar[])),
                            lambda path, step: case
                                when applied.tentative[path[-1]] is null or list_contains(path, applied.tentative[path[-1]]) then path
                                else list_append(path, applied.tentative[path[-1]])
                            end
                        )],
                        lambda path: applied.tentative[path[-1]] = link.child_id
                    ), 1)
                }) as paths
            from (
                select
                    walk.ring,
                    walk.instant,
                    walk.parents,
                    walk.left_out,
                    instants.valid_from,
                    instants.sent,
                    map_concat(walk.parents, map_from_entries(list_transform(
                        list_filter(instants.sent, lambda link: not list_contains(walk.left_out, link.child_id)),
                        lambda link: {'k': link.child_id, 'v': link.parent_id}
                    ))) as tentative
                from walk
                inner join instants on walk.ring = instants.ring and walk.instant = instants.instant
            ) as applied
        ) as traced
    ) as judged
)

select
    walk.refused_child_id as child_id,
    walk.refused_at as valid_from,
    links.parent_partner_id,
    walk.members,
    links.recorded_at
from walk
inner join links on walk.refused_child_id = links.child_id and walk.refused_at = links.valid_from
