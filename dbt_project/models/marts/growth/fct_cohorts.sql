{{ config(meta={'owner': 'growth', 'sorted_by': ['step', 'cohort_month']}) }}

with leads as (select * from {{ ref('fct_leads') }} where not is_test),

clients as (select * from {{ ref('fct_onboarding_funnel') }} where not is_test),

horizons as (select unnest([7, 30, 90]) as horizon_days),

steps as (
    select 'lead_to_registered' as step, entity, created_at as from_at, registered_at as to_at from leads
    union all
    select 'lead_to_funded' as step, entity, created_at as from_at, first_deposit_at as to_at from leads
    union all
    select 'registered_to_approved' as step, entity, registered_at as from_at, kyc_approved_at as to_at from clients
    union all
    select 'registered_to_funded' as step, entity, registered_at as from_at, first_deposit_at as to_at from clients
    union all
    select 'approved_to_funded' as step, entity, kyc_approved_at as from_at, first_deposit_at as to_at from clients
    union all
    select 'funded_to_traded' as step, entity, first_deposit_at as from_at, first_trade_at as to_at from clients
    union all
    select 'funded_to_redeposit' as step, entity, first_deposit_at as from_at, second_deposit_at as to_at from clients
),

counts as (
    select
        steps.step,
        date_trunc('month', steps.from_at)::date as cohort_month,
        coalesce(steps.entity, 'unknown') as entity,
        horizons.horizon_days,
        count(*) as cohort_size,
        count(*) filter (where steps.to_at < steps.from_at + to_days(horizons.horizon_days)) as reached
    from steps
    cross join horizons
    where steps.from_at is not null and steps.from_at <= {{ known_at() }}
    group by steps.step, date_trunc('month', steps.from_at)::date, coalesce(steps.entity, 'unknown'), horizons.horizon_days
)

select
    step,
    cohort_month,
    entity,
    horizon_days,
    cohort_size,
    reached,
    {{ divide('reached', 'cohort_size', 8) }}::decimal(18, 8) as rate,
    cohort_month + interval 1 month + to_days(horizon_days) <= {{ known_at() }} as is_matured,
    {{ run_id() }} as _run_id
from counts
