-- The lines of staged deals: shares after the credit coefficient, the house's own share and the partner's caps, rounded once. One row for every share,
-- paid or with its reason.
with recursive shares as (select * from {{ ref('int_commission_shares') }}),

parts as (select * from {{ ref('int_commission_parts') }}),

plans as (
    select distinct
        plan_id,
        plan_version,
        currency,
        cap_per_deal,
        cap_per_day,
        cap_per_week,
        cap_per_month
    from {{ ref('int_commission_plans') }}
    where has_caps
),

fx as (select * from {{ ref('int_commission_fx') }}),

snapshots as (select * from {{ ref('stg_account_snapshots') }} where equity is not null),

weighed as (
    select
        shares.platform,
        shares.deal_id,
        any_value(snapshots.equity) as equity,
        any_value(greatest(snapshots.equity - coalesce(snapshots.credit, 0), 0)) as own_equity
    from (select distinct platform, deal_id, login, executed_at from shares where is_credit_weighed) as shares
    asof inner join snapshots
        on shares.platform = snapshots.platform and shares.login = snapshots.login and shares.executed_at >= snapshots.captured_at
    group by shares.platform, shares.deal_id
),

after_credit as (
    select
        shares.* exclude (amount, reason),
        case
            when shares.reason is not null then 0
            when weighed.deal_id is null then shares.amount
            when weighed.equity <= 0 then 0
            else {{ scaled('shares.amount', 'weighed.own_equity::decimal(38, 20)', 'weighed.equity::decimal(38, 20)') }}
        end::decimal(38, 20) as amount,
        weighed.deal_id is not null and (weighed.equity <= 0 or weighed.own_equity <> weighed.equity) as is_weighed,
        coalesce(
            shares.reason,
            case when shares.amount > 0 and weighed.deal_id is not null and (weighed.equity <= 0 or weighed.own_equity = 0) then 'credit' end
        ) as reason
    from shares
    left join weighed on shares.platform = weighed.platform and shares.deal_id = weighed.deal_id and shares.is_credit_weighed
),

-- what the house earned on the deal: half of each spread, commission and swap; what is not known counts as nothing
earned as (
    select
        platform,
        deal_id,
        side,
        executed_at,
        account_currency,
        quote_currency,
        plan_currency,
        house_cap_pct,
        (
            (coalesce(spread, 0) * contract_size::decimal(18, 4) * 0.5)::decimal(28, 13) * lots::decimal(18, 6)
        )::decimal(38, 16)
        + case when plan_side = 'both' or opened_spreads is null then 0 else
            {{ scaled(
                "(coalesce(list_sum(list_transform(opened_spreads, lambda one: (one.lots * coalesce(one.spread, 0))::decimal(38, 10))), 0)"
                ~ "::decimal(38, 10) * contract_size::decimal(18, 4) * 0.5)::decimal(38, 20)",
                'lots::decimal(38, 20)', 'nullif(opened_lots, 0)::decimal(38, 20)'
            ) }}::decimal(38, 16)
        end as spread_revenue,
        (net_charged - coalesce({{ share_of('swap', 'lots', 'volume_lots') }}, 0))::decimal(38, 16) as charge_revenue
    from parts
    where house_cap_pct is not null and is_paying and reason is null
),

earned_rates as (
    select
        asked.platform,
        asked.deal_id,
        asked.from_currency,
        fx.rate
    from (
        select distinct platform, deal_id, executed_at, quote_currency as from_currency, plan_currency from earned
        union
        select distinct platform, deal_id, executed_at, account_currency as from_currency, plan_currency from earned
    ) as asked
    asof inner join fx
        on asked.from_currency = fx.from_currency and asked.plan_currency = fx.to_currency and asked.executed_at >= fx.valid_from
),

house_limits as (
    select
        earned.platform,
        earned.deal_id,
        earned.side,
        -- two digits less than its parts, so that thirds that add up to a whole do
        (earned.house_cap_pct * greatest(
            (coalesce(earned.spread_revenue, 0) * case
                when earned.quote_currency = earned.plan_currency then 1 else coalesce(quote_rates.rate, 0)
            end::decimal(24, 12))::decimal(38, 16)
            + (earned.charge_revenue * case
                when earned.account_currency = earned.plan_currency then 1 else coalesce(account_rates.rate, 0)
            end::decimal(24, 12))::decimal(38, 16), 0
        )::decimal(38, 16))::decimal(38, 14) as house_limit
    from earned
    left join earned_rates as quote_rates
        on
            earned.platform = quote_rates.platform and earned.deal_id = quote_rates.deal_id
            and earned.quote_currency = quote_rates.from_currency
    left join earned_rates as account_rates
        on
            earned.platform = account_rates.platform and earned.deal_id = account_rates.deal_id
            and earned.account_currency = account_rates.from_currency
),

