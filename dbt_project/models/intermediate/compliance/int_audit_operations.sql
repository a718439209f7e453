-- Events of our own operational store. One that another feed carries under the same id (a decision on a withdrawal comes back as a cash request)
-- is that feed's event, and bears the seal there: one event, one row.
select
    'operational_events:' || events.event_id || ':v' || events._version as event_id,
    case
        when events.type like 'approval.%' or events.type like '%.proposed' then 'approval'
        else coalesce(events.stream, events.subject_type, 'operation')
    end as stream,
    case
        when events.stream = 'access' then coalesce(events.actor_id, events.subject_id)
        when events.subject_type = 'policy' then events.subject_id
        else concat_ws(':', events.subject_type, events.subject_id)
    end as stream_id,
    events.type as event_type,
    events.occurred_at,
    events.recorded_at,
    case when events.actor_type <> 'human' then events.actor_type when events.actor_role is not null then 'staff' end as actor_type,
    events.actor_id,
    events.actor_role,
    events.client_id,
    events.reason,
    events.before,
    case
        when coalesce(events.ip, events.device, events.on_behalf_of) is null then events.after
        else json_merge_patch(
            coalesce(events.after, '{}'),
            {{ json_object_of({'ip': 'events.ip', 'device_id': 'events.device', 'on_behalf_of': 'events.on_behalf_of'}) }}
        )::varchar
    end as after,
    -- the same as in the subject's own stream, so that request, checks, orders, delivery and payment are one walk
    case
        when events.stream = 'access' then coalesce(events.after ->> 'session_id', events.subject_id)
        when events.subject_type = 'override' then regexp_replace(regexp_replace(events.subject_id, '^[^:]*:', ''), '#[0-9]+$', '')
        else events.subject_id
    end as correlation_id,
    'operational_events' as source_feed,
    events.event_id as source_key,
    events.rule_version,
    events.approval_id,
    events.seq,
    events.hash,
    events._version as version,
    events._row_hash as row_hash,
    events._load_id
from {{ source('raw', 'operational_events') }} as events
where events.carried_by is null
