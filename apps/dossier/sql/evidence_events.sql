-- The events an alert rests on, by the keys it names.
select occurred_at, recorded_at, event_type, stream, stream_id, actor_type, actor_id, reason, after, source_feed, source_key, version, event_id
from compliance.fct_audit_events
where client_id = $client_id and list_contains($evidence, source_feed || ':' || source_key) and recorded_at <= $knowledge
order by occurred_at, recorded_at, event_id
