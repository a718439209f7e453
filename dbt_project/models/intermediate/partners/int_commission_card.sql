-- The rate card: for each chain, profile and piece of time the whole list of who is paid by which rule at which rate. All rates of a piece are
-- known, so `difference` comes down to one rate a line; a deal then meets its lines by equality alone.
with chain as (
    select
        *,
        -- only members that count are looked up; said in the key, since a condition on one side alone keeps an outer join from hashing
        case when n is not null and deal_reason is null then plan_id end as rated_plan_id
    from {{ ref('int_commission_chain') }}
),

rates as (select * from {{ ref('int_commission_rates') }}),

profiles as (select * from {{ ref('int_commission_profiles') }}),

schemes as (select * from {{ ref('commission_schemes') }}),

profile_keys as (
    select distinct
        profile_id,
        symbol_key,
        group_key,
        type_key
    from profiles
),

rule_edges as (
    select plan_id, profile_id, valid_from as starts_at from rates
    union
    select plan_id, profile_id, valid_to as starts_at from rates
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
    where chain.deal_reason is null
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

matched as (
    select
        slices.slice_id,
        slices.profile_id,
        slices.valid_from,
        slices.valid_to,
        chain.* exclude (valid_from, valid_to, rated_plan_id),
        rates.scheme,
        rates.rule_id,
        rates.rule_version,
        rates.rate as own_rate,
        case when schemes.is_own_currency then coalesce(rates.currency, chain.currency) end as rate_currency,
        rates.lots_multiplier,
        case
            when chain.member_reason is not null then chain.member_reason
            when rates.rule_id is null then 'no_rule'
            when rates.is_conflict then 'rule_conflict'
            when not coalesce(schemes.is_computed, false) or rates.lots_multiplier is null then 'not_yet_computed'
        end as own_reason,
        case
            when chain.member_reason is not null then chain.member_detail
            when rates.rule_id is null then coalesce(chain.plan_id, '')
            when rates.is_conflict then rates.scheme || ': ' || rates.rule_id || ' and another rule of ' || chain.plan_id
            when rates.lots_multiplier is null then rates.rule_id || ': lots_multiplier'
            when not coalesce(schemes.is_computed, false) then rates.rule_id || ': scheme ' || rates.scheme
        end as own_detail,
        -- what a partner's own plan does to its amount leaves its rate standing for those above
        chain.member_reason is null or (
            chain.member_reason = 'not_yet_computed' and chain.deal_reason is null and chain.not_computed_for_chain is null
        ) as is_rate_paid
    from slices
    inner join chain
        on
            slices.direct_partner_id = chain.direct_partner_id
            and slices.own_client_id = chain.own_client_id
            and slices.piece_from = chain.valid_from
    left join rates
        on
            chain.rated_plan_id = rates.plan_id
            and slices.profile_id = rates.profile_id
            and chain.level_key = rates.level_key
            and chain.rank_key = rates.rank_key
            and chain.is_by_level = rates.is_by_level
            and slices.valid_from >= rates.valid_from
            and slices.valid_from < rates.valid_to
    left join schemes on rates.scheme = schemes.scheme
),

compared as (
    select
        *,
        case when distribution = 'difference' then
            coalesce(max(own_rate) filter (where is_rate_paid and own_reason is distinct from 'rule_conflict') over below, 0)
        else 0 end as paid_below,
        coalesce(bool_or(member_reason = 'not_yet_computed' and not_computed_for_chain is not null) over chain_below, false)
        and distribution = 'difference' as is_below_unknown,
        -- the base comes from the lowest rule of the scheme
        case when distribution = 'difference' then
            coalesce(first_value(case when own_reason is distinct from 'rule_conflict' then lots_multiplier end ignore nulls) over upwards, lots_multiplier)
        else lots_multiplier end as base_multiplier,
        coalesce(bool_or(rate_currency <> currency and is_rate_paid) over scheme_lines, false) as is_foreign_scheme
    from matched
    window
        below as (partition by slice_id, scheme order by n rows between unbounded preceding and 1 preceding),
        upwards as (partition by slice_id, scheme order by n rows between unbounded preceding and current row),
        chain_below as (partition by slice_id order by place groups between unbounded preceding and 1 preceding),
        scheme_lines as (partition by slice_id, scheme)
),

decided as (
    select
        *,
        coalesce(rate_currency <> currency, false) or (is_foreign_scheme and distribution = 'difference') as is_foreign,
        -- what a lot or a unit of commission pays: a multiplier of lots is multiplied in here once instead of at every deal
        ((own_rate - paid_below)::decimal(38, 8) * case when scheme = 'per_lot' then base_multiplier else 1 end)::decimal(20, 12) as unit_rate,
        case
            when own_reason is not null then own_reason
            when is_below_unknown then 'not_yet_computed'
            when distribution = 'difference' and not is_foreign_scheme and own_rate <= paid_below then 'not_above_paid'
        end as reason,
        case
            when own_reason is not null then own_detail
            when is_below_unknown then 'the tier of a partner below'
            when distribution = 'difference' and not is_foreign_scheme and own_rate <= paid_below
                then rule_id || ': ' || own_rate || ' is not above ' || paid_below
        end as detail
    from compared
)

select
    decided.slice_id,
    decided.direct_partner_id,
    decided.own_client_id,
    decided.profile_id,
    profile_keys.symbol_key,
    profile_keys.group_key,
    profile_keys.type_key,
    decided.valid_from,
    decided.valid_to,
    decided.direct_plan_id,
    decided.direct_plan_version,
    decided.distribution,
    decided.currency,
    decided.min_hold_seconds,
    decided.min_points,
    decided.exclude_reasons,
    decided.deal_reason,
    decided.place,
    decided.n,
    decided.partner_id,
    decided.plan_id,
    decided.plan_version,
    decided.scheme,
    decided.rule_id,
    decided.rule_version,
    decided.own_rate,
    decided.rate_currency,
    case when not decided.is_foreign then decided.own_rate - decided.paid_below end::decimal(18, 8) as rate,
    decided.unit_rate,
    {{ short_decimal('try_cast(decided.unit_rate as decimal(18, 8))') }} as short_unit_rate,
    decided.is_foreign,
    decided.base_multiplier::decimal(9, 4) as lots_multiplier,
    decided.rounding_digits,
    decided.rounding_mode,
    decided.reason,
    decided.detail
from decided
inner join profile_keys on decided.profile_id = profile_keys.profile_id
