-- The staff record of whoever decided: role, limit, whether active, each version as it was sent.
select occurred_at, recorded_at, event_id, version, after, source_feed, source_key
from compliance.fct_audit_events
where stream = 'staff' and stream_id = $decided_by and occurred_at <= $decision_at and recorded_at <= $known_at_decision
order by occurred_at, recorded_at, event_id
