-- Every approval of commission with what it covers (a line, or the lines of a partner's period known when it was; one of our own runs also takes what
-- earlier periods left, and leaves out the clients held then) and the payout that paid it. A payout pays what was approved before it and not paid yet.
with decisions as (select * from {{ ref('stg_commission_decisions') }} where partner_id is not null and currency is not null),

run_lines as (
    select
        event_id,
        unnest(json_extract(after, '$.facts."facts.lines"[*]')) as line,
        unnest(range(1, len(json_extract(after, '$.facts."facts.lines"[*]')) + 1)) as number
    from {{ ref('stg_operational_events') }}
    where subject_type = 'payout_run' and type = 'approval.approved'
),

own_runs as (
    select
        event_id || ':' || number as event_id,
        coalesce(json_extract_string(line, '$.held_clients[*]'), []) as held_clients
    from run_lines
),

approvals as (
    select
        decisions.*,
        own_runs.event_id is not null as takes_earlier,
        coalesce(own_runs.held_clients, []) as held_clients
    from decisions
    left join own_runs on decisions.event_id = own_runs.event_id
    where decisions.event = 'approved'
),

paid as (
    select
        approvals.event_id,
        arg_min(payouts.payout_id, (payouts.paid_at, payouts.payout_id)) as payout_id,
        min(payouts.paid_at) as paid_at
    from approvals
    inner join {{ ref('int_payout_attempts') }} as payouts
        on
            approvals.partner_id = payouts.partner_id
            and approvals.currency = payouts.currency
            and approvals.occurred_at <= payouts.paid_at
            and coalesce(payouts.period, approvals.period, '') >= coalesce(approvals.period, '')
    where payouts.undone_by is null
    group by approvals.event_id
)

select
    approvals.event_id as approval_id,
    approvals.partner_id,
    approvals.currency,
    approvals.period,
    approvals.accrual_id,
    approvals.takes_earlier,
    approvals.held_clients,
    approvals.actor_id,
    approvals.occurred_at,
    approvals.recorded_at as known_at,
    paid.payout_id,
    paid.paid_at
from approvals
left join paid on approvals.event_id = paid.event_id
