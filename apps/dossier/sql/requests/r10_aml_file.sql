-- R10 AML file: alerts as raised, the cases and what they came to, and the screening history. Restricted: for the mlro alone.
select
    'alert' as part, alerts.created_at as happened_at, alerts.alert_id as reference, alerts.client_id, alerts.scenario as what,
    alerts.status as outcome, alerts.score::decimal(18, 8) as score, alerts.amount_eur, array_to_string(alerts.evidence, ' ') as evidence,
    null::varchar as actor_id, null::varchar as reason_code
from compliance.fct_alerts as alerts
where
    alerts.created_at >= $from::timestamp and alerts.created_at < $until::timestamp
    and ($client_id::varchar is null or alerts.client_id = $client_id)
union all by name
{requests/r10_aml_cases}
