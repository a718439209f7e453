-- An alert that somebody raised by hand: the case of the approvals.
select client_id, entity, state as status, opened_at as requested_at, maker_person as requested_by, closed_at, []::varchar[] as evidence
from compliance.fct_approvals where subject_type = 'alert' and subject_id = $id
