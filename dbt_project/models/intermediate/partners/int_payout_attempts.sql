-- Every payment of commission sent to a partner, and the first refusal or return before the next one, which undoes it.
with decisions as (select * from {{ ref('int_commission_decisions') }}),

sent as (
    select
        *,
        lead(occurred_at) over (partition by partner_id, currency order by occurred_at, event_id) as next_at
    from decisions
    where event = 'paid'
),

undone as (
    select
        sent.event_id,
        arg_min(decisions.event, (decisions.occurred_at, decisions.event_id)) as undone_by
    from sent
    inner join decisions
        on
            sent.partner_id = decisions.partner_id
            and sent.currency = decisions.currency
            and decisions.event in ('failed', 'returned')
            and sent.occurred_at <= decisions.occurred_at
            and decisions.occurred_at < coalesce(sent.next_at, timestamp '9999-12-31')
    group by sent.event_id
)

select
    sent.event_id as payout_id,
    sent.partner_id,
    sent.period,
    sent.currency,
    sent.occurred_at as paid_at,
    undone.undone_by
from sent
left join undone on sent.event_id = undone.event_id
