-- The rate card: for each chain, profile and piece of time the whole list of who is paid by which rule at which rate. All rates of a piece are
-- known, so `difference`, `rank` and `share_of_child` come down to one coefficient a line; a deal then meets its lines by equality alone.
-- Where something but the card decides (tiers, caps, hedges, other bases), the slice is staged: int_commission_staged takes it deal by deal.
with chain as (select * from {{ ref('int_commission_chain') }}),

-- materialized: its slices are numbered as it is read
reasoned as materialized (select * from {{ ref('int_commission_matches') }}),

profile_keys as (
    select distinct
        profile_id,
        symbol_key,
        group_key,
        type_key
    from {{ ref('int_commission_profiles') }}
),

-- partners whose own clients' volume is counted for a tier, whenever
counted_partners as (
    select distinct partners.partner_id
    from {{ ref('stg_partners') }} as partners
    inner join {{ ref('int_commission_plans') }} as plans on partners.plan_id = plans.plan_id
    where plans.has_tier and plans.tier_kpi <> 'net_revenue'
),

-- what stands below each member; narrow, since it is sorted
below as (
    select
        slice_id,
        place,
        scheme,
        case when distribution = 'difference' then
            coalesce(max(own_rate) filter (where is_rate_paid and own_reason is distinct from 'rule_conflict') over lower_ones, 0)
        else 0 end as paid_below,
        max(rank_order) filter (where own_reason is null) over lower_ones as rank_below,
        -- the base comes from the lowest rule of the scheme
        first_value(case when rule_id is not null and own_reason is distinct from 'rule_conflict' then place end ignore nulls) over upwards as lowest_place,
        count(*) filter (where own_reason is null) over lower_ones = n - 1 as is_unbroken,
        coalesce(bool_or(rate_currency <> currency and is_rate_paid) over everyone, false) as is_foreign_scheme
    from reasoned
    where scheme is not null
    window
        lower_ones as (partition by slice_id, scheme order by n rows between unbounded preceding and 1 preceding),
        upwards as (partition by slice_id, scheme order by n rows between unbounded preceding and current row),
        everyone as (partition by slice_id, scheme order by n rows between unbounded preceding and unbounded following)
),

-- what a child passes on of each unit of the base: nothing goes above a member that has none
child_rates as (
    select
        slice_id,
        place,
        scheme,
        list_reduce(
            list(own_rate::decimal(38, 16)) over (partition by slice_id, scheme order by n rows between unbounded preceding and 1 preceding),
            lambda child, own: (child * own::decimal(18, 8))::decimal(38, 16)
        ) as child_rate
    from reasoned
    where distribution = 'share_of_child' and scheme is not null
),

staged_slices as (
    select distinct slice_id
    from reasoned
    where
        not is_self
        and (
            is_chain_staged
            or scheme not in ('per_lot', 'pct_commission')
            -- products of more digits than a coefficient has
            or (distribution = 'share_of_child' and (own_rate <> own_rate::decimal(18, 2) or n > 6))
            or direct_partner_id in (select counted_partners.partner_id from counted_partners)
        )
),

climbed as (
    select
        reasoned.* replace (
            case when reasoned.distribution = 'share_of_child' and below.lowest_place is not null then lowest.rate_currency else reasoned.rate_currency end
            as rate_currency
        ),
        below.* exclude (slice_id, place, scheme),
        case
            when reasoned.distribution <> 'share_of_child' then null
            when reasoned.n = 1 then 1
            when below.is_unbroken then child_rates.child_rate
            else 0
        end as child_rate,
        case when below.lowest_place is not null then {
            'n': lowest.n, 'rule_id': lowest.rule_id, 'rule_version': lowest.rule_version, 'own_rate': lowest.own_rate,
            'rate_currency': lowest.rate_currency, 'lots_multiplier': lowest.lots_multiplier, 'points': lowest.points, 'pips': lowest.pips,
            'spread_at': lowest.spread_at, 'max_points': lowest.max_points
        } end as lowest,
        case
            when reasoned.distribution = 'level' then reasoned.lots_multiplier
            else coalesce(lowest.lots_multiplier, reasoned.lots_multiplier)
        end as base_multiplier,
        list_filter(reasoned.ladder, lambda rung:
            rung.rank_order <= reasoned.rank_order and (below.rank_below is null or rung.rank_order > below.rank_below)
        ) as rungs
    from reasoned
    left join below on reasoned.slice_id = below.slice_id and reasoned.place = below.place and reasoned.scheme = below.scheme
    left join reasoned as lowest
        on below.slice_id = lowest.slice_id and below.lowest_place = lowest.place and below.scheme = lowest.scheme
    left join child_rates
        on reasoned.slice_id = child_rates.slice_id and reasoned.place = child_rates.place and reasoned.scheme = child_rates.scheme
),

