select request_id as near from operations.fct_withdrawals
order by jaro_winkler_similarity(request_id, $id) desc, request_id limit 5
