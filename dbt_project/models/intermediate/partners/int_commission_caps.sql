-- What a partner's caps leave of its lines: of each deal, day, week and month, one line after the other in the order of the deals. Months and acquisitions
-- use up the caps of their day like deals do (those of a deal do not limit them); they stand here as of a platform `~`, with the item for a side. One row a line
-- of a partner with caps for which the rate into its own plan's currency is known.
with recursive limited as (
    select
        platform,
        deal_id,
        side,
        partner_id,
        plan_id,
        plan_version,
        scheme,
        rule_id,
        executed_at,
        amount,
        currency
    from {{ ref('int_commission_limited') }}
    where has_caps and reason is null and amount > 0
    union all
    select
        '~' as platform,
        0 as deal_id,
        item as side,
        partner_id,
        plan_id,
        plan_version,
        scheme,
        rule_id,
        happened_at as executed_at,
        amount::decimal(38, 20) as amount,
        currency
    from {{ ref('int_commission_periodic_shares') }}
    where has_caps and reason is null
),

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

-- caps are in the currency of the partner's own plan
cappable as (
    select
        limited.* exclude (plan_id, plan_version),
        plans.currency as own_currency,
        case when limited.platform <> '~' then plans.cap_per_deal end as cap_per_deal,
        plans.cap_per_day,
        plans.cap_per_week,
        plans.cap_per_month
    from limited
    inner join plans on limited.plan_id = plans.plan_id and limited.plan_version = plans.plan_version
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
            and cappable.executed_at = own_currency_rates.executed_at
            and cappable.currency = own_currency_rates.currency
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
        upto as (partition by partner_id, own_currency, platform, deal_id, executed_at order by side, rule_id, scheme rows between unbounded preceding and current row),
        below as (partition by partner_id, own_currency, platform, deal_id, executed_at order by side, rule_id, scheme rows between unbounded preceding and 1 preceding)
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
)

select
    platform,
    deal_id,
    side,
    partner_id,
    scheme,
    currency,
    own_currency,
    amount,
    asked_amount,
    paid_amount,
    case
        when paid_amount = asked_amount then amount
        when currency = own_currency then paid_amount
        else {{ scaled('amount', 'paid_amount', 'asked_amount') }}
    end::decimal(38, 20) as left_amount
from capped
