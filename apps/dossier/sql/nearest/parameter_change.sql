select near from (
    select subject_id as near from compliance.fct_approvals where subject_type in ('parameter_change', 'rule_change', 'policy_change')
    union
    select stream_id as near from compliance.fct_audit_events where stream = 'parameter' or stream = 'policy'
) as known
order by jaro_winkler_similarity(near, $id) desc, near limit 5
