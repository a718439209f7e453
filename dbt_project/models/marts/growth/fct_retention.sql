{{ config(meta={'owner': 'growth', 'sorted_by': ['cohort_month', 'month_no']}) }}

with months as (select * from {{ ref('fct_client_months') }}),

cohorts as (
    select
        date_trunc('month', first_deposit_at)::date as cohort_month,
        coalesce(entity, 'unknown') as entity,
        count(*) as cohort_size
    from {{ ref('dim_clients') }}
    where first_deposit_at is not null and not is_test
    group by date_trunc('month', first_deposit_at)::date, coalesce(entity, 'unknown')
),

-- a month in which nobody of a cohort traded has its row all the same
points as (
    select
        cohorts.*,
        unnest(range(0, date_diff('month', cohorts.cohort_month, {{ known_at() }}::date) + 1)) as month_no
    from cohorts
),

activity as (
    select
        cohort_month,
        entity,
        month_no,
        count(*) filter (where is_active) as active_clients,
        sum(net_revenue_usd) as net_revenue_usd
    from months
    where month_no >= 0
    group by cohort_month, entity, month_no
)

select
    points.cohort_month,
    points.entity,
    points.month_no::integer as month_no,
    points.cohort_size,
    coalesce(activity.active_clients, 0)::bigint as active_clients,
    {{ divide('coalesce(activity.active_clients, 0)', 'points.cohort_size', 8) }}::decimal(18, 8) as retention,
    coalesce(activity.net_revenue_usd, 0)::decimal(38, 8) as net_revenue_usd,
    (sum(coalesce(activity.net_revenue_usd, 0)) over (
        partition by points.cohort_month, points.entity order by points.month_no rows unbounded preceding
    ))::decimal(38, 8) as cumulative_net_revenue_usd,
    points.cohort_month + to_months((points.month_no + 1)::integer) <= {{ known_at() }} as is_complete,
    {{ run_id() }} as _run_id
from points
left join activity
    on points.cohort_month = activity.cohort_month and points.entity = activity.entity and points.month_no = activity.month_no