totals as (
    select
        after_credit.*,
        house_limits.house_limit,
        sum(after_credit.amount) over (
            partition by after_credit.platform, after_credit.deal_id, after_credit.side
        )::decimal(38, 16) as total
    from after_credit
    left join house_limits
        on
            after_credit.platform = house_limits.platform
            and after_credit.deal_id = house_limits.deal_id
            and after_credit.side = house_limits.side
),

after_house as (
    select
        * exclude (amount, reason, house_limit, total),
        coalesce(total > house_limit, false) and reason is null as is_house_capped,
        case
            when reason is null and total > house_limit
                -- at 14 digits: what comes out whole but for the cut of a division is whole when it is rounded down
                then ({{ scaled('amount', 'house_limit::decimal(38, 20)', 'total::decimal(38, 20)') }})::decimal(38, 14)::decimal(38, 20)
            else amount
        end::decimal(38, 20) as amount,
        coalesce(reason, case when amount > 0 and total > house_limit and house_limit = 0 then 'capped' end) as reason
    from totals
),

-- caps are in the currency of the partner's own plan
cappable as (
    select
        after_house.platform,
        after_house.deal_id,
        after_house.side,
        after_house.partner_id,
        after_house.scheme,
        after_house.rule_id,
        after_house.executed_at,
        after_house.amount,
        after_house.currency,
        plans.currency as own_currency,
        plans.cap_per_deal,
        plans.cap_per_day,
        plans.cap_per_week,
        plans.cap_per_month
    from after_house
    inner join plans on after_house.plan_id = plans.plan_id and after_house.plan_version = plans.plan_version
    where after_house.has_caps and after_house.reason is null and after_house.amount > 0
),

own_currency_rates as (
    select
        asked.*,
        fx.rate
    from (
        select distinct platform, deal_id, executed_at, currency, own_currency from cappable where currency <> own_currency
    ) as asked
    asof inner join fx
        on asked.currency = fx.from_currency and asked.own_currency = fx.to_currency and asked.executed_at >= fx.valid_from
),

converted as (
    select
        cappable.*,
        case
            when cappable.currency = cappable.own_currency then cappable.amount
            else (cappable.amount::decimal(38, 16) * own_currency_rates.rate)::decimal(38, 20)
        end as asked_amount
    from cappable
    left join own_currency_rates
        on
            cappable.platform = own_currency_rates.platform
            and cappable.deal_id = own_currency_rates.deal_id
            and cappable.own_currency = own_currency_rates.own_currency
),

{% set in_order = 'executed_at, platform, deal_id, side, rule_id, scheme' -%}
deal_capped as (
    select
        *,
        (least(coalesce(sum(asked_amount) over upto, 0), coalesce(cap_per_deal, 999999999999))
        - least(coalesce(sum(asked_amount) over below, 0), coalesce(cap_per_deal, 999999999999)))::decimal(38, 20) as deal_amount
    from converted
    where asked_amount is not null
    window
        upto as (partition by partner_id, own_currency, platform, deal_id order by side, rule_id, scheme rows between unbounded preceding and current row),
        below as (partition by partner_id, own_currency, platform, deal_id order by side, rule_id, scheme rows between unbounded preceding and 1 preceding)
),

-- runs of lines of one day under one set of caps: within one the limits shrink alike, so one figure holds for all of it
broken as (
    select
        *,
        coalesce(
            (executed_at::date, cap_per_day, cap_per_week, cap_per_month)
            is distinct from lag((executed_at::date, cap_per_day, cap_per_week, cap_per_month)) over ordered, true
        )::integer as is_first
    from deal_capped
    window ordered as (partition by partner_id, own_currency order by {{ in_order }})
),

