-- Every decision on the subject, each step with the role and the limit it was taken with.
select
    decision_id, subject_type, subject_id, decision, actor_type, actor_id, actor_role, on_behalf_of, reason_code, decided_at, recorded_at,
    policy_version, round, step, actor_limit_eur, amount_eur, publish_id, publish_age_seconds
from compliance.fct_decisions
where
    subject_id = $decided_id and list_contains($decided_types, subject_type)
    and decided_at <= $until and recorded_at <= $knowledge
order by decided_at, decision_id
