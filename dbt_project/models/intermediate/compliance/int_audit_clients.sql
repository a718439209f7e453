{{ audit_changes('clients', ['client_id'], ['client_id', 'changed_at'], 'changed_at', "'client'", 'changes.client_id', client_id='changes.client_id') }}
union all by name
select
    'kyc_events:' || events.provider || ':' || events.event_id || ':v' || events._version as event_id,
    'kyc' as stream,
    coalesce(events.client_id, events.provider || ':' || events.event_id) as stream_id,
    'kyc.' || events.event as event_type,
    events.occurred_at,
    events.recorded_at,
    events.actor_type,
    events.actor_id,
    events.client_id,
    array_to_string(events.reason_codes, ', ') as reason,
    case when events.from_status is not null then {{ json_object_of({'status': 'events.from_status'}) }} end as before,
    {{ json_object_of({
        'status': 'events.to_status', 'check': 'events.check', 'result': 'events.result', 'category': 'events.category',
        'outcome': 'events.outcome', 'risk_rating': 'events.risk_rating', 'document_type': 'events.document_type',
        'document_country': 'events.document_country', 'document_fingerprint': 'events.document_fingerprint',
        'document_issued_on': 'events.document_issued_on', 'document_expires_on': 'events.document_expires_on',
        'second_actor_id': 'events.second_actor_id', 'rule_version': 'events.rule_version', 'detail': 'events.detail'
    }) }} as after,
    events.client_id as correlation_id,
    'kyc_events' as source_feed,
    events.provider || ':' || events.event_id as source_key,
    events._version as version,
    {{ seal_columns() }},
    events._row_hash as row_hash,
    events._load_id
from {{ source('raw', 'kyc_events') }} as events
{{ join_seal('kyc_events', 'events') }}
union all by name
select
    'client_sessions:' || sessions.session_id || ':v' || sessions._version as event_id,
    'session' as stream,
    coalesce(sessions.client_id, sessions.session_id) as stream_id,
    'session.' || sessions.event as event_type,
    sessions.occurred_at,
    sessions.recorded_at,
    'client' as actor_type,
    sessions.client_id as actor_id,
    sessions.client_id,
    null::varchar as reason,
    null::varchar as before,
    {{ json_object_of({
        'instrument_id': 'sessions.instrument_id', 'ip': 'sessions.ip', 'ip_country': 'sessions.ip_country', 'device_id': 'sessions.device_id'
    }) }} as after,
    sessions.session_id as correlation_id,
    'client_sessions' as source_feed,
    sessions.session_id as source_key,
    sessions._version as version,
    sessions._row_hash as row_hash,
    sessions._load_id
from {{ source('raw', 'client_sessions') }} as sessions
union all by name
select
    'tickets:' || tickets.event_id || ':v' || tickets._version as event_id,
    'ticket' as stream,
    tickets.ticket_id as stream_id,
    'ticket.' || tickets.event as event_type,
    tickets.occurred_at,
    tickets.recorded_at,
    tickets.actor_type,
    tickets.actor_id,
    tickets.client_id,
    null::varchar as reason,
    null::varchar as before,
    {{ json_object_of({
        'is_complaint': 'tickets.is_complaint', 'priority': 'tickets.priority', 'channel': 'tickets.channel', 'topic': 'tickets.topic'
    }) }} as after,
    tickets.ticket_id as correlation_id,
    'tickets' as source_feed,
    tickets.event_id as source_key,
    tickets._version as version,
    tickets._row_hash as row_hash,
    tickets._load_id
from {{ source('raw', 'tickets') }} as tickets
union all by name
select
    'communications:' || messages.communication_id || ':v' || messages._version as event_id,
    'communication' as stream,
    coalesce(messages.client_id, messages.communication_id) as stream_id,
    concat_ws('.', 'communication', messages.channel, messages.direction) as event_type,
    messages.occurred_at,
    messages.recorded_at,
    case when messages.staff_id is not null then 'staff' end as actor_type,
    messages.staff_id as actor_id,
    messages.client_id,
    null::varchar as reason,
    null::varchar as before,
    {{ json_object_of({'subject': 'messages.subject', 'outcome': 'messages.outcome'}) }} as after,
    messages.communication_id as correlation_id,
    'communications' as source_feed,
    messages.communication_id as source_key,
    messages._version as version,
    messages._row_hash as row_hash,
    messages._load_id
from {{ source('raw', 'communications') }} as messages
