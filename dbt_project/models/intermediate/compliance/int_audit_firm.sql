{{ audit_changes('partners', ['partner_id'], ['partner_id', 'changed_at'], 'changed_at', "'partner'", 'changes.partner_id', client_id='changes.client_id') }}
union all by name
{{ audit_changes('partner_links', ['child_kind', 'child_id'], ['child_kind', 'child_id', 'valid_from'], 'valid_from', 'changes.child_kind', 'changes.child_id',
    actor_type='null', actor_id='changes.actor_id', client_id="case when changes.child_kind = 'client' then changes.child_id end", reason='changes.reason') }}
union all by name
{{ audit_changes('staff', ['staff_id'], ['staff_id', 'changed_at'], 'changed_at', "'staff'", 'changes.staff_id') }}
union all by name
-- a plan or a rule may state no validity: then it holds from the moment we learned it
select * replace (coalesce(occurred_at, recorded_at) as occurred_at)
from ({{ audit_changes('commission_plans', ['plan_id'], ['plan_id', 'version'], 'valid_from', "'parameter'", "'commission_plans:' || changes.plan_id") }})
union all by name
select * replace (coalesce(occurred_at, recorded_at) as occurred_at)
from ({{ audit_changes('commission_rules', ['plan_id', 'rule_id'], ['plan_id', 'rule_id', 'version'], 'valid_from', "'parameter'", "'commission_rules:' || changes.plan_id || ':' || changes.rule_id") }})
union all by name
select
    'commission_decisions:' || decisions.event_id || ':v' || decisions._version as event_id,
    'commission' as stream,
    coalesce(decisions.accrual_id, concat_ws(':', decisions.partner_id, decisions.period), decisions.event_id) as stream_id,
    'commission.' || decisions.event as event_type,
    decisions.occurred_at,
    decisions.recorded_at,
    null::varchar as actor_type,
    decisions.actor_id,
    null::varchar as client_id,
    decisions.reason,
    null::varchar as before,
    {{ json_object_of({
        'amount': 'decisions.amount::varchar', 'currency': 'decisions.currency', 'partner_id': 'decisions.partner_id', 'period': 'decisions.period'
    }) }} as after,
    coalesce(decisions.accrual_id, decisions.partner_id) as correlation_id,
    'commission_decisions' as source_feed,
    decisions.event_id as source_key,
    decisions._version as version,
    {{ seal_columns() }},
    decisions._row_hash as row_hash,
    decisions._load_id
from {{ source('raw', 'commission_decisions') }} as decisions
{{ join_seal('commission_decisions', 'decisions') }}
union all by name
select
    'period_events:' || events.event_id || ':v' || events._version as event_id,
    'period' as stream,
    concat_ws(':', events.entity, events.period) as stream_id,
    'period.' || events.event as event_type,
    events.occurred_at,
    events.recorded_at,
    null::varchar as actor_type,
    events.actor_id,
    null::varchar as client_id,
    null::varchar as reason,
    null::varchar as before,
    {{ json_object_of({'entity': 'events.entity', 'period': 'events.period', 'approved_by': 'events.approved_by'}) }} as after,
    concat_ws(':', events.entity, events.period) as correlation_id,
    'period_events' as source_feed,
    events.event_id as source_key,
    events._version as version,
    {{ seal_columns() }},
    events._row_hash as row_hash,
    events._load_id
from {{ source('raw', 'period_events') }} as events
{{ join_seal('period_events', 'events') }}
union all by name
select
    'loads:' || loads.load_id as event_id,
    'load' as stream,
    loads.load_id::varchar as stream_id,
    'load.' || loads.status as event_type,
    coalesce(loads.finished_at, loads.recorded_at) as occurred_at,
    loads.recorded_at,
    'system' as actor_type,
    loads.connector as actor_id,
    null::varchar as client_id,
    loads.reason,
    null::varchar as before,
    {{ json_object_of({
        'feed': 'loads.feed', 'path': 'loads.path', 'file_sha256': 'loads.file_sha256', 'rows_read': 'loads.rows_read',
        'rows_loaded': 'loads.rows_loaded', 'rows_duplicate': 'loads.rows_duplicate', 'rows_quarantined': 'loads.rows_quarantined',
        'recorded_at_stated': 'loads.recorded_at_stated'
    }) }} as after,
    loads.file_sha256 as correlation_id,
    'loads' as source_feed,
    loads.load_id::varchar as source_key,
    1 as version,
    null::ubigint as row_hash,
    loads.load_id as _load_id
from {{ source('raw', 'loads') }} as loads
union all by name
-- rules only: the row itself may hold anything and stays in quality.fct_quarantine
select
    'quarantine:' || bad.load_id || ':' || bad.row_number || ':' || row_number() over (
        partition by bad.load_id, bad.row_number order by bad.feed, bad.row
    ) as event_id,
    'load' as stream,
    bad.load_id::varchar as stream_id,
    'quarantine.opened' as event_type,
    bad.recorded_at as occurred_at,
    bad.recorded_at,
    'system' as actor_type,
    'loader' as actor_id,
    null::varchar as client_id,
    array_to_string(bad.rules, '; ') as reason,
    null::varchar as before,
    {{ json_object_of({'feed': 'bad.feed', 'path': 'bad.path', 'row_number': 'bad.row_number'}) }} as after,
    bad.file_sha256 as correlation_id,
    'quarantine' as source_feed,
    bad.load_id || ':' || bad.row_number as source_key,
    1 as version,
    null::ubigint as row_hash,
    bad.load_id as _load_id
from {{ source('raw', 'quarantine') }} as bad
