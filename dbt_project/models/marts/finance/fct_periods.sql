-- Where each period that was ever closed stands, by the newest event that counts: a close needs a second person, a reopening does not.
with events as (select * from {{ ref('stg_period_events') }}),

periods as (
    select
        entity,
        period,
        arg_max(event, (occurred_at, event_id)) as event,
        arg_max(actor_id, (occurred_at, event_id)) as actor_id,
        arg_max(approved_by, (occurred_at, event_id)) as approved_by,
        max(occurred_at) as occurred_at,
        count(*) filter (where event = 'closed') as closes
    from events
    where event = 'reopened' or (approved_by is not null and approved_by <> actor_id)
    group by entity, period
)

select
    entity,
    period,
    case when length(period) = 7 then (period || '-01')::date else period::date end as first_day,
    case when length(period) = 7 then ((period || '-01')::date + interval 1 month - interval 1 day)::date else period::date end as last_day,
    case event when 'closed' then 'closed' else 'open' end as status,
    actor_id,
    approved_by,
    occurred_at as changed_at,
    closes,
    {{ run_id() }} as _run_id
from periods
