-- A parameter or policy by its own id: commission_plans:<plan>, commission_rules:<plan>:<rule>, or a policy.
select stream as kind, null::varchar as client_id, min(occurred_at) as requested_at, arg_min(actor_id, occurred_at) as requested_by, count(*) as changes
from compliance.fct_audit_events
where stream_id = $id and stream in ('parameter', 'policy')
group by stream
order by stream
limit 1
