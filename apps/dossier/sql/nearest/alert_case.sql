select subject_id as near from compliance.fct_approvals where subject_type = 'alert'
order by jaro_winkler_similarity(subject_id, $id) desc, subject_id limit 5
