-- A deposit by our request id, or psp:transaction where no request came before it; what it states comes from its newest rows.
with known as (
    select *, row_number() over (partition by source_feed, source_key order by version desc) = 1 as is_newest
    from compliance.fct_audit_events
    where stream = 'payment' and stream_id = $id and occurred_at <= $until and recorded_at <= $knowledge
),

own as (
    select *, case when json_valid(after) then after end as said from known
    where is_newest and (event_type like 'deposit.%' or event_type like 'psp.deposit.%')
)

select
    min(client_id) as client_id,
    arg_max((said ->> 'amount')::decimal(38, 8), (occurred_at, event_id)) as amount,
    arg_max(said ->> 'currency', (occurred_at, event_id)) as currency,
    arg_max(said ->> 'method', (occurred_at, event_id)) as method,
    min(occurred_at) as requested_at,
    arg_max(said ->> 'instrument_holder', (occurred_at, event_id)) as instrument_holder,
    arg_max(said ->> 'instrument_id', (occurred_at, event_id)) as instrument_id,
    coalesce(arg_max(said ->> 'psp', (occurred_at, event_id)), max(actor_id) filter (where actor_type = 'provider')) as psp,
    arg_min(actor_id, (occurred_at, event_id)) as requested_by,
    max(occurred_at) filter (where event_type in ('psp.deposit.completed', 'deposit.paid')) as completed_at
from own
having count(*) > 0
