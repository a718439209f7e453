-- An alert as its model raised it.
select
    client_id, group_id, scenario, scenario_version, window_start, window_end, amount_eur, score, evidence, status, created_at as requested_at
from compliance.fct_alerts where alert_id = $id
