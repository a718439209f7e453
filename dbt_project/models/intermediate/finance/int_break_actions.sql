{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_id'
) }}

-- What people did with a break on our own pages: who took it, what they wrote, which entry settles it, and the decision that closed it.
-- One that was undone closed nothing; it comes in one load with its undoing.
with events as (
    select * from {{ ref('stg_operational_events') }}
    where {{ new_rows() }} and subject_type = 'break'
),

undone as (select distinct approval_id, _load_id from events where type = 'approval.undone')

select
    events.event_id,
    events.seq,
    events.subject_id as break_id,
    events.type = 'approval.approved' and (events.after ->> '$.decisions[0].final') = 'true' and undone.approval_id is null as is_resolved,
    events.after ->> '$.owner' as owner,
    coalesce(events.after ->> '$.comment', events.after ->> '$.note') as comment,
    events.after ->> '$.entry_id' as entry_id,
    events.reason,
    events.actor_id,
    events.occurred_at,
    events._load_id
from events
left join undone on events.event_id = undone.approval_id and events._load_id = undone._load_id
where events.type in ('break.assigned', 'break.commented', 'approval.approved')
