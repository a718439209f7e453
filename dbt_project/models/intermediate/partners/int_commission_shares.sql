-- What each member of the chain of a staged deal would get of each scheme, at full width in the direct plan's currency, before credit, caps and
-- rounding: base × rate, shared as the distribution says. Where nothing is to be had, `reason` says why.
with parts as (select * from {{ ref('int_commission_parts') }} where is_paying and reason is null),

card as (select * from {{ ref('int_commission_card') }}),

plans as (
    select distinct
        plan_id,
        plan_version,
        tier_scheme,
        tier_level
    from {{ ref('int_commission_plans') }}
),

tiers as (select * from {{ ref('int_commission_tiers') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

joined as (
    select
        parts.*,
        card.* exclude (
            slice_id, direct_partner_id, own_client_id, profile_id, symbol_key, group_key, type_key, valid_from, valid_to, min_hold_seconds, min_points,
            exclude_reasons, side, is_hedged, is_credit_weighed, house_cap_pct, deal_reason, is_staged, rate, coefficient, unit_rate, short_unit_rate,
            is_foreign, reason, detail, rule_id, rule_version
        ),
        card.reason as card_reason,
        card.detail as card_detail,
        coalesce(card.rule_id, card.lowest.rule_id) as rule_id,
        coalesce(card.rule_version, card.lowest.rule_version) as rule_version,
        card.rule_id is not null as has_rule,
        -- the base is the lowest rule's, under `level` one's own
        case when card.distribution = 'level' then {
            'lots_multiplier': card.own_multiplier, 'points': card.points, 'pips': card.pips, 'spread_at': card.spread_at, 'max_points': card.max_points
        } else {
            'lots_multiplier': card.lowest.lots_multiplier, 'points': card.lowest.points, 'pips': card.lowest.pips,
            'spread_at': card.lowest.spread_at, 'max_points': card.lowest.max_points
        } end as base,
        case
            when card.scheme in ('per_lot', 'per_million') then
                case when card.distribution in ('share_of_child', 'pass_up') then card.lowest.rate_currency else card.rate_currency end
            when card.scheme in ('pct_commission', 'pct_profit') then parts.account_currency
            else parts.quote_currency
        end as base_currency,
        card.scheme in ('per_lot', 'per_million') as is_money_rate,
        tiers.tier_from,
        -- the tier replaces the rate, of `rank` that of each rung
        coalesce(tiers.weight, 1) as weight,
        coalesce(tiers.own_weight, 1) as own_weight,
        coalesce(tiers.step_weight, 0) as step_weight,
        case when card.distribution = 'rank' then card.rung_sum else coalesce(card.own_rate, card.lowest.own_rate) end as plain_rate,
        case when card.distribution = 'rank' then card.rung_count else 1 end as rungs
    from parts
    inner join card on parts.slice_id = card.slice_id and card.scheme is not null
    left join plans on card.plan_id = plans.plan_id and card.plan_version = plans.plan_version and card.has_deal_tier
        and coalesce(plans.tier_scheme, card.scheme) = card.scheme and coalesce(plans.tier_level, card.n) = card.n
    left join tiers
        on
            parts.platform = tiers.platform
            and parts.deal_id = tiers.deal_id
            and card.partner_id = tiers.partner_id
            and plans.plan_id = tiers.plan_id
            and plans.plan_version = tiers.plan_version
),

wanted_pairs as (
    select distinct platform, deal_id, executed_at, base_currency as from_currency, plan_currency as to_currency from joined
    where base_currency <> plan_currency
    union
    select distinct platform, deal_id, executed_at, rate_currency as from_currency, plan_currency as to_currency from joined
    where rate_currency <> plan_currency
    union
    select distinct platform, deal_id, executed_at, pass_up_currency as from_currency, plan_currency as to_currency from joined
    where pass_up is not null and pass_up_currency <> plan_currency
),

pairs as (
    select
        wanted_pairs.*,
        fx.rate,
        fx.rate_path
    from wanted_pairs
    asof inner join fx
        on
            wanted_pairs.from_currency = fx.from_currency
            and wanted_pairs.to_currency = fx.to_currency
            and wanted_pairs.executed_at >= fx.valid_from
),

-- the openings' spreads weighted by lots, each cut at max_points first
widths as (
    select
        *,
        case when opened_spreads is not null and len(list_filter(opened_spreads, lambda one: one.spread is null)) = 0 then
            list_sum(list_transform(opened_spreads, lambda one:
                (one.lots * least(one.spread, coalesce((base.max_points * ('1e-' || digits)::decimal(20, 8))::decimal(18, 8), one.spread))::decimal(20, 8))
                ::decimal(38, 10)
            ))
        end::decimal(38, 10) as opened_spread_lots,
        case when spread is not null then
            least(spread, coalesce((base.max_points * ('1e-' || digits)::decimal(20, 8))::decimal(18, 8), spread)) * contract_size::decimal(20, 4)
        end::decimal(28, 12) as paid_width,
        case when side = 'close' then base.spread_at else 'close' end as spread_at_side,
        case when plan_side = 'both' then 0.5 else 1 end::decimal(2, 1) as half,
        case when weight = 1 then (plain_rate * own_weight::decimal(18, 8) + rungs * step_weight::decimal(28, 12))::decimal(38, 16) else
            (
                (
                    {{ as_whole('(plain_rate * own_weight::decimal(28, 8) + rungs * step_weight)::decimal(38, 12)', 12) }} * 1000000000000::hugeint
                    + {{ as_whole('weight', 8) }} - 1
                ) // {{ as_whole('weight', 8) }}
            )::decimal(38, 0) * 0.0000000000000001::decimal(16, 16)
        end::decimal(38, 16) as own_eff
    from joined
),

opened as (
    select
        *,
        (paid_width * paid_lots)::decimal(38, 16) as own_width,
        {{ scaled('(opened_spread_lots * contract_size::decimal(18, 4))::decimal(38, 20)', 'paid_lots::decimal(38, 20)', 'opened_lots::decimal(38, 20)') }}
        ::decimal(38, 16) as opened_width
    from widths
),

based as (
    select
        opened.*,
        -- cast each: of two wide decimals the common type would have the fewer digits
        case
            when opened.scheme = 'per_lot' then ((opened.paid_lots * opened.base.lots_multiplier)::decimal(38, 12) * opened.half)::decimal(38, 16)
            when opened.scheme = 'per_million' then (
                {{ share_of('opened.notional_usd', 'opened.paid_lots', 'opened.volume_lots') }}::decimal(38, 12) * opened.base.lots_multiplier * opened.half
            )::decimal(38, 16)
            when opened.scheme = 'pct_commission'
                then ({{ share_of('opened.charged', 'opened.paid_lots', 'opened.lots') }} * opened.half)::decimal(38, 16)
            when opened.scheme = 'pct_profit' and opened.side = 'open' then 0::decimal(38, 16)
            when opened.scheme = 'pct_profit'
                then ({{ share_of('greatest(opened.profit, 0)', 'opened.paid_lots', 'opened.lots') }} * opened.half)::decimal(38, 16)
            when opened.scheme = 'points' then (
                (opened.paid_lots * opened.contract_size::decimal(20, 4))::decimal(28, 8) * opened.base.lots_multiplier * opened.half * coalesce(
                    opened.base.points * ('1e-' || opened.digits)::decimal(20, 8), opened.base.pips * opened.pip_size::decimal(20, 8)
                )::decimal(18, 10)
            )::decimal(38, 16)
            when opened.scheme = 'pct_spread' then (
                case opened.spread_at_side
                    when 'close' then (2 * opened.own_width)::decimal(38, 16)
                    when 'open' then (2 * opened.opened_width)::decimal(38, 16)
                    else (opened.own_width + opened.opened_width)::decimal(38, 16)
                end::decimal(38, 14) * opened.base.lots_multiplier * opened.half * 0.5
            )::decimal(38, 16)
        end::decimal(38, 16) as quantity,
        case when opened.base_currency = opened.plan_currency then 1 else base_pairs.rate end::decimal(24, 12) as base_fx,
        case when opened.base_currency = opened.plan_currency then 'same' else base_pairs.rate_path end as base_fx_path,
        case when not opened.is_money_rate or opened.rate_currency = opened.plan_currency then 1 else rate_pairs.rate end::decimal(24, 12) as rate_fx,
        case when opened.pass_up_currency = opened.plan_currency then 1 else pass_pairs.rate end::decimal(24, 12) as pass_up_fx
    from opened
    left join pairs as base_pairs
        on
            opened.platform = base_pairs.platform and opened.deal_id = base_pairs.deal_id
            and opened.base_currency = base_pairs.from_currency and opened.plan_currency = base_pairs.to_currency
    left join pairs as rate_pairs
        on
            opened.platform = rate_pairs.platform and opened.deal_id = rate_pairs.deal_id
            and opened.rate_currency = rate_pairs.from_currency and opened.plan_currency = rate_pairs.to_currency
    left join pairs as pass_pairs
        on
            opened.platform = pass_pairs.platform and opened.deal_id = pass_pairs.deal_id
            and opened.pass_up_currency = pass_pairs.from_currency and opened.plan_currency = pass_pairs.to_currency
),

rated as (
    select
        *,
        -- in the plan's currency, so that rates can be compared
        case when is_money_rate then (own_eff * rate_fx)::decimal(38, 16) else own_eff end as own_rate_paid,
        -- the base in money: what `pass_up` hands on
        case when is_money_rate then quantity else (quantity * base_fx)::decimal(38, 16) end as money_quantity
    from based
),

compared as (
    select
        *,
        coalesce(max(own_rate_paid) filter (where is_rate_paid and own_reason is distinct from 'rule_conflict') over below, 0) as paid_below,
        case
            when distribution <> 'share_of_child' or n = 1 then 1
            when count(*) filter (where own_reason is null) over below = n - 1 then
                list_reduce(list(own_eff) over below, lambda child, own: (child * own::decimal(18, 10))::decimal(38, 16))
            else 0
        end::decimal(38, 16) as child_rate,
        -- what each below gives of what it receives; see `received`
        case when distribution = 'pass_up' then list({
            'received': 0::decimal(38, 20),
            'share': case when pass_up is null then coalesce(pass_up_pct, 0) end,
            'money': (pass_up * pass_up_fx * paid_lots::decimal(18, 4) * half)::decimal(38, 16),
            'stops': own_reason in ('rule_conflict', 'unknown_plan', 'beyond_max_levels', 'not_yet_computed') or not has_rule
        }) over below end as givers,
        first_value(own_eff) over upwards as first_eff,
        lead(n) over upwards is null or coalesce(n + 1 > max_levels, false) as is_last
    from rated
    window
        below as (partition by platform, deal_id, side, scheme order by n rows between unbounded preceding and 1 preceding),
        upwards as (partition by platform, deal_id, side, scheme order by n)
),

coefficients as (
    select
        *,
        case distribution
            when 'difference' then greatest(own_rate_paid - paid_below, 0)
            when 'share_of_child' then
                case
                    when is_money_rate then ((child_rate * own_eff::decimal(18, 10))::decimal(38, 16) * base_fx)::decimal(38, 16)
                    else (child_rate * own_eff::decimal(18, 10))::decimal(38, 16)
                end
            when 'pass_up' then case when is_money_rate then (first_eff * base_fx)::decimal(38, 16) else first_eff end
            else own_rate_paid
        end::decimal(38, 16) as coefficient
    from compared
),

amounts as (
    select
        *,
        case
            when scheme = 'per_million'
                then (((quantity::decimal(38, 12) * coefficient)::decimal(38, 24)) * 0.000001::decimal(6, 6))::decimal(38, 20)
            when is_money_rate then (quantity::decimal(38, 12) * coefficient)::decimal(38, 20)
            else (money_quantity * coefficient::decimal(38, 12))::decimal(38, 20)
        end as whole_amount
    from coefficients
),

{% set given = "case
                    when giver.stops then 0
                    when giver.money is not null then least(upto.received, giver.money::decimal(38, 20))
                    when giver.share is null then null
                    else (upto.received::decimal(38, 16) * giver.share::decimal(18, 8))::decimal(38, 20)
                end" -%}
passed as (
    select
        *,
        case when givers is null then whole_amount else list_reduce(
            givers,
            lambda upto, giver: {'received': ({{ given }})::decimal(38, 20), 'share': giver.share, 'money': giver.money, 'stops': giver.stops},
            {'received': whole_amount, 'share': null::decimal(18, 8), 'money': null::decimal(38, 16), 'stops': false}
        ).received end as received
    from amounts
),

kept as (
    select
        *,
        case
            when is_last or not has_rule then received
            -- least() would pass over what is not known
            when pass_up is not null and pass_up_fx is null then null
            when pass_up is not null then received - least(received, (pass_up * pass_up_fx * paid_lots::decimal(18, 4) * half)::decimal(38, 20))
            else received - (received::decimal(38, 16) * coalesce(pass_up_pct, 0)::decimal(18, 8))::decimal(38, 20)
        end as kept_amount
    from passed
)

select
    platform,
    deal_id,
    side,
    is_context,
    slice_id,
    client_id,
    login,
    executed_at,
    plan_currency as currency,
    plan_rate_usd as fx_rate_usd,
    is_credit_weighed,
    house_cap_pct,
    distribution,
    partner_id,
    n,
    plan_id,
    plan_version,
    has_caps,
    scheme,
    rule_id,
    rule_version,
    rounding_digits,
    rounding_mode,
    coalesce(own_rate, lowest.own_rate) as own_rate,
    tier_from,
    paid_lots < lots as is_hedged,
    case
        when distribution = 'pass_up' then received
        when scheme = 'per_million' then quantity::decimal(38, 10) * 0.000001::decimal(6, 6)
        else quantity
    end::decimal(38, 8) as basis_amount,
    case
        when distribution = 'pass_up' then plan_currency
        when scheme = 'per_lot' then 'lots'
        when scheme = 'per_million' then 'million USD'
        else base_currency
    end as basis_unit,
    case
        when distribution = 'pass_up' then null
        when distribution = 'difference' then own_rate_paid - paid_below
        when distribution = 'share_of_child' then (child_rate * own_eff::decimal(18, 10))::decimal(38, 16)
        else own_eff
    end::decimal(28, 12) as rate,
    case when distribution = 'pass_up' then 1 when is_money_rate and distribution <> 'share_of_child' then rate_fx else base_fx end::decimal(24, 12) as fx_rate,
    base_fx_path as fx_path,
    case distribution when 'pass_up' then kept_amount else whole_amount end::decimal(38, 20) as amount,
    case
        when own_reason is not null then own_reason
        when is_below_unknown then 'not_yet_computed'
        when distribution = 'rank' and card_reason in ('rank_not_above', 'rule_conflict') then card_reason
        when distribution = 'share_of_child' and child_rate = 0 then 'no_base'
        when distribution = 'difference' and rate_fx is null then 'no_rate'
        when distribution = 'difference' and own_rate_paid <= paid_below then 'not_above_paid'
        when distribution = 'pass_up' and n > 1 and coalesce(lowest.n, 0) <> 1 then 'no_base'
        when quantity is null and scheme = 'pct_spread' then case when distribution = 'pass_up' and n > 1 then 'no_base' else 'no_market' end
        when quantity is null then 'no_rate'
        when quantity = 0 and scheme = 'pct_profit' then case when distribution = 'pass_up' and n > 1 then 'no_base' else 'no_profit' end
        when coalesce(case when is_money_rate and distribution not in ('share_of_child', 'pass_up') then rate_fx else base_fx end, 0) = 0 then 'no_rate'
        when quantity = 0 then 'no_base'
        when distribution = 'pass_up' and kept_amount is null then 'no_rate'
        when distribution = 'pass_up' and kept_amount = 0 then 'no_base'
    end as reason,
    coalesce(own_detail, case when card_reason in ('rank_not_above', 'rule_conflict') then card_detail end, rule_id) as detail
from kept
