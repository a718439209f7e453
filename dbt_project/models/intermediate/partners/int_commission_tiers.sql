-- Where each tiered partner stood at each deal that it may earn on: the volume of its own clients in the window of its plan's tier, and what that makes
-- of a rate: (own rate × own_weight + rungs × step_weight) / weight.
with parts as (select * from {{ ref('int_commission_parts') }}),

closings as (select * from parts where side = 'close' and direct_partner_id is not null),

card as (select * from {{ ref('int_commission_card') }}),

plans as (
    select distinct
        plan_id,
        plan_version,
        tier_kpi,
        tier_window,
        tier_reach,
        tier_mode,
        tier_steps
    from {{ ref('int_commission_plans') }}
    where has_tier and tier_kpi <> 'net_revenue' and not_computed_for_chain is null
),

fx as (select * from {{ ref('int_commission_fx') }}),

tiered_members as (
    select distinct
        card.slice_id,
        card.partner_id,
        plans.*
    from card
    inner join plans on card.plan_id = plans.plan_id and card.plan_version = plans.plan_version
    where card.has_deal_tier
),

asked as (
    select distinct
        tiered_members.* exclude (slice_id),
        parts.platform,
        parts.deal_id,
        parts.executed_at
    from parts
    inner join tiered_members on parts.slice_id = tiered_members.slice_id
    where parts.is_paying and parts.reason is null
),

configurations as (select distinct * exclude (platform, deal_id, executed_at) from asked),

commission_rates as (
    select
        closings.platform,
        closings.deal_id,
        fx.rate
    from closings
    asof inner join fx
        on closings.account_currency = fx.from_currency and fx.to_currency = 'USD' and closings.executed_at >= fx.valid_from
    where closings.account_currency <> 'USD'
),

deposit_partners as (select distinct partner_id from configurations where tier_kpi = 'deposits'),

deposits as (
    {{ partner_deposits('deposit_partners') }}
),

counted as (
    select
        configurations.*,
        closings.platform,
        closings.deal_id,
        closings.executed_at,
        closings.client_id,
        case configurations.tier_kpi
            when 'lots' then closings.lots
            when 'notional_usd' then coalesce({{ share_of('closings.notional_usd', 'closings.lots', 'closings.volume_lots') }}, 0)
            when 'commission' then
                case
                    when closings.account_currency = 'USD' then closings.charged
                    else coalesce((closings.charged::decimal(38, 12) * commission_rates.rate)::decimal(38, 16), 0)
                end
            else 0
        end::decimal(38, 8) as counted
    from configurations
    inner join closings on configurations.partner_id = closings.direct_partner_id
    left join commission_rates on closings.platform = commission_rates.platform and closings.deal_id = commission_rates.deal_id
    union all
    select
        configurations.*,
        null as platform,
        null as deal_id,
        deposits.occurred_at as executed_at,
        deposits.client_id,
        deposits.amount_usd as counted
    from configurations
    inner join deposits on configurations.partner_id = deposits.partner_id
    where configurations.tier_kpi = 'deposits' and deposits.amount_usd is not null
),

-- deals it earns on that are not its own clients' count nothing
lined as (
    select * from counted
    union all by name
    select
        asked.*,
        0 as counted
    from asked
    left join counted
        on
            asked.partner_id = counted.partner_id
            and asked.plan_id = counted.plan_id
            and asked.plan_version = counted.plan_version
            and asked.platform = counted.platform
            and asked.deal_id = counted.deal_id
    where counted.deal_id is null
),

-- a client counts as active from its first deal in the window
firsts as (
    select
        * replace (case
            when tier_kpi <> 'active_clients' then counted
            when client_id is null then 0
            when tier_window = 'calendar_month'
                then (row_number() over (
                    partition by partner_id, plan_id, plan_version, client_id, date_trunc('month', executed_at) order by executed_at, platform, deal_id
                ) = 1)::integer
            else coalesce(executed_at - to_days(tier_reach) >= lag(executed_at) over (
                partition by partner_id, plan_id, plan_version, client_id order by executed_at, platform, deal_id
            ), true)::integer
        end::decimal(38, 8) as counted)
    from lined
),

month_sums as (
    select
        partner_id,
        plan_id,
        plan_version,
        date_trunc('month', executed_at) as month_at,
        sum(counted)::decimal(38, 8) as counted,
        list(distinct client_id) filter (where client_id is not null) as clients
    from lined
    where tier_window = 'previous_months'
    group by partner_id, plan_id, plan_version, date_trunc('month', executed_at)
),

