-- depends_on: {{ ref('stg_commission_rules') }}
-- Revenue shares of complete months and acquisitions, shared up the chain: one row an item and member, paid or with its reason. Each member's amount
-- follows from what the one below it was paid, so the chain is walked place by place, all chains at once.
with recursive revenue as materialized (
    {{ commission_revenue() }}
),

acquisitions as (select * from {{ ref('int_commission_clients_won') }} where step > 0),

items as materialized (
    select
        'revenue_share' as scheme,
        'revenue_share:' || partner_id || ':' || period as item,
        null::varchar as client_id,
        partner_id as direct_partner_id,
        '' as own_client_id,
        happened_at,
        base,
        without_rate > 0 as is_waiting,
        0::decimal(38, 16) as deposited,
        -1::decimal(38, 16) as deposited_before
    from revenue
    where base > 0 or without_rate > 0
    union all
    select
        'cpa' as scheme,
        'cpa:' || client_id || ':' || step as item,
        client_id,
        direct_partner_id,
        own_client_id,
        happened_at,
        1::decimal(38, 16) as base,
        is_waiting,
        deposited,
        deposited_before
    from acquisitions
),

found as materialized (
    {{ periodic_members('items') }}
),

plans as (select * from {{ ref('int_commission_plans') }}),

fx as (select * from {{ ref('int_commission_fx') }}),

days as (select * from {{ ref('int_partner_revenue_days') }}),

-- a member's tier: one of net revenue is of revenue shares alone. A ladder is amounts and no rate, and without one a client pays once
tiered as (
    select
        found.item,
        found.partner_id,
        found.plan_id,
        found.plan_version,
        items.happened_at,
        items.scheme = 'revenue_share' as is_month,
        -- a share is a fraction: steps of money are not meant for it
        (items.scheme = 'revenue_share' or (found.distribution = 'share_of_child' and found.n > 1))
        and len(list_filter(plans.tier_steps, lambda step: step.rate > 1)) > 0 as is_unreadable,
        plans.currency,
        plans.tier_kpi,
        plans.tier_mode,
        plans.tier_window,
        plans.tier_reach,
        plans.tier_steps,
        date_trunc('month', items.happened_at)::date as month_at,
        case plans.tier_window
            when 'previous_months' then date_trunc('month', items.happened_at) - to_months(plans.tier_reach)
            when 'rolling_days' then items.happened_at + interval 1 microsecond - to_days(plans.tier_reach)
            else date_trunc('month', items.happened_at)
        end::date as from_day,
        (items.happened_at + interval 1 microsecond)::date as until_day
    from found
    inner join items on found.item = items.item
    inner join plans
        on
            found.plan_id = plans.plan_id
            and found.plan_version = plans.plan_version
            and items.happened_at >= plans.valid_from
            and items.happened_at < plans.valid_to
    where
        plans.has_tier
        and plans.not_computed_for_chain is null
        and coalesce(plans.tier_scheme, case plans.tier_kpi when 'net_revenue' then 'revenue_share' else items.scheme end) = items.scheme
        and coalesce(plans.tier_level, found.n) = found.n
        and (
            items.scheme = 'revenue_share'
            or (found.distribution = 'share_of_child' and found.n > 1)
            or (items.deposited_before < 0 and (found.distribution = 'rank' or not {{ is_ladder('found.parameters') }}))
        )
),

summed as (
    select
        tiered.item,
        tiered.partner_id,
        coalesce(sum(days.net_revenue) filter (where days.day < tiered.month_at), 0)::decimal(28, 10) as earlier,
        coalesce(sum(days.net_revenue) filter (where days.day >= tiered.month_at), 0)::decimal(28, 10) as own,
        coalesce(sum(days.without_rate), 0) as without_rate
    from tiered
    left join days
        on
            tiered.partner_id = days.partner_id
            and tiered.currency = days.currency
            and days.day >= tiered.from_day
            and days.day < tiered.until_day
            and (tiered.tier_window <> 'previous_months' or days.day < tiered.month_at)
    where tiered.tier_kpi = 'net_revenue'
    group by tiered.item, tiered.partner_id
),

{{ item_standings() }},

summed_or_stood as (
    select * from summed
    union all by name
    select
        *,
        0 as without_rate
    from stood
),

-- what the month itself adds is split where it crosses a step
standings as (
    select
        tiered.*,
        summed.without_rate,
        summed.earlier as kpi_before,
        summed.earlier + summed.own as kpi_after,
        case when tiered.tier_mode = 'marginal' and summed.own > 0 then summed.own else 0 end as weight,
        list_filter(tiered.tier_steps, lambda step:
            step.from_kpi <= case tiered.tier_mode when 'marginal' then summed.earlier else summed.earlier + summed.own end
        )[-1] as reached,
        list_transform(tiered.tier_steps, lambda step, place: {
            'low': step.from_kpi,
            'high': coalesce(tiered.tier_steps[place + 1].from_kpi, 99999999999999999::decimal(28, 8)),
            'rate': step.rate
        }) as ranges
    from tiered
    inner join summed_or_stood as summed on tiered.item = summed.item and tiered.partner_id = summed.partner_id
),

