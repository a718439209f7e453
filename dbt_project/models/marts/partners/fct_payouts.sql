-- a view: it changes with decisions alone, and an increment of deals need not build it
{{ config(materialized='view', meta={'owner': 'partners', 'control_totals': ['amount'], 'sorted_by': ['partner_id']}) }}

with coverage as (select * from {{ ref('int_commission_coverage') }}),

events as (
    select * from {{ ref('int_ledger_partner_events') }}
    where source_feed = 'commission_decisions' and event_kind in ('paid', 'approved', 'failed', 'returned') and reason is null
),

made as (
    select
        source_key,
        entry_id
    from {{ ref('int_ledger_money_entries') }}
    where source_feed = 'commission_decisions' and sign = 1
    qualify row_number() over (partition by source_key order by version desc) = 1
),

-- who approved what a payout paid
approved as (
    select
        payout_id,
        max(period) as period,
        arg_max(actor_id, (occurred_at, approval_id)) as approved_by,
        max(occurred_at) as approved_at
    from coverage
    where payout_id is not null
    group by payout_id
),

payouts as (
    select
        sent.payout_id,
        sent.partner_id,
        coalesce(sent.period, approved.period) as period,
        events.net_amount as amount,
        sent.currency,
        coalesce(sent.undone_by, 'paid') as status,
        approved.approved_by,
        approved.approved_at,
        sent.paid_at
    from {{ ref('int_payout_attempts') }} as sent
    inner join events on sent.payout_id = events.source_key
    left join approved on sent.payout_id = approved.payout_id
    union all
    select
        coverage.approval_id as payout_id,
        coverage.partner_id,
        coverage.period,
        events.net_amount as amount,
        coverage.currency,
        'approved' as status,
        coverage.actor_id as approved_by,
        coverage.occurred_at as approved_at,
        null::timestamp as paid_at
    from coverage
    inner join events on coverage.approval_id = events.source_key
    where coverage.payout_id is null
)

select
    payouts.payout_id,
    payouts.partner_id,
    payouts.period,
    payouts.amount::decimal(38, 8) as amount,
    payouts.currency,
    payouts.status,
    payouts.approved_by,
    payouts.approved_at,
    payouts.paid_at,
    made.entry_id,
    {{ run_id() }} as _run_id
from payouts
left join made on payouts.payout_id = made.source_key