earlier_months as (
    select
        configurations.partner_id,
        configurations.plan_id,
        configurations.plan_version,
        months.month_at,
        case
            when configurations.tier_kpi = 'active_clients' then coalesce(len(list_distinct(flatten(list(month_sums.clients)))), 0)
            else coalesce(sum(month_sums.counted), 0)
        end::decimal(38, 8) as standing
    from configurations
    inner join (select distinct partner_id, plan_id, plan_version, date_trunc('month', executed_at) as month_at from asked) as months
        on
            configurations.partner_id = months.partner_id
            and configurations.plan_id = months.plan_id
            and configurations.plan_version = months.plan_version
    left join month_sums
        on
            configurations.partner_id = month_sums.partner_id
            and configurations.plan_id = month_sums.plan_id
            and configurations.plan_version = month_sums.plan_version
            and month_sums.month_at < months.month_at
            and month_sums.month_at >= months.month_at - to_months(configurations.tier_reach)
    where configurations.tier_window = 'previous_months'
    group by configurations.partner_id, configurations.plan_id, configurations.plan_version, months.month_at, configurations.tier_kpi
),

standings as (
    select
        firsts.* exclude (counted),
        case firsts.tier_window
            when 'previous_months' then earlier_months.standing
            when 'rolling_days' then case
                when firsts.tier_kpi = 'active_clients' then count(distinct firsts.client_id) over rolling
                else sum(firsts.counted) over rolling
            end
            else case
                when firsts.tier_mode = 'whole' then sum(firsts.counted) over whole_month
                else sum(firsts.counted) over month_so_far
            end
        end::decimal(38, 8) as kpi_after,
        case
            when firsts.tier_mode = 'marginal' and firsts.tier_window <> 'previous_months' then firsts.counted
            else 0
        end::decimal(38, 8) as weight
    from firsts
    left join earlier_months
        on
            firsts.partner_id = earlier_months.partner_id
            and firsts.plan_id = earlier_months.plan_id
            and firsts.plan_version = earlier_months.plan_version
            and date_trunc('month', firsts.executed_at) = earlier_months.month_at
    window
        whole_month as (partition by firsts.partner_id, firsts.plan_id, firsts.plan_version, date_trunc('month', firsts.executed_at)),
        month_so_far as (
            partition by firsts.partner_id, firsts.plan_id, firsts.plan_version, date_trunc('month', firsts.executed_at)
            order by firsts.executed_at, firsts.platform nulls first, firsts.deal_id rows between unbounded preceding and current row
        ),
        rolling as (
            partition by firsts.partner_id, firsts.plan_id, firsts.plan_version
            order by firsts.executed_at range between to_days(coalesce(firsts.tier_reach, 1)) - interval 1 microsecond preceding and current row
        )
),

stepped as (
    select
        *,
        (kpi_after - weight)::decimal(38, 8) as kpi_before,
        list_filter(tier_steps, lambda step: step.from_kpi <= kpi_after - weight)[-1] as reached,
        list_transform(tier_steps, lambda step, place: {
            'low': step.from_kpi,
            'high': coalesce(tier_steps[place + 1].from_kpi, 99999999999999999::decimal(28, 8)),
            'rate': step.rate
        }) as ranges
    from standings
    where deal_id is not null
)

select
    platform,
    deal_id,
    partner_id,
    plan_id,
    plan_version,
    kpi_before,
    kpi_after,
    case when weight > 0 then list_filter(tier_steps, lambda step: step.from_kpi < kpi_after)[-1].from_kpi else reached.from_kpi end as tier_from,
    case when weight > 0 then weight else 1 end::decimal(38, 8) as weight,
    case
        when weight > 0 then greatest(least(kpi_after, tier_steps[1].from_kpi) - kpi_before, 0)
        else (reached is null)::integer
    end::decimal(38, 8) as own_weight,
    case
        when weight > 0 then list_sum(list_transform(ranges, lambda step:
            (greatest(least(kpi_after, step.high) - greatest(kpi_before, step.low), 0)::decimal(28, 8) * step.rate::decimal(18, 8))::decimal(38, 12)
        ))
        else coalesce(reached.rate, 0)
    end::decimal(38, 12) as step_weight
from stepped
