-- Business days from asking to payment against the entity's target; one that is not decided against the client is counted until it is paid.
with business_days as (select * from {{ ref('int_business_days') }}),

requests as (
    select
        requests.request_id,
        requests.client_id,
        clients.entity,
        coalesce(clients.is_test, false) as is_test,
        requests.amount,
        requests.currency,
        requests.requested_at,
        requests.decided_at,
        requests.decision,
        requests.paid_at,
        requests.paused_seconds,
        case
            when requests.paid_at is not null then requests.paid_at
            when requests.status not in ('cancelled', 'failed', 'returned') and requests.decision is distinct from 'rejected' then {{ known_at() }}
        end as counted_to
    from {{ ref('fct_withdrawals') }} as requests
    left join {{ ref('int_clients') }} as clients on requests.client_id = clients.client_id and clients.valid_to is null
),

counted as (
    select
        requests.*,
        ended.business_day_number - asked.business_day_number as business_days,
        targets.business_days as target_business_days
    from requests
    left join {{ ref('entities') }} as entities on requests.entity = entities.entity
    left join {{ ref('withdrawal_targets') }} as targets
        on
            coalesce(entities.regime, 'offshore') = targets.regime
            and requests.requested_at >= targets.valid_from
            and requests.requested_at < coalesce(targets.valid_to, timestamp '9999-12-31')
    left join business_days as asked on coalesce(entities.entity, 'any') = asked.entity and requests.requested_at::date = asked.day
    left join business_days as ended on coalesce(entities.entity, 'any') = ended.entity and requests.counted_to::date = ended.day
)

select
    request_id,
    client_id,
    entity,
    amount,
    currency,
    requested_at,
    decided_at,
    decision,
    paid_at,
    business_days::integer as business_days,
    target_business_days,
    coalesce(business_days > target_business_days, false) as is_late,
    paused_seconds,
    is_test,
    {{ run_id() }} as _run_id
from counted
order by requested_at, request_id
