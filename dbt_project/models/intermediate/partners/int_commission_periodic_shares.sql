-- depends_on: {{ ref('stg_commission_rules') }}
-- Revenue shares of complete months and acquisitions, shared up the chain: one row an item and member, paid or with its reason. Each member's amount
-- follows from what the one below it was paid, so the chain is walked place by place, all chains at once.
with recursive revenue as materialized (
    {{ commission_revenue() }}
),

acquisitions as (
    {{ commission_acquisitions() }}
),

items as (
    select
        'revenue_share' as scheme,
        'revenue_share:' || partner_id || ':' || period as item,
        null::varchar as client_id,
        partner_id as direct_partner_id,
        '' as own_client_id,
        happened_at,
        base,
        net_revenue,
        without_rate,
        0::decimal(38, 8) as deposited,
        -1::decimal(38, 8) as deposited_before
    from revenue
    union all
    select
        'cpa' as scheme,
        'cpa:' || client_id || ':' || step as item,
        client_id,
        direct_partner_id,
        own_client_id,
        happened_at,
        1 as base,
        null as net_revenue,
        0 as without_rate,
        deposited,
        deposited_before
    from acquisitions
),

found as (
    {{ periodic_members('items') }}
),

plans as (select * from {{ ref('int_commission_plans') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

-- the tier of a revenue share: the step that the partner's own net revenue reached
kpis as (
    select
        found.item,
        found.partner_id,
        any_value(plans.tier_mode) as tier_mode,
        any_value(plans.tier_window) as tier_window,
        any_value(plans.tier_steps) as tier_steps,
        coalesce(sum(revenue.net_revenue), 0) as kpi
    from found
    inner join items on found.item = items.item and items.scheme = 'revenue_share'
    inner join plans
        on
            found.plan_id = plans.plan_id
            and items.happened_at >= plans.valid_from
            and items.happened_at < plans.valid_to
            and plans.tier_kpi = 'net_revenue'
            and coalesce(plans.tier_scheme, 'revenue_share') = 'revenue_share'
            and coalesce(plans.tier_level, found.n) = found.n
    left join revenue
        on
            found.partner_id = revenue.partner_id
            and case plans.tier_window
                when 'calendar_month' then revenue.happened_at = items.happened_at
                else
                    revenue.happened_at < date_trunc('month', items.happened_at)
                    and revenue.happened_at >= date_trunc('month', items.happened_at) - (coalesce(plans.tier_reach, 1) || ' months')::interval
            end
    group by found.item, found.partner_id
),

rated as (
    select
        found.*,
        items.scheme,
        items.client_id,
        items.happened_at,
        items.base,
        coalesce(
            list_max(list_filter(kpis.tier_steps, lambda step: step.from_kpi <= kpis.kpi)).rate,  -- noqa: RF01
            case
                when json_type(found.parameters, '$.ladder') = 'ARRAY' then
                    {{ ladder_amount("json_extract(found.parameters, '$.ladder')", 'items.deposited') }}
                    - {{ ladder_amount("json_extract(found.parameters, '$.ladder')", 'items.deposited_before') }}
                when items.scheme = 'cpa' and items.deposited_before >= 0 then 0
                else found.own_rate
            end
        )::decimal(18, 8) as rate,
        list_max(list_filter(kpis.tier_steps, lambda step: step.from_kpi <= kpis.kpi)).from_kpi as tier_from,  -- noqa: RF01
        case when items.scheme = 'cpa' and found.rule_currency <> found.currency then fx.rate else 1 end::decimal(24, 12) as exchange,
        case
            when found.member_reason is not null then found.member_reason
            when found.is_conflict then 'rule_conflict'
            when items.without_rate > 0 or (items.scheme = 'cpa' and found.rule_currency <> found.currency and fx.rate is null) then 'no_rate'
            when kpis.tier_mode = 'marginal' or kpis.tier_window = 'rolling_days' then 'not_yet_computed'
            when found.rule_id is null and found.distribution <> 'pass_up' then 'no_rule'
        end as reason,
        max(found.n) over (partition by found.item) as members
    from found
    inner join items on found.item = items.item
    left join kpis on found.item = kpis.item and found.partner_id = kpis.partner_id
    asof left join fx on found.rule_currency = fx.from_currency and found.currency = fx.to_currency and items.happened_at >= fx.valid_from
),

-- under `rank` all ranks of the member's own plan, each at its rate
ladders as (
    select
        rated.item,
        rated.n,
        list(struct_pack(rank_order := rates.rank_order, rate := rates.rate)) as ranks
    from rated
    inner join {{ ref('int_commission_rates') }} as rates
        on
            rated.plan_id = rates.plan_id
            and rated.scheme = rates.scheme
            and rates.reading = 'rank'
            and rates.level_key = 0
            and rated.happened_at >= rates.valid_from
            and rated.happened_at < rates.valid_to
    inner join {{ ref('int_commission_profiles') }} as profiles
        on rates.profile_id = profiles.profile_id and profiles.symbol = '' and profiles.account_type = ''
    where rated.distribution = 'rank'
    group by rated.item, rated.n
),

members as (
    select
        rated.*,
        -- widened first: the product of two decimals of 18 digits has 18
        (rated.rate::decimal(20, 8) * rated.exchange::decimal(18, 8))::decimal(18, 8) as paying_rate,
        ladders.ranks
    from rated
    left join ladders on rated.item = ladders.item and rated.n = ladders.n
),

walked as (
    select
        item,
        0::bigint as n,
        0::decimal(38, 16) as amount,
        -- under `difference` the highest rate paid so far, under `share_of_child` what the one below got, under `pass_up` what it gave
        null::decimal(38, 16) as below,
        null::integer as rank_below,
        null::decimal(38, 16) as paid_rate
    from items
    union all
    select
        members.item,
        members.n,
        (case
            when members.reason is not null and members.distribution <> 'pass_up' then 0
            when members.distribution = 'level' then members.base::decimal(20, 8) * members.paying_rate
            when members.distribution = 'difference' then
                members.base::decimal(20, 8)
                * greatest(members.paying_rate - coalesce(walked.below, 0)::decimal(18, 8), 0)::decimal(18, 8)
            when members.distribution = 'rank' then
                members.base::decimal(20, 8) * (coalesce(list_sum(list_transform(
                    list_filter(
                        members.ranks,
                        lambda step: step.rank_order > coalesce(walked.rank_below, -1000000) and step.rank_order <= members.rank_order  -- noqa: RF01
                    ),
                    lambda step: step.rate  -- noqa: RF01
                )), 0)::decimal(20, 8) * members.exchange::decimal(18, 8))::decimal(18, 8)
            when members.distribution = 'share_of_child' and members.n = 1 then
                members.base::decimal(20, 8) * members.paying_rate
            when members.distribution = 'share_of_child' then coalesce(walked.below, 0)::decimal(20, 12) * members.own_rate
            when members.distribution = 'pass_up' then
                case when members.reason is null then 1 else 0 end
                * ({{ passed_up_to('members', 'walked') }} - {{ passed_on_by('members', 'walked') }})
            else 0
        end)::decimal(38, 16) as amount,
        (case
            when members.distribution = 'difference' then case
                when members.reason is not null then walked.below
                else greatest(coalesce(walked.below, 0), members.paying_rate)
            end
            when members.distribution = 'share_of_child' then case
                when members.reason is not null then 0
                when members.n = 1 then members.base::decimal(20, 8) * members.paying_rate
                else coalesce(walked.below, 0)::decimal(20, 12) * members.own_rate
            end
            when members.distribution = 'pass_up' then {{ passed_on_by('members', 'walked') }}
        end)::decimal(38, 16) as below,
        case
            when members.reason is null and members.rank_order > coalesce(walked.rank_below, -1000000) then members.rank_order
            else walked.rank_below
        end as rank_below,
        (case
            when members.distribution = 'difference'
                then greatest(members.paying_rate - coalesce(walked.below, 0), 0)
            when members.distribution <> 'pass_up' then members.rate
        end)::decimal(38, 16) as paid_rate
    from walked
    inner join members on walked.item = members.item and members.n = walked.n + 1
)

select
    members.item,
    members.scheme,
    members.client_id,
    members.happened_at,
    members.n as level,
    members.partner_id,
    members.plan_id,
    members.plan_version,
    members.rule_id,
    members.rule_version,
    members.distribution,
    members.currency,
    members.base,
    members.own_rate,
    members.tier_from,
    members.exchange,
    members.rounding_digits,
    members.rounding_mode,
    walked.paid_rate::decimal(28, 12) as rate,
    walked.amount,
    coalesce(members.reason, case when walked.amount <= 0 then 'no_base' end) as reason,
    revenue.trading_result,
    revenue.commission,
    revenue.swap,
    revenue.bonus,
    revenue.psp_fees,
    revenue.chargebacks,
    revenue.write_offs,
    revenue.net_revenue
from walked
inner join members on walked.item = members.item and walked.n = members.n
left join revenue on members.item = 'revenue_share:' || revenue.partner_id || ':' || revenue.period
