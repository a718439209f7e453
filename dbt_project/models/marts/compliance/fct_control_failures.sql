-- Only the approvals with a failure are read, so the table is small and replaced as a whole: a verdict that no longer holds leaves no row.
with failing as (
    select
        request_id,
        event_id,
        actor_id,
        decided_at,
        policy_version,
        unnest(failures) as failure
    from {{ ref('int_withdrawal_controls') }}
    where len(failures) > 0
)

select
    failure.control as control,
    'withdrawal' as subject_type,
    request_id as subject_id,
    actor_id,
    decided_at as occurred_at,
    failure.discovered_later as discovered_later,
    failure.detail as detail,
    'cash_requests:' || event_id as decision_id,
    policy_version,
    {{ run_id() }} as _run_id
from failing
order by subject_id, control
