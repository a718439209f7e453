{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='ticket_id',
    meta={'owner': 'support', 'sorted_by': ['opened_at']}
) }}

with events as (
    select *
    from {{ ref('stg_tickets') }}
    {% if is_incremental() -%}
    where ticket_id in ({{ touched_by('tickets', 'ticket_id', ['event_id']) }})
    {%- endif %}
),

targets as (select * from {{ ref('ticket_targets') }}),

tickets as (
    select
        ticket_id,
        arg_min(client_id, (occurred_at, recorded_at, event_id)) as client_id,
        coalesce(min(occurred_at) filter (where event = 'created'), min(occurred_at)) as opened_at,
        -- an automatic answer is no answer
        min(occurred_at) filter (where event = 'agent_replied' and coalesce(actor_type, 'staff') = 'staff') as first_response_at,
        max(occurred_at) filter (where event = 'closed') as last_closed_at,
        max(occurred_at) filter (where event = 'reopened') as last_reopened_at,
        coalesce(bool_or(is_complaint), false) as is_complaint,
        arg_max(priority, (occurred_at, recorded_at, event_id)) as priority,
        arg_min(channel, (occurred_at, recorded_at, event_id)) as channel,
        arg_min(topic, (occurred_at, recorded_at, event_id)) as topic,
        max(recorded_at) as recorded_at
    from events
    group by ticket_id
)

select
    tickets.ticket_id,
    tickets.client_id,
    tickets.opened_at,
    tickets.first_response_at,
    case
        when tickets.last_reopened_at is null or tickets.last_closed_at >= tickets.last_reopened_at then tickets.last_closed_at
    end as closed_at,
    tickets.last_reopened_at is not null as reopened,
    tickets.is_complaint,
    tickets.priority,
    tickets.channel,
    tickets.first_response_at <= tickets.opened_at + to_hours(targets.first_response_hours) as sla_met,
    tickets.topic,
    date_diff('second', tickets.opened_at, tickets.first_response_at) as first_response_seconds,
    tickets.recorded_at,
    {{ run_id() }} as _run_id
from tickets
left join targets
    on
        lower(coalesce(tickets.priority, 'normal')) = targets.priority
        and tickets.opened_at >= targets.valid_from
        and tickets.opened_at < coalesce(targets.valid_to, timestamp '9999-12-31')
order by tickets.opened_at