decided as (
    select
        climbed.* exclude (direct_partner_id, own_client_id, distribution, currency, n, place, reading, member_reason),
        chain.* exclude (valid_from, valid_to, level_key, rank_key, plan_id, is_chain_staged),
        case climbed.distribution
            when 'rank' then coalesce(list_sum(list_transform(climbed.rungs, lambda rung: rung.rate)), 0)
            when 'share_of_child' then (climbed.child_rate::decimal(38, 16) * climbed.own_rate::decimal(18, 8))::decimal(38, 16)
            else climbed.own_rate - climbed.paid_below
        end::decimal(38, 16) as coefficient,
        coalesce(climbed.rate_currency <> climbed.currency, false) or (coalesce(climbed.is_foreign_scheme, false) and climbed.distribution = 'difference') as is_foreign,
        coalesce(climbed.place > chain.unknown_from, false)
        and climbed.distribution in ('difference', 'rank', 'share_of_child', 'pass_up') as is_below_unknown
    from climbed
    inner join chain
        on
            climbed.direct_partner_id = chain.direct_partner_id
            and climbed.own_client_id = chain.own_client_id
            and climbed.piece_from = chain.valid_from
            and climbed.place = chain.place
),

worded as (
    select
        *,
        case
            when own_reason is not null then own_reason
            when is_below_unknown then 'not_yet_computed'
            when distribution = 'rank' and rank_below >= rank_order then 'rank_not_above'
            when distribution = 'rank' and len(list_filter(rungs, lambda rung: rung.is_conflict)) > 0 then 'rule_conflict'
            when distribution = 'share_of_child' and child_rate = 0 then 'no_base'
            when distribution = 'difference' and not is_foreign and own_rate <= paid_below then 'not_above_paid'
        end as card_reason,
        case
            when member_reason is not null then member_detail
            when scheme is null then coalesce(plan_id, '')
            when is_conflict then scheme || ': ' || rule_id || ' and another rule of ' || plan_id
            when unread_parameter is not null then rule_id || ': ' || unread_parameter
            when own_reason is not null then rule_id || ': scheme ' || scheme
        end as own_detail,
        (coefficient::decimal(38, 12) * case when scheme = 'per_lot' then base_multiplier else 1 end)::decimal(20, 12) as unit_rate
    from decided
),

priced as (
    select
        *,
        slice_id in (select staged_slices.slice_id from staged_slices) as is_staged,
        case
            when own_reason is not null then own_detail
            when is_below_unknown then 'the tier of a partner below'
            when card_reason = 'rank_not_above' then rule_id || ': rank ' || rank_order || ' is not above ' || rank_below
            when card_reason = 'rule_conflict' then scheme || ': two rules of a rank of ' || plan_id
            when card_reason = 'no_base' then rule_id || ': nothing came up from below'
            when card_reason = 'not_above_paid' then rule_id || ': ' || own_rate || ' is not above ' || paid_below
        end as card_detail
    from worded
)

select
    priced.slice_id,
    priced.direct_partner_id,
    priced.own_client_id,
    priced.profile_id,
    profile_keys.symbol_key,
    profile_keys.group_key,
    profile_keys.type_key,
    priced.valid_from,
    priced.valid_to,
    priced.direct_plan_id,
    priced.direct_plan_version,
    priced.distribution,
    priced.currency,
    priced.max_levels,
    priced.min_hold_seconds,
    priced.min_points,
    priced.exclude_reasons,
    priced.side,
    priced.is_hedged,
    priced.is_credit_weighed,
    priced.house_cap_pct,
    priced.deal_reason,
    priced.is_staged,
    priced.place,
    priced.n,
    priced.partner_id,
    priced.plan_id,
    priced.plan_version,
    priced.has_caps,
    priced.has_deal_tier,
    priced.scheme,
    priced.rule_id,
    priced.rule_version,
    priced.own_rate,
    priced.rate_currency,
    case when not priced.is_foreign then priced.coefficient end::decimal(28, 12) as rate,
    priced.coefficient::decimal(28, 12) as coefficient,
    -- what a lot or a unit of commission pays: a multiplier of lots is multiplied in here once instead of at every deal
    priced.unit_rate,
    case when priced.unit_rate = priced.unit_rate::decimal(18, 4) then priced.unit_rate::decimal(18, 4) end as short_unit_rate,
    priced.is_foreign,
    priced.base_multiplier::decimal(9, 4) as lots_multiplier,
    priced.lowest,
    priced.is_own_currency,
    priced.ladder,
    coalesce(list_sum(list_transform(priced.rungs, lambda rung: rung.rate)), 0)::decimal(18, 8) as rung_sum,
    coalesce(len(priced.rungs), 0) as rung_count,
    priced.is_below_unknown,
    coalesce(priced.rule_currency, priced.currency) as pass_up_currency,
    priced.pass_up,
    priced.pass_up_pct,
    priced.lots_multiplier as own_multiplier,
    priced.points,
    priced.pips,
    priced.spread_at,
    priced.max_points,
    priced.is_rate_paid,
    priced.own_reason,
    priced.own_detail,
    priced.rounding_digits,
    priced.rounding_mode,
    priced.plan_content,
    priced.card_reason as reason,
    priced.card_detail as detail
from priced
inner join profile_keys on priced.profile_id = profile_keys.profile_id
