-- R7 Complaint file: received, answered, closed, and the days the entity's regime leaves for the final response.
with days as (
    select
        entity, coalesce(($complaint_days::json ->> entity)::integer, ($complaint_days::json ->> 'other')::integer) as final_days
    from (select distinct entity from core.dim_clients) as entities
)

select
    tickets.ticket_id, tickets.client_id, clients.entity, tickets.topic as product, tickets.channel, tickets.priority, tickets.opened_at as received_at,
    tickets.first_response_at as acknowledged_at, tickets.first_response_seconds, tickets.closed_at as final_response_at, tickets.reopened, tickets.sla_met,
    days.final_days, tickets.opened_at + to_days(days.final_days) as final_response_due_at,
    tickets.closed_at is not null and tickets.closed_at <= tickets.opened_at + to_days(days.final_days) as answered_in_time
from operations.fct_tickets as tickets
left join core.dim_clients as clients on tickets.client_id = clients.client_id
left join days on clients.entity = days.entity
where
    tickets.is_complaint and tickets.opened_at >= $from::timestamp and tickets.opened_at < $until::timestamp
    and ($client_id::varchar is null or tickets.client_id = $client_id) and ($entity::varchar is null or clients.entity = $entity)
order by tickets.opened_at, tickets.ticket_id
