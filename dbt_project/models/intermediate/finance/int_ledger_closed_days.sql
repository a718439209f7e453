{{ config(materialized='view') }}

-- The days of closed periods, as approved by a second person and known before the step under way, each with the first open day after it: where a late
-- event is booked. A period stays open for what came with its close. Reads the run under way itself, as a view is not made anew on every run.
with events as (
    select * from {{ ref('stg_period_events') }}
    where recorded_at < (select run.recorded_at from control.run as run)
),

periods as (
    select
        entity,
        period,
        arg_max(event, (occurred_at, event_id)) as event
    from events
    where event = 'reopened' or (approved_by is not null and approved_by <> actor_id)
    group by entity, period
),

bounds as (
    select
        entity,
        case when length(period) = 7 then (period || '-01')::date else period::date end as first_day,
        case when length(period) = 7 then ((period || '-01')::date + interval 1 month - interval 1 day)::date else period::date end as last_day
    from periods
    where event = 'closed'
),

days as (
    select distinct
        entity,
        unnest(range(first_day::timestamp, last_day::timestamp + interval 1 day, interval 1 day))::date as day
    from bounds
),

islands as (
    select
        *,
        day - (row_number() over (partition by entity order by day))::integer as island
    from days
)

select
    entity,
    day,
    max(day) over (partition by entity, island) + 1 as open_on
from islands
