-- The lines of staged deals: shares after the limits of the deal and the partner's caps, rounded once. One row for every share, paid or with its reason.
with limited as (select * from {{ ref('int_commission_limited') }}),

caps as (select * from {{ ref('int_commission_caps') }}),

after_caps as (
    select
        limited.* exclude (amount, reason),
        coalesce(caps.paid_amount < caps.asked_amount, false) as is_partner_capped,
        case when limited.has_caps and limited.reason is null and limited.amount > 0 then coalesce(caps.left_amount, 0) else limited.amount end as amount,
        case
            when limited.reason is not null then limited.reason
            when limited.has_caps and limited.amount > 0 and caps.deal_id is null then 'no_rate'
            when caps.paid_amount = 0 then 'capped'
        end as reason
    from limited
    left join caps
        on
            limited.platform = caps.platform and limited.deal_id = caps.deal_id and limited.side = caps.side
            and limited.partner_id = caps.partner_id and limited.scheme = caps.scheme
),

rounded as (
    select
        *,
        case when reason is null then
            {{ round_line('null::decimal(38, 8)', 'amount', 'rounding_digits', "case when is_house_capped then 'down' else rounding_mode end") }}
        else 0 end::decimal(38, 8) as line_amount
    from after_caps
    where not is_context
)

select
    platform,
    deal_id,
    side,
    client_id,
    executed_at,
    slice_id,
    partner_id,
    n as level,
    plan_id,
    plan_version,
    rule_id,
    rule_version,
    scheme,
    distribution,
    basis_amount,
    basis_unit,
    own_rate,
    rate,
    fx_rate,
    fx_path,
    tier_from,
    nullif(concat_ws(', ',
        case when is_hedged then 'hedge' end,
        case when is_weighed then 'credit' end,
        case when is_house_capped then 'house_cap' end,
        case when is_partner_capped then 'cap' end
    ), '') as limited_by,
    line_amount as amount,
    currency,
    case
        when fx_rate_usd = 1 then line_amount else {{ round_non_negative('(line_amount * fx_rate_usd)', 8) }}
    end as amount_usd,
    fx_rate_usd,
    coalesce(reason, case when line_amount = 0 then 'rounded_to_zero' end) as reason,
    detail
from rounded