steps as (
    select
        item,
        partner_id,
        is_unreadable,
        without_rate > 0 as is_waiting,
        case when weight > 0 then list_filter(tier_steps, lambda step: step.from_kpi < kpi_after)[-1].from_kpi else reached.from_kpi end as tier_from,
        case when weight > 0 then weight else 1 end::decimal(28, 10) as weight,
        case
            when weight > 0 then greatest(least(kpi_after, tier_steps[1].from_kpi) - kpi_before, 0)
            else (reached is null)::integer
        end::decimal(28, 10) as own_weight,
        case
            when weight > 0 then list_sum(list_transform(ranges, lambda step:
                (greatest(least(kpi_after, step.high) - greatest(kpi_before, step.low), 0)::decimal(28, 10) * step.rate::decimal(18, 8))::decimal(38, 18)
            ))
            else coalesce(reached.rate, 0)
        end::decimal(38, 18) as step_weight
    from standings
),

rated as (
    select
        found.* exclude (own_rate, parameters),
        items.scheme,
        items.client_id,
        items.happened_at,
        items.base,
        found.own_rate,
        -- above the first a share of what the child got stays a share
        case
            when items.scheme = 'revenue_share' or (found.distribution = 'share_of_child' and found.n > 1) then found.own_rate
            else {{ item_rate('found.parameters', 'found.own_rate', 'items.deposited', 'items.deposited_before') }}
        end::decimal(18, 8) as rate,
        items.deposited,
        items.deposited_before,
        -- the rate of an acquisition is money, of the first one alone where the others take a part of it
        items.scheme = 'cpa' and (found.n = 1 or found.distribution not in ('share_of_child', 'pass_up')) as is_money,
        case when found.rule_currency = found.currency then 1 else fx.rate end::decimal(24, 12) as money_exchange,
        steps.tier_from,
        coalesce(steps.weight, 1) as weight,
        coalesce(steps.own_weight, 1) as own_weight,
        coalesce(steps.step_weight, 0) as step_weight,
        coalesce(steps.is_unreadable, false) as is_tier_unreadable,
        coalesce(steps.is_waiting, false) as is_tier_waiting,
        items.is_waiting,
        coalesce(bool_or(found.n = 1 and found.rule_id is not null and not found.is_conflict) over (partition by found.item), false) as has_base,
        max(found.n) over (partition by found.item) as members
    from found
    inner join items on found.item = items.item
    left join steps on found.item = steps.item and found.partner_id = steps.partner_id
    asof left join fx on found.rule_currency = fx.from_currency and found.currency = fx.to_currency and items.happened_at >= fx.valid_from
),

reasoned as (
    select
        *,
        case when is_money then money_exchange else 1 end::decimal(24, 12) as exchange,
        case
            when member_reason is not null then member_reason
            when is_conflict then 'rule_conflict'
            when rule_id is null and not (distribution = 'pass_up' and has_base) then 'no_rule'
            when is_tier_unreadable or unread_parameter is not null then 'not_yet_computed'
            when is_waiting or is_tier_waiting or (is_money and money_exchange is null) then 'no_rate'
        end as own_reason
    from rated
),

-- above a tier that is not known nothing is known of what was paid below
known as (
    select
        *,
        coalesce(own_reason, case
            when distribution = 'level' then null
            when n > min(n) filter (where is_tier_unknown or own_reason = 'not_yet_computed') over (partition by item) then 'not_yet_computed'
            when n > min(n) filter (where is_tier_waiting and own_reason = 'no_rate') over (partition by item) then 'no_rate'
        end) as reason
    from reasoned
),

-- under `rank` all ranks of the member's own plan, each at its rate
ladders as (
    select
        known.item,
        known.n,
        list({
            'rank_order': rates.rank_order,
            'rate': case known.scheme
                when 'cpa' then {{ item_rate('rates.parameters', 'rates.rate', 'known.deposited', 'known.deposited_before') }} else rates.rate
            end,
            'is_ladder': known.scheme = 'cpa' and {{ is_ladder('rates.parameters') }},
            'is_conflict': rates.is_conflict
        }) as ranks
    from known
    inner join {{ ref('int_commission_rates') }} as rates
        on
            known.plan_id = rates.plan_id
            and known.scheme = rates.scheme
            and known.level_key = rates.level_key
            and rates.reading = 'rank'
            and known.happened_at >= rates.valid_from
            and known.happened_at < rates.valid_to
    inner join {{ ref('int_commission_profiles') }} as profiles
        on rates.profile_id = profiles.profile_id and profiles.symbol = '' and profiles.account_type = ''
    where known.distribution = 'rank'
    group by known.item, known.n
),