segmented as (
    select
        *,
        sum(is_first) over (partition by partner_id, own_currency order by {{ in_order }} rows between unbounded preceding and current row) as segment
    from broken
),

segments as (
    select
        partner_id,
        own_currency,
        segment,
        min(executed_at::date) as day_at,
        date_trunc('week', min(executed_at))::date as week_at,
        date_trunc('month', min(executed_at))::date as month_at,
        any_value(cap_per_day) as cap_per_day,
        any_value(cap_per_week) as cap_per_week,
        any_value(cap_per_month) as cap_per_month,
        sum(deal_amount)::decimal(38, 20) as asked
    from segmented
    group by partner_id, own_currency, segment
),

walk as (
    select
        partner_id,
        own_currency,
        0::hugeint as segment,
        null::date as day_at,
        null::date as week_at,
        null::date as month_at,
        0::decimal(38, 20) as day_paid,
        0::decimal(38, 20) as week_paid,
        0::decimal(38, 20) as month_paid,
        0::decimal(38, 20) as room
    from segments
    where segment = 1
    union all
    select
        partner_id,
        own_currency,
        segment,
        day_at,
        week_at,
        month_at,
        (day_before + least(asked, room))::decimal(38, 20),
        (week_before + least(asked, room))::decimal(38, 20),
        (month_before + least(asked, room))::decimal(38, 20),
        room
    from (
        select
            *,
            greatest(least(
                coalesce(cap_per_day - day_before, 999999999999),
                coalesce(cap_per_week - week_before, 999999999999),
                coalesce(cap_per_month - month_before, 999999999999)
            ), 0)::decimal(38, 20) as room
        from (
            select
                segments.*,
                case when segments.day_at = walk.day_at then walk.day_paid else 0 end::decimal(38, 20) as day_before,
                case when segments.week_at = walk.week_at then walk.week_paid else 0 end::decimal(38, 20) as week_before,
                case when segments.month_at = walk.month_at then walk.month_paid else 0 end::decimal(38, 20) as month_before
            from walk
            inner join segments
                on
                    walk.partner_id = segments.partner_id
                    and walk.own_currency = segments.own_currency
                    and walk.segment + 1 = segments.segment
        ) as carried
    ) as limited
),

capped as (
    select
        segmented.*,
        (least(coalesce(sum(segmented.deal_amount) over segment_upto, 0), walk.room)
        - least(coalesce(sum(segmented.deal_amount) over segment_below, 0), walk.room))::decimal(38, 20) as paid_amount
    from segmented
    inner join walk
        on
            segmented.partner_id = walk.partner_id
            and segmented.own_currency = walk.own_currency
            and segmented.segment = walk.segment
    window
        segment_upto as (
            partition by segmented.partner_id, segmented.own_currency, segmented.segment
            order by {% for one in in_order.split(', ') %}segmented.{{ one }}, {% endfor %}segmented.is_first rows between unbounded preceding and current row
        ),
        segment_below as (
            partition by segmented.partner_id, segmented.own_currency, segmented.segment
            order by {% for one in in_order.split(', ') %}segmented.{{ one }}, {% endfor %}segmented.is_first rows between unbounded preceding and 1 preceding
        )
),

after_caps as (
    select
        after_house.* exclude (amount, reason),
        coalesce(capped.paid_amount < capped.asked_amount, false) as is_partner_capped,
        case
            when cappable.deal_id is null then after_house.amount
            when capped.paid_amount = capped.asked_amount then after_house.amount
            when after_house.currency = capped.own_currency then capped.paid_amount
            else {{ scaled('after_house.amount', 'capped.paid_amount', 'capped.asked_amount') }}
        end::decimal(38, 20) as amount,
        case
            when after_house.reason is not null then after_house.reason
            when cappable.deal_id is not null and capped.deal_id is null then 'no_rate'
            when capped.paid_amount = 0 then 'capped'
        end as reason
    from after_house
    left join cappable
        on
            after_house.platform = cappable.platform and after_house.deal_id = cappable.deal_id and after_house.side = cappable.side
            and after_house.partner_id = cappable.partner_id and after_house.scheme = cappable.scheme
    left join capped
        on
            after_house.platform = capped.platform and after_house.deal_id = capped.deal_id and after_house.side = capped.side
            and after_house.partner_id = capped.partner_id and after_house.scheme = capped.scheme
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
