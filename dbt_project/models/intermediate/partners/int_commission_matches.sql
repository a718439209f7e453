{{ config(materialized='view') }}
-- The slices of the rate card (chain, profile and piece of time), and each member's rule for each scheme in them, or why it has none.
with chain as (
    select
        *,
        -- only members that count are looked up; said in the key, since a condition on one side alone keeps an outer join from hashing
        case when n is not null and deal_reason is null then plan_id end as rated_plan_id
    from {{ ref('int_commission_chain') }}
),

schemes as (select * from {{ ref('commission_schemes') }}),

all_rates as (select * from {{ ref('int_commission_rates') }}),

rates as (
    select all_rates.*
    from all_rates
    left join schemes on all_rates.scheme = schemes.scheme
    where not coalesce(schemes.is_periodic, false)
),

profiles as (select * from {{ ref('int_commission_profiles') }}),

profile_keys as (
    select distinct
        profile_id,
        symbol_key,
        group_key,
        type_key
    from profiles
),

plan_pieces as (
    select distinct
        all_rates.plan_id,
        coalesce(schemes.is_periodic, false) as is_periodic,
        all_rates.valid_from,
        all_rates.valid_to
    from all_rates
    left join schemes on all_rates.scheme = schemes.scheme
),

rule_edges as (
    select plan_id, profile_id, valid_from as starts_at from rates
    union
    select plan_id, profile_id, valid_to as starts_at from rates
    union
    -- whether a plan has periodic rules alone may change with any of its rules
    select plan_pieces.plan_id, profile_keys.profile_id, unnest([plan_pieces.valid_from, plan_pieces.valid_to]) as starts_at
    from plan_pieces
    cross join profile_keys
    where plan_pieces.plan_id in (select periodic.plan_id from plan_pieces as periodic where periodic.is_periodic)
),

edges as (
    select
        chain.direct_partner_id,
        chain.own_client_id,
        chain.valid_from as piece_from,
        chain.valid_to as piece_to,
        profile_keys.profile_id,
        chain.valid_from as starts_at
    from chain
    cross join profile_keys
    where chain.place = 0
    union
    select
        chain.direct_partner_id,
        chain.own_client_id,
        chain.valid_from as piece_from,
        chain.valid_to as piece_to,
        rule_edges.profile_id,
        rule_edges.starts_at
    from chain
    inner join rule_edges
        on chain.plan_id = rule_edges.plan_id and rule_edges.starts_at > chain.valid_from and rule_edges.starts_at < chain.valid_to
),

slices as (
    select
        row_number() over () as slice_id,
        direct_partner_id,
        own_client_id,
        piece_from,
        profile_id,
        starts_at as valid_from,
        lead(starts_at, 1, piece_to) over (
            partition by direct_partner_id, own_client_id, piece_from, profile_id order by starts_at
        ) as valid_to
    from edges
),

members as (
    select
        slices.slice_id,
        slices.profile_id,
        slices.piece_from,
        slices.valid_from,
        slices.valid_to,
        chain.direct_partner_id,
        chain.own_client_id,
        chain.place,
        chain.n,
        chain.plan_id,
        chain.rated_plan_id,
        chain.level_key,
        chain.rank_key,
        chain.reading,
        chain.distribution,
        chain.currency,
        chain.member_reason,
        -- what a partner's own plan does to its amount leaves its rate standing for those above
        chain.member_reason is null or (
            chain.member_reason = 'not_yet_computed' and chain.deal_reason is null and chain.not_computed_for_chain is null
        ) as is_rate_paid,
        chain.is_chain_staged,
        chain.deal_reason is not distinct from 'self' as is_self
    from slices
    inner join chain
        on
            slices.direct_partner_id = chain.direct_partner_id
            and slices.own_client_id = chain.own_client_id
            and slices.piece_from = chain.valid_from
),

-- under `rank` all ranks of the member's own plan, each at its rate
ladders as (
    select
        members.slice_id,
        members.place,
        rates.scheme,
        list({'rank_order': rates.rank_order, 'rate': rates.rate, 'is_conflict': rates.is_conflict} order by rates.rank_order, rates.rank_key) as ladder
    from members
    inner join rates
        on
            members.rated_plan_id = rates.plan_id
            and members.profile_id = rates.profile_id
            and members.level_key = rates.level_key
            and members.reading = rates.reading
            and members.valid_from >= rates.valid_from
            and members.valid_from < rates.valid_to
    where members.reading = 'rank'
    group by members.slice_id, members.place, rates.scheme
),

ruled as (
    select
        members.*,
        rates.* exclude (plan_id, profile_id, level_key, rank_key, reading, valid_from, valid_to, rate, currency, parameters),
        rates.rate as own_rate,
        rates.currency as rule_currency
    from members
    left join rates
        on
            members.rated_plan_id = rates.plan_id
            and members.profile_id = rates.profile_id
            and members.level_key = rates.level_key
            and members.rank_key = rates.rank_key
            and members.reading = rates.reading
            and members.valid_from >= rates.valid_from
            and members.valid_from < rates.valid_to
),

-- under `pass_up` every member meets the base of the first one, by a rule of its own or without
matched as (
    select * from ruled
    where
        rule_id is not null
        or distribution is distinct from 'pass_up'
        or n is null
        or slice_id not in (select bases.slice_id from ruled as bases where bases.n = 1 and bases.rule_id is not null and not bases.is_conflict)
    union all by name
    select
        members.*,
        bases.scheme
    from members
    inner join ruled as bases on members.slice_id = bases.slice_id and bases.n = 1 and bases.rule_id is not null and not bases.is_conflict
    left join ruled as own on members.slice_id = own.slice_id and members.place = own.place and bases.scheme = own.scheme
    where members.distribution = 'pass_up' and members.n > 1 and own.rule_id is null
),

-- plans with nothing but revenue shares and acquisitions have no zero rows
silent as (
    select
        members.slice_id,
        members.place
    from members
    inner join plan_pieces
        on
            members.plan_id = plan_pieces.plan_id
            and members.valid_from >= plan_pieces.valid_from
            and members.valid_from < plan_pieces.valid_to
    group by members.slice_id, members.place
    having bool_and(plan_pieces.is_periodic)
),

reasoned as (
    select
        matched.*,
        ladders.ladder,
        schemes.is_own_currency,
        case when schemes.is_own_currency then coalesce(matched.rule_currency, matched.currency) end as rate_currency,
        case
            when matched.member_reason is not null then matched.member_reason
            when matched.scheme is null then 'no_rule'
            when matched.is_conflict then 'rule_conflict'
            when not coalesce(schemes.is_computed, false) or matched.unread_parameter is not null then 'not_yet_computed'
        end as own_reason
    from matched
    left join schemes on matched.scheme = schemes.scheme
    left join ladders on matched.slice_id = ladders.slice_id and matched.place = ladders.place and matched.scheme = ladders.scheme
    where matched.scheme is not null or (matched.slice_id, matched.place) not in (select (silent.slice_id, silent.place) from silent)
)

select * from reasoned
