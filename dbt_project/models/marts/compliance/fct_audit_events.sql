{{ config(
    materialized='incremental',
    incremental_strategy='append',
    meta={'owner': 'compliance', 'sorted_by': ['stream', 'stream_id', 'occurred_at']}
) }}

with staff as (select * from {{ ref('int_staff_known') }}),

events as (
    select * from {{ ref('int_audit_payments') }} where {{ new_rows() }}
    union all by name
    select * from {{ ref('int_audit_clients') }} where {{ new_rows() }}
    union all by name
    select * from {{ ref('int_audit_accounts') }} where {{ new_rows() }}
    union all by name
    select * from {{ ref('int_audit_firm') }} where {{ new_rows() }}
    union all by name
    select * from {{ ref('int_audit_operations') }} where {{ new_rows() }}
)

select
    events.event_id,
    events.stream,
    events.stream_id,
    events.event_type,
    events.occurred_at,
    events.recorded_at,
    coalesce(events.actor_type, case when staff.staff_id is not null then 'staff' end) as actor_type,
    events.actor_id,
    coalesce(events.actor_role, staff.role) as actor_role,
    events.client_id,
    events.reason,
    events.before,
    nullif(events.after, '{}') as after,
    events.correlation_id,
    events.source_feed,
    events.source_key,
    events.row_hash,
    events._load_id as load_id,
    events.version,
    events.rule_version,
    events.approval_id,
    events.seq,
    events.hash,
    {{ run_id() }} as _run_id
from events
-- the role as it was known when the event was: an appended event never changes
left join staff
    on
        events.actor_id = staff.staff_id
        and coalesce(events.actor_type, 'staff') = 'staff'
        and {{ held_at('staff', 'events.occurred_at', 'events.recorded_at') }}
order by events.stream, events.stream_id, events.occurred_at
