-- A proposed change of a parameter, a rule or a policy.
select
    subject_type as kind, client_id, entity, state as status, policy_version, opened_at as requested_at, maker_person as requested_by, closed_at
from compliance.fct_approvals
where subject_id = $id and subject_type in ('parameter_change', 'rule_change', 'policy_change')
