{{ config(meta={'owner': 'growth', 'sorted_by': ['counted_from', 'entity', 'day']}) }}

with clients as (select * from {{ ref('fct_onboarding_funnel') }} where not is_test),

spans as (
    select 'registered' as counted_from, coalesce(entity, 'unknown') as entity, registered_at as from_at, first_deposit_at from clients
    where registered_at is not null
    union all
    select 'approved' as counted_from, coalesce(entity, 'unknown') as entity, kyc_approved_at as from_at, first_deposit_at from clients
    where kyc_approved_at is not null
),

-- who has not paid in yet is followed until now and then leaves the count: censored, not lost
durations as (
    select
        counted_from,
        entity,
        first_deposit_at is not null as is_funded,
        greatest(date_diff('second', from_at, coalesce(first_deposit_at, {{ known_at() }})), 0) // 86400 as day
    from spans
    where from_at <= {{ known_at() }}
),

ends as (
    select
        counted_from,
        coalesce(entity, 'all') as entity,
        day,
        count(*) filter (where is_funded) as funded,
        count(*) filter (where not is_funded) as censored
    from durations
    group by grouping sets ((counted_from, entity, day), (counted_from, day))
),

risks as (
    select
        *,
        sum(funded + censored) over (partition by counted_from, entity order by day desc rows unbounded preceding) as at_risk
    from ends
)

select
    counted_from,
    entity,
    day::integer as day,
    at_risk::bigint as at_risk,
    funded::bigint as funded,
    censored::bigint as censored,
    (1 - coalesce(exp(sum(ln(nullif(1 - funded / at_risk::double, 0))) over course), 1) * (min(at_risk - funded) over course > 0)::integer)::decimal(18, 8) as funded_share,
    {{ run_id() }} as _run_id
from risks
window course as (partition by counted_from, entity order by day rows unbounded preceding)
