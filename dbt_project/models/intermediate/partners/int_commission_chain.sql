-- Who stands above a deal: for each direct partner, in pieces of time in which nothing about its chain changes, one row a member. A client who is
-- a partner's person has chains of its own (`own_client_id`), because what it trades pays itself nothing.
with tree as (
    select
        partner_id,
        ancestor_id,
        level,
        case when level = 0 then {{ beginning() }} else valid_from end as valid_from,
        coalesce(valid_to, {{ forever() }}) as valid_to
    from {{ ref('dim_partner_tree') }}
),

partners as (
    select
        partner_id,
        changed_at as valid_from,
        coalesce(lead(changed_at) over (partition by partner_id order by changed_at), {{ forever() }}) as valid_to,
        client_id,
        status,
        rank,
        plan_id
    from {{ ref('stg_partners') }}
),

plans as (select * from {{ ref('int_commission_plans') }}),

rates as (select * from {{ ref('int_commission_rates') }}),

level_keys as (
    select distinct
        plan_id,
        level_key
    from rates
),

rank_keys as (
    select distinct
        plan_id,
        rank_key
    from rates
),

client_partners as (select * from {{ ref('int_client_partners') }}),

tracks as (
    select
        partner_id as direct_partner_id,
        '' as own_client_id
    from tree
    where level = 0
    union
    select
        partner_id as direct_partner_id,
        own_client_id
    from client_partners
    where partner_id is not null and own_client_id <> ''
),

members as (
    select distinct
        partner_id as direct_partner_id,
        ancestor_id
    from tree
),

member_plans as (
    select distinct
        members.direct_partner_id,
        partners.plan_id
    from members
    inner join partners on members.ancestor_id = partners.partner_id
),

edges as (
    select partner_id as direct_partner_id, valid_from as starts_at from tree
    union
    select partner_id as direct_partner_id, valid_to as starts_at from tree
    union
    select members.direct_partner_id, partners.valid_from as starts_at
    from members
    inner join partners on members.ancestor_id = partners.partner_id
    union
    select member_plans.direct_partner_id, plans.valid_from as starts_at
    from member_plans
    inner join plans on member_plans.plan_id = plans.plan_id
    union
    select member_plans.direct_partner_id, plans.valid_to as starts_at
    from member_plans
    inner join plans on member_plans.plan_id = plans.plan_id
),

pieces as (
    select
        direct_partner_id,
        starts_at as valid_from,
        lead(starts_at) over (partition by direct_partner_id order by starts_at) as valid_to
    from edges
),

placed as (
    select
        pieces.direct_partner_id,
        pieces.valid_from,
        pieces.valid_to,
        tree.ancestor_id as partner_id,
        tree.level,
        partners.client_id as partner_client_id,
        partners.status,
        partners.rank,
        plans.plan_id,
        plans.plan_version,
        plans.rounding_digits,
        plans.rounding_mode,
        plans.content as plan_content,
        plans.has_caps,
        plans.has_tier and plans.tier_kpi is distinct from 'net_revenue' as has_deal_tier,
        plans.not_computed_for_partner,
        plans.not_computed_for_chain,
        partners.plan_id as named_plan_id
    from pieces
    inner join tree
        on
            pieces.direct_partner_id = tree.partner_id
            and pieces.valid_from >= tree.valid_from
            and pieces.valid_from < tree.valid_to
    left join partners
        on
            tree.ancestor_id = partners.partner_id
            and pieces.valid_from >= partners.valid_from
            and pieces.valid_from < partners.valid_to
    left join plans
        on
            partners.plan_id = plans.plan_id
            and pieces.valid_from >= plans.valid_from
            and pieces.valid_from < plans.valid_to
    where pieces.valid_to is not null
),

