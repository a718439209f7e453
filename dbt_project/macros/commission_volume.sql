{#- Tiers of months and clients won that count what a partner's own clients trade or deposit. -#}

{#- A CTE body: the partners with such a tier, and whether a window of it begins or ends within a day. A month begins and ends at midnight, a client is
    won at any time. -#}
{%- macro partners_with_item_tiers() -%}
    select
        partners.partner_id,
        bool_or(rates.scheme = 'cpa' and (plans.tier_window = 'rolling_days' or (plans.tier_window = 'calendar_month' and plans.tier_mode = 'marginal')))
            as is_to_the_instant
    from {{ ref('stg_partners') }} as partners
    inner join {{ ref('int_commission_plans') }} as plans on partners.plan_id = plans.plan_id
    inner join (
        select distinct plan_id, scheme from {{ ref('int_commission_rates') }} where scheme in ('revenue_share', 'cpa')
    ) as rates on plans.plan_id = rates.plan_id and coalesce(plans.tier_scheme, rates.scheme) = rates.scheme
    where plans.has_tier and plans.tier_kpi <> 'net_revenue' and plans.not_computed_for_chain is null
    group by partners.partner_id
{%- endmacro -%}

{#- Whether there are any: if not, nothing is counted. -#}
{%- macro commission_counts_for_items() -%}
    {%- if not execute -%} {{ return(true) }} {%- endif -%}
    {{ return(run_query("select count(*) from (" ~ partners_with_item_tiers() ~ ")").columns[0].values()[0] > 0) }}
{%- endmacro -%}

{#- A CTE body: completed deposits of the clients directly under each of `partners` (a CTE with partner_id) at that time, in US dollars; `amount_usd` is null where
    the rate is not known. Test clients and the partner itself are not its clients. -#}
{%- macro partner_deposits(partners) -%}
    select
        paid_in.*,
        case when paid_in.currency = 'USD' then paid_in.amount else (paid_in.amount * fx.rate)::decimal(38, 8) end::decimal(38, 8) as amount_usd
    from (
        select
            client_partners.partner_id,
            client_partners.own_client_id,
            psp_rows.client_id,
            psp_rows.occurred_at,
            psp_rows.amount::decimal(20, 8) as amount,
            psp_rows.currency
        from (
            select *
            from {{ ref('stg_psp_transactions') }}
            where kind = 'deposit' and status = 'completed' and client_id is not null
            qualify row_number() over (partition by psp, coalesce(psp_txn_id, event_id) order by occurred_at, event_id) = 1
        ) as psp_rows
        inner join {{ ref('int_client_partners') }} as client_partners
            on
                psp_rows.client_id = client_partners.client_id
                and psp_rows.occurred_at >= client_partners.valid_from
                and psp_rows.occurred_at < client_partners.valid_to
        where
            client_partners.partner_id in (select asked.partner_id from {{ partners }} as asked)
            and psp_rows.client_id not in (
                select clients.client_id from {{ ref('int_clients') }} as clients where clients.valid_to is null and clients.is_test
            )
    ) as paid_in
    inner join {{ ref('int_commission_chain') }} as chain
        on
            paid_in.partner_id = chain.direct_partner_id
            and paid_in.own_client_id = chain.own_client_id
            and paid_in.occurred_at >= chain.valid_from
            and paid_in.occurred_at < chain.valid_to
    asof left join {{ ref('int_commission_fx') }} as fx
        on paid_in.currency = fx.from_currency and fx.to_currency = 'USD' and paid_in.occurred_at >= fx.valid_from
    where chain.place = 0 and chain.deal_reason is distinct from 'self'
{%- endmacro -%}

{#- CTEs up to `stood` (item, partner_id, earlier, own): where each row of `tiered` stood at its month's end or when the client was won. What counts, counts from
    one instant until another; the standing at an instant is the sum of what has come less what has gone by then. -#}
{%- macro item_standings() -%}
counting as (
    select distinct partner_id, plan_id, plan_version, tier_kpi, tier_window, tier_reach, tier_mode from tiered where tier_kpi <> 'net_revenue'
),

spans as (
    select
        counting.partner_id,
        counting.plan_id,
        counting.plan_version,
        counting.tier_kpi,
        volume.client_id,
        case counting.tier_kpi
            when 'lots' then volume.lots
            when 'notional_usd' then volume.notional_usd
            when 'commission' then volume.commission_usd
            when 'deposits' then volume.deposits_usd
            else 1
        end::decimal(38, 16) as counted,
        case
            when counting.tier_window = 'previous_months' then date_trunc('month', volume.counted_at) + interval 1 month
            when counting.tier_window = 'calendar_month' and counting.tier_mode = 'whole' then date_trunc('month', volume.counted_at)
            else volume.counted_at
        end::timestamp as from_at,
        case counting.tier_window
            when 'previous_months' then date_trunc('month', volume.counted_at) + to_months(counting.tier_reach + 1)
            when 'rolling_days' then volume.counted_at + to_days(counting.tier_reach)
            else date_trunc('month', volume.counted_at) + interval 1 month
        end::timestamp as until_at,
        (date_trunc('month', volume.counted_at) + interval 1 month)::timestamp as next_month_at
    from counting
    inner join {{ ref('int_partner_volume') }} as volume on counting.partner_id = volume.partner_id
    where counting.tier_kpi <> 'active_clients' or volume.is_active
),

-- what stands at the end of a month came in it or before it
told_apart as (
    select * exclude (next_month_at), false as is_earlier
    from spans
    union all
    select * exclude (next_month_at) replace (greatest(from_at, next_month_at) as from_at), true as is_earlier
    from spans
    where until_at > next_month_at
),

-- a client counts once however many of its deals do
once as (
    select * replace (
        case when tier_kpi = 'active_clients' then greatest(from_at, coalesce(max(until_at) over (
            partition by partner_id, plan_id, plan_version, is_earlier, client_id
            order by from_at, until_at rows between unbounded preceding and 1 preceding
        ), from_at)) else from_at end as from_at
    )
    from told_apart
),

moves as (
    select partner_id, plan_id, plan_version, is_earlier, from_at as moved_at, counted from once where from_at < until_at
    union all
    select partner_id, plan_id, plan_version, is_earlier, until_at as moved_at, -counted as counted from once where from_at < until_at
),

standing_at as (
    select
        partner_id,
        plan_id,
        plan_version,
        is_earlier,
        moved_at,
        (sum(sum(counted)) over (partition by partner_id, plan_id, plan_version, is_earlier order by moved_at))::decimal(28, 10) as standing
    from moves
    group by partner_id, plan_id, plan_version, is_earlier, moved_at
),

stood as (
    select
        tiered.item,
        tiered.partner_id,
        -- a client won adds nothing to what is counted
        case when tiered.is_month then coalesce(months_before.standing, 0) else coalesce(altogether.standing, 0) end::decimal(28, 10) as earlier,
        case when tiered.is_month then coalesce(altogether.standing, 0) - coalesce(months_before.standing, 0) else 0 end::decimal(28, 10) as own
    from (select * from tiered where tier_kpi <> 'net_revenue') as tiered
    asof left join (select * from standing_at where not is_earlier) as altogether
        on
            tiered.partner_id = altogether.partner_id
            and tiered.plan_id = altogether.plan_id
            and tiered.plan_version = altogether.plan_version
            and tiered.happened_at >= altogether.moved_at
    asof left join (select * from standing_at where is_earlier) as months_before
        on
            tiered.partner_id = months_before.partner_id
            and tiered.plan_id = months_before.plan_id
            and tiered.plan_version = months_before.plan_version
            and tiered.happened_at >= months_before.moved_at
)
{%- endmacro -%}
