-- An internal transfer by our request id; what it states comes from its newest rows.
with known as (
    select *, row_number() over (partition by source_feed, source_key order by version desc) = 1 as is_newest
    from compliance.fct_audit_events
    where stream = 'payment' and stream_id = $id and occurred_at <= $until and recorded_at <= $knowledge
),

own as (
    select *, case when json_valid(after) then after end as said from known
    where is_newest and event_type like 'internal_transfer.%'
)

select
    min(client_id) as client_id,
    arg_max((said ->> 'amount')::decimal(38, 8), (occurred_at, event_id)) as amount,
    arg_max(said ->> 'currency', (occurred_at, event_id)) as currency,
    min(occurred_at) as requested_at,
    arg_max(said ->> 'from_account', (occurred_at, event_id)) as from_account,
    arg_max(said ->> 'to_account', (occurred_at, event_id)) as to_account,
    arg_max((said ->> 'to_amount')::decimal(38, 8), (occurred_at, event_id)) as to_amount,
    arg_max(said ->> 'to_currency', (occurred_at, event_id)) as to_currency,
    arg_min(actor_id, (occurred_at, event_id)) as requested_by
from own
having count(*) > 0