members as materialized (
    select
        known.*,
        bool_or(known.n = 1 and known.own_reason = 'no_rate') over (partition by known.item) as is_base_unknown,
        ({{ tiered_rate('known.rate', '1', 'known') }} * known.exchange)::decimal(38, 16) as paying_rate,
        case when known.n < least(known.members, coalesce(known.max_levels, known.members)) and known.rule_id is not null and not known.is_conflict
            then known.pass_up end as given_money,
        case when known.n < least(known.members, coalesce(known.max_levels, known.members)) and known.rule_id is not null and not known.is_conflict
            then known.pass_up_pct end as given_share,
        ladders.ranks
    from known
    left join ladders on known.item = ladders.item and known.n = ladders.n
),

{% set rungs = "list_filter(members.ranks, lambda step: "
    ~ "step.rank_order <= members.rank_order and step.rank_order > coalesce(walked.rank_below, -1000000))" -%}
{% set rates = "list_filter(" ~ rungs ~ ", lambda step: not step.is_ladder)" -%}
walked as (
    select
        item,
        0::bigint as n,
        0::decimal(38, 16) as amount,
        -- under `difference` the highest rate paid so far, under `share_of_child` what the one below got, under `pass_up` what it gave
        null::decimal(38, 16) as below,
        null::integer as rank_below,
        null::decimal(38, 16) as paid_rate,
        null::varchar as outcome
    from items
    union all
    select
        item,
        n,
        case distribution
            when 'pass_up' then received - given
            when 'share_of_child' then received
            else {{ periodic_worth('base', 'coefficient') }}
        end::decimal(38, 16) as amount,
        case distribution
            when 'pass_up' then given
            when 'share_of_child' then case when reason is null then received when reason <> 'no_rate' then 0 end
            when 'difference' then case when reason is null then greatest(below, paying_rate) else below end
        end::decimal(38, 16) as below,
        case when coalesce(reason, 'no_rate') = 'no_rate' and rank_order > rank_below then rank_order else rank_below end as rank_below,
        case when distribution <> 'pass_up' then coefficient end::decimal(38, 16) as paid_rate,
        outcome
    from (
        select
            *,
            -- least() would pass over what is not known
            case
                -- what comes from an amount that is not known is not known, but who has no rule gives nothing
                when received is null and (rule_id is not null or is_base_unknown) then null
                when given_money is not null and (money_exchange is null or received is null) then null
                when given_money is not null then least(received, (given_money * money_exchange)::decimal(38, 16))
                when given_share is not null then (received * given_share)::decimal(38, 16)
                else 0
            end::decimal(38, 16) as given
        from (
            select
                *,
                case
                    when distribution not in ('pass_up', 'share_of_child') then null
                    when n > 1 and distribution = 'pass_up' then below
                    when n > 1 then {{ periodic_worth('below', 'paying_rate') }}
                    when rule_id is null or is_conflict then 0
                    else {{ periodic_worth('base', 'paying_rate') }}
                end::decimal(38, 16) as received
            from (
                select
                    members.*,
                    case when members.distribution = 'difference' then coalesce(walked.below, 0) else walked.below end as below,
                    coalesce(walked.rank_below, -1000000) as rank_below,
                    case
                        when members.distribution <> 'rank' then null
                        when members.rank_order <= walked.rank_below then 'rank_not_above'
                        when len(list_filter({{ rungs }}, lambda step: step.is_conflict)) > 0 then 'rule_conflict'
                    end as outcome,
                    case members.distribution
                        when 'difference' then greatest(members.paying_rate - coalesce(walked.below, 0), 0)
                        when 'rank' then (
                            ({{ tiered_rate(
                                'coalesce(list_sum(list_transform(' ~ rates ~ ', lambda step: step.rate)), 0)', 'coalesce(len(' ~ rates ~ '), 0)', 'members'
                            ) }} + coalesce(list_sum(list_transform(
                                list_filter({{ rungs }}, lambda step: step.is_ladder), lambda step: step.rate
                            )), 0)::decimal(20, 8))::decimal(38, 16) * members.exchange
                        )::decimal(38, 16)
                        else members.paying_rate
                    end::decimal(38, 16) as coefficient
                from walked
                inner join members on walked.item = members.item and members.n = walked.n + 1
            ) as met
        ) as receiving
    ) as giving
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
    -- what was passed up to a member without a rule comes by the first one's
    coalesce(members.rule_id, max(members.rule_id) filter (where members.n = 1) over item) as rule_id,
    coalesce(members.rule_version, max(members.rule_version) filter (where members.n = 1) over item) as rule_version,
    members.distribution,
    members.currency,
    members.base,
    members.own_rate,
    members.tier_from,
    members.exchange,
    members.has_caps,
    members.rounding_digits,
    members.rounding_mode,
    walked.paid_rate::decimal(28, 12) as rate,
    walked.amount,
    coalesce(
        case when walked.outcome = 'rank_not_above' and members.reason = 'no_rate' and not members.is_waiting then walked.outcome end,
        members.reason,
        walked.outcome,
        case
            when walked.amount is null then 'no_rate'
            when walked.amount <= 0 then 'no_base'
        end
    ) as reason,
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
window item as (partition by members.item)
