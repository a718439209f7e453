{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='event_id'
) }}

-- What people did with a break on our own pages: who took it, what they wrote, which entry settles it, and the decision that closed it.
select
    event_id,
    seq,
    subject_id as break_id,
    type = 'approval.approved' and (after ->> '$.decisions[0].final') = 'true' as is_resolved,
    after ->> '$.owner' as owner,
    coalesce(after ->> '$.comment', after ->> '$.note') as comment,
    after ->> '$.entry_id' as entry_id,
    reason,
    actor_id,
    occurred_at,
    _load_id
from {{ ref('stg_operational_events') }}
where
    {{ new_rows() }}
    and subject_type = 'break'
    and type in ('break.assigned', 'break.commented', 'approval.approved')
