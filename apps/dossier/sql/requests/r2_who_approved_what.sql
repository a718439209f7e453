-- R2 Who approved what: each decision of the span with the authority then in force and the test of segregation. Dispositions of alerts are R10's.
with staff as (
    select
        stream_id as staff_id, occurred_at, after ->> 'role' as role, try_cast(after ->> 'approval_limit_eur' as decimal(38, 8)) as limit_eur,
        after ->> 'client_id' as client_id
    from compliance.fct_audit_events
    where stream = 'staff' and json_valid(after)
),

makers as (
    select subject_type, subject_id, round, max(maker_person) as maker_person from compliance.fct_approvals group by all
),

failures as (
    select decision_id, list(distinct control order by control) as controls
    from compliance.fct_control_failures where decision_id is not null group by decision_id
),

taken as (
    select * from compliance.fct_decisions
    where
        decided_at >= $from::timestamp and decided_at < $until::timestamp and subject_type not in ('alert', 'erasure')
        and decision not in ('retracted')
)

select
    taken.decision_id, taken.subject_type, taken.subject_id, taken.client_id, taken.decision, taken.decision = 'overridden' as is_override,
    taken.decided_at, taken.recorded_at, taken.actor_type, taken.actor_id as approver, coalesce(taken.actor_role, staff.role) as approver_role,
    coalesce(taken.actor_limit_eur, staff.limit_eur) as authority_limit_eur, taken.amount_eur, taken.on_behalf_of, taken.reason_code,
    taken.policy_version, makers.maker_person as maker,
    not coalesce(list_contains(failures.controls, 'self_approval'), false) as maker_is_not_checker,
    not coalesce(staff.client_id = taken.client_id, false) as approver_is_not_client,
    partners.partner_id is null as approver_is_not_introducer,
    failures.controls as control_failures
from taken
asof left join staff on taken.actor_id = staff.staff_id and taken.decided_at >= staff.occurred_at
left join makers on taken.subject_type = makers.subject_type and taken.subject_id = makers.subject_id and taken.round = makers.round
left join failures on taken.decision_id = failures.decision_id
left join core.dim_clients as clients on taken.client_id = clients.client_id
left join core.dim_partners as partners on clients.partner_id = partners.partner_id and staff.client_id = partners.client_id
order by taken.decided_at, taken.decision_id
