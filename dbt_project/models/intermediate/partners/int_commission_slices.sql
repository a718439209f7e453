with card as (select * from {{ ref('int_commission_card') }})

select
    slice_id,
    direct_partner_id,
    own_client_id,
    profile_id,
    symbol_key,
    group_key,
    type_key,
    valid_from,
    valid_to,
    direct_plan_id,
    direct_plan_version,
    distribution,
    currency,
    min_hold_seconds,
    min_points,
    exclude_reasons,
    side,
    is_hedged,
    is_credit_weighed,
    house_cap_pct,
    deal_reason,
    is_staged,
    coalesce(bool_or(reason is null and scheme = 'pct_commission'), false) as is_on_commission,
    -- tells whether anything about the slice differs from what stood before
    bit_xor(hash(
        place, n, partner_id, plan_id, plan_version, scheme, rule_id, rule_version, own_rate, rate_currency, rate, is_foreign, lots_multiplier,
        rounding_digits, rounding_mode, plan_content, is_staged, lowest, ladder, pass_up, pass_up_pct, points, pips, spread_at, max_points,
        reason, detail, direct_plan_id, direct_plan_version, distribution, currency, min_hold_seconds, min_points, exclude_reasons, deal_reason
    )) as content
from card
group by all
