"""The dossier's queries. Every mart is sorted by what it is looked up by here, and every parameter is bound.

A look-up compares with `=`: that is pushed into the scan, which then skips row groups and rows; `in` and `or` read them first.
"""

REQUEST = """
select
    request_id, client_id, amount, currency, method, requested_at, destination_holder, psp, channel, requested_by, turnaround_seconds,
    paused_seconds
from operations.fct_withdrawals where request_id = ?
"""

DECISION = "select actor_role from compliance.fct_decisions where decision_id = ?"

_EVENT = """
    occurred_at, recorded_at, event_type, actor_type, actor_id, actor_role, reason, stream, stream_id, event_id, version, before, after,
    source_feed, source_key, load_id
"""

# the request's own events, and what was ordered and delivered about it from our own pages
REQUEST_EVENTS = " union all ".join(
    f"""
    select {_EVENT} from compliance.fct_audit_events
    where stream = '{stream}' and stream_id = {stream_id} and occurred_at <= $2 and recorded_at <= $3
    """
    for stream, stream_id in (("payment", "$1"), ("approval", "'withdrawal:' || $1"), ("outbox", "'withdrawal:' || $1"))
)

CLIENT_EVENTS = " union all ".join(
    f"""
    select {_EVENT} from compliance.fct_audit_events
    where stream = '{stream}' and stream_id = $1 and occurred_at <= $2 and recorded_at <= $3
    """
    for stream in ("kyc", "client")
)

CHECKS = """
select check_name, version, result, ran_at, recorded_at, system, inputs, check_id from compliance.fct_checks where subject_id = ?
"""

CLIENT_STATUS = """
with clocks as (
    select 'as_it_was' as clock, $2::timestamp as moment, $3::timestamp as knowledge
    union all
    select 'as_known_then' as clock, $2::timestamp as moment, $4::timestamp as knowledge
),
held as (
    select 'kyc_status' as attribute, status as value, valid_from, valid_to, recorded_at, superseded_at
    from compliance.fct_kyc_status where client_id = $1
    union all
    select attribute, value, valid_from, valid_to, recorded_at, superseded_at
    from compliance.fct_client_ratings where client_id = $1
)
select clocks.clock, held.attribute, held.value from held, clocks
where
    held.valid_from <= clocks.moment and (held.valid_to is null or clocks.moment < held.valid_to)
    and held.recorded_at <= clocks.knowledge and (held.superseded_at is null or clocks.knowledge < held.superseded_at)
"""

CONTROL_FAILURES = """
select control, discovered_later, detail, actor_id, occurred_at, decision_id
from compliance.fct_control_failures where subject_id = ? order by control
"""

NEAREST = """
select request_id from operations.fct_withdrawals
order by jaro_winkler_similarity(request_id, ?) desc, request_id limit 5
"""

REACHES = """
select max(greatest(requested_at, coalesce(decided_at, requested_at), coalesce(paid_at, requested_at))) as reaches
from operations.fct_withdrawals
"""
