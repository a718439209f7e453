-- Everything in the audit trail that concerns one client, whatever its stream; reads of the client's record are in the access log.
select
    occurred_at, recorded_at, event_type, actor_type, actor_id, actor_role, reason, stream, stream_id, event_id, version, before, after,
    source_feed, source_key, load_id
from compliance.fct_audit_events
where client_id = $client_id and occurred_at <= $until and recorded_at <= $knowledge and stream <> 'access'
order by occurred_at, recorded_at, event_id
