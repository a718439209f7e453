{{ config(meta={'owner': 'support', 'sorted_by': ['ticket_id']}) }}

with tickets as (select * from {{ ref('fct_tickets') }}),

events as (select * from {{ ref('stg_tickets') }}),

clients as (select * from {{ ref('int_ledger_clients') }}),

targets as (select * from {{ ref('ticket_business_targets') }}),

hours as (select * exclude (valid_to), coalesce(valid_to, date '9999-12-31') as valid_to from {{ ref('business_hours') }}),

days as (select * from {{ ref('int_business_days') }} where is_business_day),

counts as (
    select
        ticket_id,
        count(*) filter (where event = 'agent_replied' and coalesce(actor_type, 'staff') = 'staff') as replies,
        count(*) filter (where event = 'reopened') as reopenings
    from events
    group by ticket_id
),

placed as (
    select
        tickets.*,
        clients.entity,
        coalesce(clients.is_test, false) as is_test,
        case when clients.entity in (select hours.entity from hours) then clients.entity else 'any' end as calendar
    from tickets
    left join clients
        on
            tickets.client_id = clients.client_id
            and tickets.opened_at >= clients.valid_from
            and tickets.opened_at < clients.valid_to
),

spans as (
    select ticket_id, calendar, 'response' as span, opened_at as from_at, first_response_at as to_at from placed
    union all
    select ticket_id, calendar, 'resolution' as span, opened_at as from_at, closed_at as to_at from placed
    union all
    select ticket_id, calendar, 'waiting' as span, opened_at as from_at, {{ known_at() }} as to_at from placed
    where first_response_at is null and closed_at is null
),

-- an office east of Greenwich opens on the UTC day before, so a day more is looked at on either side
span_days as (
    select
        *,
        unnest(range(from_at::date - 1, to_at::date + 2, interval 1 day))::date as day
    from spans
    where to_at >= from_at and to_at < from_at + interval 400 day
),

worked as (
    select
        span_days.ticket_id,
        span_days.span,
        sum(greatest(date_diff(
            'second',
            greatest(span_days.from_at, days.day + to_minutes(hours.opens_minute)),
            least(span_days.to_at, days.day + to_minutes(hours.closes_minute))
        ), 0)) as seconds
    from span_days
    inner join days on span_days.calendar = days.entity and span_days.day = days.day
    inner join hours
        on
            span_days.calendar = hours.entity
            and span_days.day >= hours.valid_from
            and span_days.day < hours.valid_to
    group by span_days.ticket_id, span_days.span
),

answers as (
    select
        placed.ticket_id,
        max(worked.seconds) filter (where worked.span = 'response') as response_seconds,
        max(worked.seconds) filter (where worked.span = 'resolution') as resolution_seconds,
        max(worked.seconds) filter (where worked.span = 'waiting') as waiting_seconds
    from placed
    left join worked on placed.ticket_id = worked.ticket_id
    group by placed.ticket_id
)

select
    placed.ticket_id,
    placed.client_id,
    placed.entity,
    placed.is_test,
    placed.opened_at,
    placed.first_response_at,
    placed.closed_at,
    case when placed.first_response_at is not null then coalesce(answers.response_seconds, 0) end::bigint as response_business_seconds,
    case when placed.closed_at is not null then coalesce(answers.resolution_seconds, 0) end::bigint as resolution_business_seconds,
    (targets.first_response_hours * 3600)::bigint as target_business_seconds,
    case
        when placed.first_response_at is not null then coalesce(answers.response_seconds, 0) <= targets.first_response_hours * 3600
        when answers.waiting_seconds > targets.first_response_hours * 3600 then false
    end as sla_met,
    counts.replies,
    counts.reopenings,
    placed.closed_at is not null and counts.reopenings = 0 and counts.replies <= 1 as is_first_contact_resolved,
    {{ run_id() }} as _run_id
from placed
left join answers on placed.ticket_id = answers.ticket_id
left join counts on placed.ticket_id = counts.ticket_id
left join targets
    on
        lower(coalesce(placed.priority, 'normal')) = targets.priority
        and placed.opened_at >= targets.valid_from
        and placed.opened_at < coalesce(targets.valid_to, timestamp '9999-12-31')
