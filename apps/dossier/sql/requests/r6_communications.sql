-- R6 Communications: calls, chats, e-mails and messages with the client, and the tickets they wrote.
select
    occurred_at, recorded_at, stream, event_type, actor_type, actor_id as agent, stream_id as reference,
    case when json_valid(after) then after ->> 'subject' end as subject,
    case when json_valid(after) then coalesce(after ->> 'outcome', after ->> 'topic') end as outcome,
    event_id
from compliance.fct_audit_events
where
    client_id = $client_id and stream in ('communication', 'ticket')
    and occurred_at >= $from::timestamp and occurred_at < $until::timestamp
order by occurred_at, event_id
