-- Alerts on the client raised by each point, with the status they have now.
{moments}

select moments.point, moments.clock, alerts.alert_id, alerts.scenario, alerts.scenario_version, alerts.score, alerts.status, alerts.created_at
from compliance.fct_alerts as alerts, moments
where alerts.client_id = $client_id and alerts.created_at <= moments.moment
order by all
