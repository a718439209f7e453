-- The newest version of each approval or rejection, with when we first heard of the event: a decision corrected a month later was known before.
with decisions as (
    select * from {{ ref('stg_cash_requests') }} where event in ('approved', 'rejected')
),

first_heard as (
    select
        event_id,
        min(recorded_at) as recorded_at
    from {{ source('raw', 'cash_requests') }}
    where event_id in (select corrected.event_id from {{ source('raw', 'cash_requests') }} as corrected where corrected._version > 1)
    group by event_id
)

select
    decisions.event_id,
    decisions.request_id,
    decisions.event as decision,
    decisions.amount,
    decisions.currency,
    decisions.actor_type,
    decisions.actor_id,
    decisions.reason,
    decisions.occurred_at as decided_at,
    decisions.recorded_at,
    greatest(decisions.occurred_at, coalesce(first_heard.recorded_at, decisions.recorded_at)) as known_at
from decisions
left join first_heard on decisions.event_id = first_heard.event_id
