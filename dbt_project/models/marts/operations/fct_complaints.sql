-- Complaints with the clocks of the entity's regime: business days to the acknowledgement, calendar days to the answer that closes them.
with business_days as (select * from {{ ref('int_business_days') }}),

complaints as (
    select
        tickets.*,
        clients.entity,
        coalesce(clients.is_test, false) as is_test
    from {{ ref('fct_tickets') }} as tickets
    left join {{ ref('int_clients') }} as clients on tickets.client_id = clients.client_id and clients.valid_to is null
    where tickets.is_complaint
),

due as (
    select
        complaints.*,
        entities.regime,
        -- the end of the business day that is so many after the one it came on
        min(later.day) + 1 as acknowledge_due_at,
        complaints.opened_at + to_days(clocks.answer_days) as answer_due_at
    from complaints
    left join {{ ref('entities') }} as entities on complaints.entity = entities.entity
    inner join {{ ref('complaint_clocks') }} as clocks
        on
            coalesce(entities.regime, 'offshore') = clocks.regime
            and complaints.opened_at >= clocks.valid_from
            and complaints.opened_at < coalesce(clocks.valid_to, timestamp '9999-12-31')
    inner join business_days as asked on coalesce(entities.entity, 'any') = asked.entity and complaints.opened_at::date = asked.day
    inner join business_days as later
        on
            asked.entity = later.entity
            and later.is_business_day
            and asked.business_day_number + clocks.acknowledge_business_days = later.business_day_number
    group by all
)

select
    ticket_id,
    client_id,
    entity,
    topic,
    channel,
    opened_at,
    first_response_at as acknowledged_at,
    acknowledge_due_at::timestamp as acknowledge_due_at,
    coalesce(first_response_at, {{ known_at() }}) > acknowledge_due_at as is_acknowledged_late,
    closed_at as answered_at,
    answer_due_at,
    coalesce(closed_at, {{ known_at() }}) > answer_due_at as is_answered_late,
    is_test,
    {{ run_id() }} as _run_id
from due
order by opened_at, ticket_id
