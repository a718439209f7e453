{{ config(materialized='view') }}
-- What each deal looked at should pay: one row a deal, member of its chain and scheme that has a rate. Nothing to pay has a reason. A line is
-- computed at full width and rounded once; where deal and rate have no more than 4 digits, as nearly all have, the product needs no rounding.
with deals as (select * from {{ ref('int_commission_deals') }} where slice_id is not null and reason is null and not is_staged),

card as (
    select
        slice_id,
        distribution,
        currency,
        n,
        partner_id,
        plan_id,
        plan_version,
        scheme,
        rule_id,
        rule_version,
        own_rate,
        rate_currency,
        rate,
        coefficient,
        unit_rate,
        short_unit_rate,
        is_foreign,
        lots_multiplier,
        rounding_digits,
        rounding_mode
    from {{ ref('int_commission_card') }}
    where reason is null
),

fx as (select * from {{ ref('int_commission_fx') }}),

own_lines as (
    select
        deals.platform,
        deals.deal_id,
        deals.client_id,
        deals.executed_at,
        deals.account_currency,
        deals.fx_rate_usd,
        card.* exclude (rate_currency, is_foreign, lots_multiplier, rate, coefficient, unit_rate, short_unit_rate),
        case
            when card.scheme <> 'per_lot' and deals.short_commission_paid is not null then deals.short_commission_paid::decimal(38, 8)
            when card.scheme <> 'per_lot' then deals.commission_paid::decimal(38, 8)
            when card.lots_multiplier = 1 then deals.lots::decimal(38, 8)
            else (deals.lots::decimal(38, 8) * card.lots_multiplier)::decimal(38, 8)
        end as basis_amount,
        card.rate::decimal(28, 12) as rate,
        case when card.scheme = 'per_lot' then 1 else deals.account_fx_rate end::decimal(24, 12) as fx_rate,
        coalesce(case when card.scheme <> 'per_lot' then deals.account_fx_path end, 'same') as fx_path,
        case
            when card.scheme = 'per_lot' then deals.short_lots::decimal(38, 4) * card.short_unit_rate
            when deals.account_fx_rate = 1 then deals.short_commission_paid::decimal(38, 4) * card.short_unit_rate
        end as short_amount,
        case
            when card.scheme = 'per_lot' then
                case when deals.short_lots is null or card.short_unit_rate is null then deals.lots::decimal(38, 8) * card.unit_rate end
            when deals.shared_lots is not null then greatest(-(
                ((deals.own_charge * card.rate)::decimal(38, 16) * deals.account_fx_rate)::decimal(38, 20)
                + {{ share_of('((deals.shared_charge * card.rate)::decimal(38, 16) * deals.account_fx_rate)', 'deals.lots', 'deals.shared_lots') }}
            ), 0)::decimal(38, 20)
            when deals.short_commission_paid is null or card.short_unit_rate is null then
                ((deals.commission_paid * card.rate)::decimal(38, 16) * deals.account_fx_rate)::decimal(38, 20)
            when deals.account_fx_rate <> 1 then deals.short_commission_paid::decimal(38, 4) * card.short_unit_rate * deals.account_fx_rate
        end as wide_amount
    from deals
    inner join card on deals.slice_id = card.slice_id
    where not card.is_foreign
),

-- a rate in another currency than the line's is converted at the deal, and only then compared with those below
foreign_rates as (
    select
        deals.platform,
        deals.deal_id,
        deals.client_id,
        deals.executed_at,
        deals.account_currency,
        deals.fx_rate_usd,
        card.* exclude (is_foreign, lots_multiplier, rate, unit_rate, short_unit_rate),
        deals.lots::decimal(38, 8) * card.lots_multiplier as weighted_lots
    from deals
    inner join card on deals.slice_id = card.slice_id
    where card.is_foreign
),

foreign_converted as (
    select
        foreign_rates.*,
        case when foreign_rates.rate_currency = foreign_rates.currency then 1 else fx.rate end::decimal(24, 12) as fx_rate,
        coalesce(case when foreign_rates.rate_currency <> foreign_rates.currency then fx.rate_path end, 'same') as fx_path
    from foreign_rates
    asof left join fx
        on
            foreign_rates.rate_currency = fx.from_currency
            and foreign_rates.currency = fx.to_currency
            and foreign_rates.executed_at >= fx.valid_from
),

foreign_compared as (
    select
        *,
        case
            when distribution <> 'difference' then (coefficient::decimal(38, 12) * fx_rate)::decimal(38, 16)
            else (own_rate::decimal(38, 8) * fx_rate)::decimal(38, 16) - coalesce(max((own_rate::decimal(38, 8) * fx_rate)::decimal(38, 16)) over below, 0)
        end as rate_in_currency
    from foreign_converted
    window below as (partition by platform, deal_id, scheme order by n rows between unbounded preceding and 1 preceding)
),

foreign_lines as (
    select
        platform,
        deal_id,
        client_id,
        executed_at,
        account_currency,
        fx_rate_usd,
        slice_id,
        distribution,
        currency,
        n,
        partner_id,
        plan_id,
        plan_version,
        scheme,
        rule_id,
        rule_version,
        own_rate,
        rounding_digits,
        rounding_mode,
        weighted_lots::decimal(38, 8) as basis_amount,
        case when distribution = 'difference' then greatest(rate_in_currency, 0) else coefficient end::decimal(28, 12) as rate,
        fx_rate,
        fx_path,
        null::decimal(38, 8) as short_amount,
        (weighted_lots * greatest(rate_in_currency, 0))::decimal(38, 20) as wide_amount
    from foreign_compared
),

lines as (
    select * from own_lines
    union all by name
    select * from foreign_lines
),

rounded as (
    select
        *,
        {{ round_line('short_amount', 'wide_amount', 'rounding_digits', 'rounding_mode') }} as amount
    from lines
)

select
    platform,
    deal_id,
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
    case when scheme = 'per_lot' then 'lots' else account_currency end as basis_unit,
    own_rate,
    rate,
    fx_rate,
    fx_path,
    amount,
    currency,
    case when fx_rate_usd = 1 then amount else {{ round_non_negative('(amount * fx_rate_usd)', 8) }} end as amount_usd,
    fx_rate_usd,
    case
        when fx_rate is null then 'no_rate'
        when rate = 0 and distribution = 'difference' then 'not_above_paid'
        when basis_amount = 0 then 'no_base'
        when amount = 0 then 'rounded_to_zero'
    end as reason
from rounded
