-- One stream of the audit trail up to a moment, as known at another. With what each event states.
select
    occurred_at, recorded_at, event_type, actor_type, actor_id, actor_role, reason, stream, stream_id, event_id, version, source_feed, source_key, load_id,
    after
from compliance.fct_audit_events
where stream = $stream and stream_id = $stream_id and occurred_at <= $until and recorded_at <= $knowledge
order by occurred_at, recorded_at, event_id
