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
select
    'case' as part, decided_at as happened_at, subject_id as reference, client_id, subject_type as what, decision as outcome, amount_eur, actor_id,
    reason_code
from compliance.fct_decisions
where
    subject_type = 'alert' and decided_at >= $from::timestamp and decided_at < $until::timestamp
    and ($client_id::varchar is null or client_id = $client_id)
union all by name
select
    'screening' as part, occurred_at as happened_at, event_id as reference, client_id, after ->> 'check' as what, after ->> 'result' as outcome, actor_id,
    reason as reason_code
from compliance.fct_audit_events
where
    stream = 'kyc' and event_type = 'kyc.check_completed' and json_valid(after) and (after ->> 'check') in ('sanctions', 'pep', 'adverse_media')
    and occurred_at >= $from::timestamp and occurred_at < $until::timestamp and ($client_id::varchar is null or stream_id = $client_id)
order by happened_at, part, reference
