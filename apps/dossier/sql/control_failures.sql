-- Rules that the decision broke, by what was known then and by what is known now (discovered_later).
select control, discovered_later, detail, actor_id, occurred_at, decision_id
from compliance.fct_control_failures where subject_id = $decided_id
order by control, occurred_at, decision_id
