{{ config(
    materialized='incremental',
    incremental_strategy='append',
    post_hook=["{{ apply_accrual_states() }}", "{{ mark_built() }}"]
) }}
-- depends_on: {{ ref('dim_clients') }}
-- Where each line stands, for those whose standing changed: new lines, those of partners somebody decided on, those of clients whose flags may have
-- changed. The hook writes it to the lines.
{%- set since = high_water() %}
with coverage as (select * from {{ ref('int_commission_coverage') }}),

decisions as (select * from {{ ref('stg_commission_decisions') }}),

held_clients as (
    select distinct
        partner_id,
        currency,
        client_id
    from {{ ref('fct_commission_flags') }}
),

partners as (select partner_id, payout_schedule from {{ ref('dim_partners') }}),

held_subjects as (
    select
        partner_id,
        coalesce(accrual_id, period) as subject
    from decisions
    where event = 'held' or (event = 'released' and amount is null)
    group by partner_id, coalesce(accrual_id, period)
    having arg_max(event, (occurred_at, event_id)) = 'held'
),

clawed_lines as (select distinct accrual_id from decisions where event = 'clawed_back' and accrual_id is not null),

-- an approved proposal takes back all that one client's deals earned until then
clawed_clients as (
    select
        (after -> '$.facts') ->> 'facts.partner_id' as partner_id,
        after ->> '$.decisions[0].currency' as currency,
        client_id,
        max(recorded_at) as known_at
    from {{ ref('stg_operational_events') }}
    where subject_type = 'commission_clawback' and type = 'approval.approved' and (after ->> '$.decisions[0].final') = 'true'
    group by all
),

looked_at as (
    select
        *,
        strftime(executed_at, '%Y-%m') as period
    from {{ ref('fct_commission_accruals') }}
    {%- if since %}
    where
        _horizon_load_id > {{ since }}
        -- its day of payment may have come
        or status = 'approved'
        {%- if has_new_loads(['commission_decisions']) %}
        or partner_id in (select decided.partner_id from decisions as decided where decided._load_id > {{ since }})
        {%- endif %}
        {%- if has_new_loads(['psp_transactions', 'kyc_events', 'clients', 'partners', 'commission_decisions', 'operational_events']) %}
        -- a flag that came or went is seen by the line's own word
        or (status = 'held') <> ((partner_id, currency, client_id) in (select (held.partner_id, held.currency, held.client_id) from held_clients as held))
        {%- endif %}
    {%- endif %}
),

touched_reversals as (
    select
        accrual_id,
        accrued_at,
        reverses_accrual_id
    from looked_at
    where reverses_accrual_id is not null
),

-- a line taken back and the row that takes it back stand together
lines as (
    select
        accruals.*,
        strftime(accruals.executed_at, '%Y-%m') as period
    from {{ ref('fct_commission_accruals') }} as accruals
    where accruals.accrual_id in (select touched_reversals.reverses_accrual_id from touched_reversals)
    union
    select * from looked_at
),

covered as (
    select
        lines.accrual_id,
        min(coverage.known_at) as approved_at,
        arg_min(coverage.approval_id, (coverage.known_at, coverage.approval_id)) as approval_id,
        arg_min(coverage.payout_id, (coverage.known_at, coverage.approval_id)) as payout_id
    from lines
    inner join coverage
        on
            lines.partner_id = coverage.partner_id
            and lines.currency = coverage.currency
            and coverage.known_at >= lines.accrued_at
            and case
                when coverage.accrual_id is not null then coverage.accrual_id = lines.accrual_id
                else lines.period = coverage.period or (coverage.takes_earlier and coverage.period > lines.period)
            end
            and not list_contains(coverage.held_clients, lines.client_id)
    group by lines.accrual_id
),

first_approvals as (
    select
        partner_id,
        currency,
        period,
        min(known_at) as approved_at
    from coverage
    where accrual_id is null
    group by partner_id, currency, period
),

reversed as (
    select
        reversals.accrual_id,
        reversals.reverses_accrual_id,
        originals.approved_at is not null and originals.approved_at <= reversals.accrued_at as was_approved
    from lines as reversals
    left join covered as originals on reversals.reverses_accrual_id = originals.accrual_id
    where reversals.reverses_accrual_id is not null
),

taken_back as (
    select accrual_id from reversed where not was_approved
    union all
    select reverses_accrual_id as accrual_id from reversed where not was_approved
),

standing as (
    select
        lines.accrual_id,
        lines.partner_id,
        lines._run_id as written_by,
        lines.status as status_before,
        lines.approval_id as approval_before,
        lines.payout_id as payout_before,
        case
            when lines.accrual_id in (select clawed_lines.accrual_id from clawed_lines) then 'clawed_back'
            when taken_back.accrual_id is not null then 'reversed'
            when lines.accrued_at <= clawed_clients.known_at then 'clawed_back'
            when covered.payout_id is not null then 'paid'
            when first_approvals.approved_at < lines.accrued_at and covered.approval_id is not null then 'adjusted'
            when covered.approval_id is not null and {{ payable_from('lines.executed_at', 'partners.payout_schedule') }} > {{ known_at() }} then 'approved'
            when covered.approval_id is not null then 'payable'
            when held_clients.client_id is not null or held_subjects.subject is not null or held_lines.subject is not null then 'held'
            else 'accrued'
        end as status,
        case when taken_back.accrual_id is null then covered.approval_id end as approval_id,
        case when taken_back.accrual_id is null then covered.payout_id end as payout_id
    from lines
    left join covered on lines.accrual_id = covered.accrual_id
    left join taken_back on lines.accrual_id = taken_back.accrual_id
    left join first_approvals
        on lines.partner_id = first_approvals.partner_id and lines.currency = first_approvals.currency and lines.period = first_approvals.period
    left join held_clients
        on lines.partner_id = held_clients.partner_id and lines.currency = held_clients.currency and lines.client_id = held_clients.client_id
    left join partners on lines.partner_id = partners.partner_id
    left join clawed_clients
        on lines.partner_id = clawed_clients.partner_id and lines.currency = clawed_clients.currency and lines.client_id = clawed_clients.client_id
    left join held_subjects on lines.partner_id = held_subjects.partner_id and lines.period = held_subjects.subject
    left join held_subjects as held_lines on lines.partner_id = held_lines.partner_id and lines.accrual_id = held_lines.subject
)

select
    accrual_id,
    partner_id,
    written_by,
    status_before,
    status,
    approval_id,
    payout_id,
    {{ known_at() }} as known_at,
    {{ run_id() }} as _run_id
from standing
where
    status <> status_before
    or approval_id is distinct from approval_before
    or payout_id is distinct from payout_before
