-- Every check of the subject: what ran, in which version, on which inputs, with what result.
select check_name, version, result, ran_at, recorded_at, system, inputs, check_id
from compliance.fct_checks where subject_id = $decided_id
order by ran_at, check_name, check_id
