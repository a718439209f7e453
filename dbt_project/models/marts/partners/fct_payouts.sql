-- a view: it changes with decisions alone, and an increment of deals need not build it
{{ config(materialized='view', meta={'owner': 'partners', 'control_totals': ['amount'], 'sorted_by': ['partner_id']}) }}

with coverage as (select * from {{ ref('int_commission_coverage') }}),

decisions as (select * from {{ ref('stg_commission_decisions') }}),

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

attempts as (
    select
        decisions.event_id,
        decisions.partner_id,
        decisions.period,
        decisions.currency,
        decisions.occurred_at,
        lead(decisions.occurred_at) over (partition by decisions.partner_id, decisions.currency order by decisions.occurred_at, decisions.event_id) as next_at
    from decisions
    where decisions.event = 'paid'
),

undone as (
    select
        attempts.event_id,
        arg_min(later.event, (later.occurred_at, later.event_id)) as event
    from attempts
    inner join decisions as later
        on
            attempts.partner_id = later.partner_id
            and attempts.currency = later.currency
            and later.event in ('failed', 'returned')
            and attempts.occurred_at <= later.occurred_at
            and later.occurred_at < coalesce(attempts.next_at, timestamp '9999-12-31')
    group by attempts.event_id
),

payouts as (
    select
        attempts.event_id as payout_id,
        attempts.partner_id,
        coalesce(attempts.period, approved.period) as period,
        events.net_amount as amount,
        attempts.currency,
        coalesce(undone.event, 'paid') as status,
        approved.approved_by,
        approved.approved_at,
        attempts.occurred_at as paid_at
    from attempts
    inner join events on attempts.event_id = events.source_key
    left join approved on attempts.event_id = approved.payout_id
    left join undone on attempts.event_id = undone.event_id
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
