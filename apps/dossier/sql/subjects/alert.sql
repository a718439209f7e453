-- An alert as its model raised it.
select
    client_id, group_id, person_id, entity, scenario, scenario_version, severity, window_start, window_end, amount_eur, score, evidence, evaluated_on,
    detail, parameters, status, is_reopened, holds_money, created_at as requested_at
from compliance.fct_alerts where alert_id = $id
