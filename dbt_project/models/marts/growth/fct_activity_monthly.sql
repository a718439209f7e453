{{ config(meta={'owner': 'growth', 'sorted_by': ['month']}) }}

with months as (select * from {{ ref('fct_client_months') }} where is_active),

following as (
    select
        month + interval 1 month as month,
        entity,
        count(*) as active_before,
        count(*) filter (where next_month is distinct from (month + interval 1 month)::date) as churned
    from (
        select
            client_id,
            entity,
            month,
            lead(month) over (partition by client_id order by month) as next_month
        from months
    )
    where month + interval 1 month <= {{ known_at() }}
    group by month, entity
),

present as (
    select
        month,
        entity,
        count(*) as active_clients,
        count(*) filter (where is_first_active) as new_clients,
        count(*) filter (where is_reactivated) as reactivated_clients,
        sum(revenue_usd) as revenue_usd
    from months
    group by month, entity
)

select
    coalesce(present.month, following.month::date) as month,
    coalesce(present.entity, following.entity) as entity,
    coalesce(present.active_clients, 0)::bigint as active_clients,
    coalesce(present.new_clients, 0)::bigint as new_clients,
    coalesce(present.reactivated_clients, 0)::bigint as reactivated_clients,
    coalesce(following.active_before, 0)::bigint as active_before,
    coalesce(following.churned, 0)::bigint as churned_clients,
    {{ divide('following.churned', 'following.active_before', 8) }}::decimal(18, 8) as churn_rate,
    coalesce(present.revenue_usd, 0)::decimal(38, 8) as revenue_usd,
    coalesce(present.month, following.month::date) + interval 1 month <= {{ known_at() }} as is_complete,
    {{ run_id() }} as _run_id
from present
full join following on present.month = following.month::date and present.entity = following.entity
