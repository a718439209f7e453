select client_id as near from core.dim_clients order by jaro_winkler_similarity(client_id, $id) desc, client_id limit 5
