{#- Net revenue of each partner's own clients by complete calendar month, in the currency of the partner's plan at the month's last instant; what goes
    into the result, each part in a column of its own, positive is earned by the house. Months in which nobody in the chain has a rule for it are none of a
    revenue share. The base is what is left above the losses carried from before. -#}
{%- macro commission_revenue() -%}
with days as (select * from {{ ref('int_partner_revenue_days') }}),

months as (
    select unnest(range(
        date_trunc('month', (select min(days.day) from days))::timestamp, date_trunc('month', {{ known_at() }}), interval 1 month
    )) as month
),

paying as (
    select
        months.month,
        months.month + interval 1 month - interval 1 microsecond as happened_at,
        'revenue_share:' || chain.direct_partner_id || ':' || strftime(months.month, '%Y-%m') as item,
        'revenue_share' as scheme,
        chain.direct_partner_id,
        chain.own_client_id,
        chain.currency,
        coalesce(plans.is_carried, true) as is_carried
    from months
    inner join {{ ref('int_commission_chain') }} as chain
        on
            chain.place = 0
            and chain.own_client_id = ''
            and months.month + interval 1 month - interval 1 microsecond >= chain.valid_from
            and months.month + interval 1 month - interval 1 microsecond < chain.valid_to
    left join {{ ref('int_commission_plans') }} as plans
        on
            chain.plan_id = plans.plan_id
            and months.month + interval 1 month - interval 1 microsecond >= plans.valid_from
            and months.month + interval 1 month - interval 1 microsecond < plans.valid_to
    where chain.currency is not null
),

members as (
    {{ periodic_members('paying') }}
),

sums as (
    select
        paying.direct_partner_id as partner_id,
        paying.month,
        paying.happened_at,
        paying.currency,
        paying.is_carried,
        {% for part in ['trading_result', 'commission', 'swap', 'bonus', 'psp_fees', 'chargebacks', 'write_offs', 'net_revenue'] -%}
        sum(days.{{ part }})::decimal(38, 16) as {{ part }},
        {% endfor -%}
        sum(days.without_rate) as without_rate
    from paying
    inner join days
        on paying.direct_partner_id = days.partner_id and paying.currency = days.currency and paying.month = date_trunc('month', days.day)
    where paying.item in (select members.item from members where members.rule_id is not null)
    group by paying.direct_partner_id, paying.month, paying.happened_at, paying.currency, paying.is_carried
),

-- what stands at the end of a month whose loss is not carried is forgotten
running as (
    select
        *,
        count(*) filter (where not is_carried) over (
            partition by partner_id, currency order by month rows between unbounded preceding and 1 preceding
        ) as stretch
    from sums
),

summed as (
    select
        *,
        sum(net_revenue) over (partition by partner_id, currency, stretch order by month) as so_far
    from running
),

-- a month's base is by how much the sum so far rises above the highest it ever was
highest as (
    select
        *,
        greatest(max(so_far) over (partition by partner_id, currency, stretch order by month), 0) as highest_so_far
    from summed
)

select
    partner_id,
    strftime(month, '%Y-%m') as period,
    happened_at,
    currency,
    trading_result,
    commission,
    swap,
    bonus,
    psp_fees,
    chargebacks,
    write_offs,
    without_rate,
    net_revenue,
    (highest_so_far - coalesce(lag(highest_so_far) over (partition by partner_id, currency, stretch order by month), 0))::decimal(38, 16) as base
from highest
{%- endmacro -%}