-- the settings that rule the whole deal are the linked direct partner's, active or not
directed as (
    select
        tracks.own_client_id,
        placed.*,
        direct.plan_id as direct_plan_id,
        direct.plan_version as direct_plan_version,
        direct_plans.distribution,
        case when direct_plans.is_by_level then 'level' when direct_plans.is_by_rank then 'rank' else 'any' end as reading,
        coalesce(
            direct_plans.side <> 'close' or direct_plans.is_hedged or direct_plans.is_credit_weighed
            or direct_plans.house_cap_pct is not null or direct_plans.distribution = 'pass_up', false
        ) as is_direct_staged,
        coalesce(direct_plans.side, 'close') as side,
        coalesce(direct_plans.is_hedged, false) as is_hedged,
        coalesce(direct_plans.is_credit_weighed, false) as is_credit_weighed,
        direct_plans.house_cap_pct,
        direct_plans.currency,
        direct_plans.max_levels,
        direct_plans.is_compressed,
        direct_plans.min_hold_seconds,
        direct_plans.min_points,
        direct_plans.exclude_reasons,
        case
            when tracks.own_client_id <> '' and tracks.own_client_id = direct.partner_client_id then 'self'
            when direct.plan_id is null then 'unknown_plan'
            when direct_plans.not_computed_for_deal is not null then 'not_yet_computed'
        end as deal_reason,
        case
            when tracks.own_client_id <> '' and tracks.own_client_id = direct.partner_client_id then 'the client is its own direct partner'
            when direct.plan_id is null then 'plan of ' || direct.partner_id || ': ' || coalesce(direct.named_plan_id, 'none')
            when direct_plans.not_computed_for_deal is not null then direct.plan_id || ': ' || direct_plans.not_computed_for_deal
        end as deal_detail,
        coalesce(direct_plans.is_compressed, false) and coalesce(placed.status, 'active') <> 'active' as is_skipped
    from placed
    inner join tracks on placed.direct_partner_id = tracks.direct_partner_id
    inner join placed as direct
        on placed.direct_partner_id = direct.direct_partner_id and placed.valid_from = direct.valid_from and direct.level = 0
    left join plans as direct_plans
        on
            direct.plan_id = direct_plans.plan_id
            and placed.valid_from >= direct_plans.valid_from
            and placed.valid_from < direct_plans.valid_to
),

numbered as (
    select
        *,
        case when not is_skipped then
            count(*) filter (where not is_skipped) over (
                partition by direct_partner_id, own_client_id, valid_from
                order by level rows between unbounded preceding and current row
            )
        end as n
    from directed
    where deal_reason is distinct from 'self' or level = 0
),

reasoned as (
    select
        numbered.direct_partner_id,
        numbered.own_client_id,
        numbered.valid_from,
        numbered.valid_to,
        numbered.level as place,
        numbered.n,
        numbered.partner_id,
        numbered.plan_id,
        numbered.plan_version,
        numbered.rounding_digits,
        numbered.rounding_mode,
        numbered.plan_content,
        coalesce(numbered.has_caps, false) as has_caps,
        coalesce(numbered.has_deal_tier, false) as has_deal_tier,
        numbered.not_computed_for_chain,
        coalesce(level_keys.level_key, 0) as level_key,
        coalesce(rank_keys.rank_key, '') as rank_key,
        numbered.direct_plan_id,
        numbered.direct_plan_version,
        numbered.distribution,
        numbered.max_levels,
        numbered.reading,
        numbered.is_direct_staged,
        numbered.side,
        numbered.is_hedged,
        numbered.is_credit_weighed,
        numbered.house_cap_pct,
        numbered.currency,
        numbered.min_hold_seconds,
        numbered.min_points,
        numbered.exclude_reasons,
        numbered.deal_reason,
        case
            when numbered.deal_reason is not null then numbered.deal_reason
            when numbered.is_skipped or coalesce(numbered.status, 'active') <> 'active' then 'partner_inactive'
            when numbered.n > numbered.max_levels then 'beyond_max_levels'
            when numbered.own_client_id <> '' and numbered.own_client_id = numbered.partner_client_id then 'self'
            when numbered.plan_id is null then 'unknown_plan'
            when coalesce(numbered.not_computed_for_partner, numbered.not_computed_for_chain) is not null then 'not_yet_computed'
        end as member_reason,
        case
            when numbered.deal_reason is not null then numbered.deal_detail
            when numbered.is_skipped or coalesce(numbered.status, 'active') <> 'active' then 'status ' || numbered.status
            when numbered.n > numbered.max_levels then 'level ' || numbered.n || ', the plan pays ' || numbered.max_levels
            when numbered.own_client_id <> '' and numbered.own_client_id = numbered.partner_client_id then 'the client is this partner'
            when numbered.plan_id is null then 'plan of ' || numbered.partner_id || ': ' || coalesce(numbered.named_plan_id, 'none')
            else numbered.plan_id || ': ' || coalesce(numbered.not_computed_for_partner, numbered.not_computed_for_chain)
        end as member_detail
    from numbered
    left join level_keys on numbered.plan_id = level_keys.plan_id and numbered.n = level_keys.level_key
    left join rank_keys on numbered.plan_id = rank_keys.plan_id and numbered.rank = rank_keys.rank_key
)

select
    *,
    -- from here up nothing is known of what was paid below
    min(place) filter (where member_reason = 'not_yet_computed' and not_computed_for_chain is not null) over piece as unknown_from,
    bool_or(is_direct_staged or has_caps or has_deal_tier) over piece as is_chain_staged
from reasoned
window piece as (partition by direct_partner_id, own_client_id, valid_from)
