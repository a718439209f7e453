-- Which events of one stream our own hash chain holds: their numbers and hashes.
select seq, hash, event_id
from compliance.fct_audit_events
where stream = $stream and stream_id = $stream_id and occurred_at <= $until and recorded_at <= $knowledge and seq is not null
order by seq
