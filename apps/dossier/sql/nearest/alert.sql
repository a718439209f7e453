select alert_id as near from compliance.fct_alerts group by alert_id order by jaro_winkler_similarity(alert_id, $id) desc, alert_id limit 5
