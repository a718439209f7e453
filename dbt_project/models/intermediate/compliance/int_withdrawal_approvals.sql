-- Every approval of a withdrawal with its policy, its client and who approved, as it was and as it was known then.
with approvals as (
    select
        requests.request_id,
        requests.client_id,
        requests.requested_by,
        requests.destination_holder,
        decisions.event_id,
        decisions.actor_type,
        decisions.actor_id,
        decisions.decided_at,
        decisions.known_at,
        coalesce(decisions.amount, requests.amount) as amount,
        case when decisions.amount is null then requests.currency else decisions.currency end as currency
    from {{ ref('int_request_decisions') }} as decisions
    inner join {{ ref('fct_withdrawals') }} as requests on decisions.request_id = requests.request_id
    where decisions.decision = 'approved'
),

policies as (select * from {{ ref('approval_policies') }} where subject_type = 'withdrawal'),

staff as (select * from {{ ref('int_staff_known') }})

select
    approvals.request_id,
    approvals.event_id,
    approvals.client_id,
    approvals.requested_by,
    approvals.destination_holder,
    coalesce(approvals.actor_type, case when staff_now.staff_id is not null then 'staff' end) as actor_type,
    approvals.actor_id,
    approvals.decided_at,
    approvals.known_at,
    approvals.amount,
    approvals.currency,
    policies.policy_version,
    policies.document_check,
    policies.holder_similarity,
    staff_now.role as role_now,
    staff_now.is_active as is_active_now,
    staff_now.approval_limit_eur as limit_now,
    staff_now.client_id as approver_client_id_now,
    staff_now.email as approver_email_now,
    staff_now.staff_id is not null as approver_known_now,
    staff_then.role as role_then,
    staff_then.is_active as is_active_then,
    staff_then.approval_limit_eur as limit_then,
    staff_then.client_id as approver_client_id_then,
    staff_then.email as approver_email_then,
    staff_then.staff_id is not null as approver_known_then
from approvals
left join policies
    on
        approvals.decided_at >= policies.valid_from
        and approvals.decided_at < coalesce(policies.valid_to, timestamp '9999-12-31')
left join staff as staff_now
    on approvals.actor_id = staff_now.staff_id and {{ held_at('staff_now', 'approvals.decided_at') }}
left join staff as staff_then
    on approvals.actor_id = staff_then.staff_id and {{ held_at('staff_then', 'approvals.decided_at', 'approvals.known_at') }}
