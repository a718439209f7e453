{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['subject_type', 'subject_id'],
    meta={'owner': 'compliance', 'sorted_by': ['subject_type', 'subject_id']}
) }}

with events as (
    select *
    from {{ ref('int_approval_events') }}
    {% if is_incremental() -%}
    where (subject_type, subject_id) in (
        select (fresh.subject_type, fresh.subject_id) from {{ ref('int_approval_events') }} as fresh where {{ new_rows('fresh') }}
    )
    {%- endif %}
),

-- a refusal changes nothing and so names no round: it belongs to the one under way
placed as (
    select
        * exclude (round),
        coalesce(
            round,
            last_value(round ignore nulls) over (partition by subject_type, subject_id order by seq rows between unbounded preceding and 1 preceding),
            1
        ) as round
    from events
),

rounds as (
    select
        subject_type,
        subject_id,
        round,
        arg_max(client_id, seq) as client_id,
        arg_max(entity, seq) as entity,
        arg_max(amount, seq) as amount,
        arg_max(currency, seq) as currency,
        arg_max(amount_eur, seq) as amount_eur,
        arg_max(maker_person, seq) as maker_person,
        arg_max(policy_version, seq) as policy_version,
        min(opened_at) as opened_at,
        arg_max(due_at, seq) as due_at,
        coalesce(arg_max(state, seq), 'open') as state,
        count(*) filter (where event = 'claimed') as claims,
        count(*) filter (where event = 'refused') as refusals,
        count(*) filter (where event = 'information_requested') as information_requests,
        count(*) filter (where event = 'escalated') as escalations,
        count(*) filter (where decision = 'overridden') as overrides,
        count(*) filter (where decision in ('step_approved', 'approved')) as approvals,
        min(occurred_at) filter (where event = 'claimed') as first_claimed_at,
        min(occurred_at) filter (where decision is not null) as first_decided_at,
        max(occurred_at) filter (where is_final or event = 'withdrawn') as closed_at,
        arg_max(coalesce(decision, 'withdrawn'), seq) filter (where is_final or event = 'withdrawn') as outcome,
        arg_max(actor_id, seq) filter (where is_final or event = 'withdrawn') as closed_by,
        arg_max(actor_role, seq) filter (where is_final or event = 'withdrawn') as closed_by_role,
        arg_max(reason, seq) filter (where is_final or event = 'withdrawn') as reason_code,
        arg_max(decision_id, seq) filter (where is_final) as decision_id,
        max(seq) as last_seq,
        max(recorded_at) as recorded_at
    from placed
    group by subject_type, subject_id, round
    -- refusals alone are no dealing with a subject: somebody mistyped an id, or asked the empty queue
    having bool_or(event <> 'refused')
)

select
    subject_type,
    subject_id,
    round,
    client_id,
    entity,
    amount,
    currency,
    amount_eur,
    maker_person,
    policy_version,
    state,
    opened_at,
    first_claimed_at,
    first_decided_at,
    closed_at,
    due_at,
    closed_at > due_at as breached,
    outcome,
    closed_by,
    closed_by_role,
    reason_code,
    decision_id,
    claims,
    refusals,
    information_requests,
    escalations,
    approvals,
    overrides,
    date_diff('second', opened_at, first_claimed_at) as claim_seconds,
    date_diff('second', opened_at, closed_at) as decision_seconds,
    last_seq,
    recorded_at,
    {{ run_id() }} as _run_id
from rounds
order by subject_type, subject_id
