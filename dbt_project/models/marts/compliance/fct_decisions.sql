{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='decision_id',
    meta={'owner': 'compliance', 'sorted_by': ['subject_id', 'decided_at']}
) }}

with policies as (select * from {{ ref('approval_policies') }}),

staff as (select * from {{ ref('int_staff_known') }} where superseded_at is null),

-- of each key that was ever a decision the newest version; one that a correction made something else stays, as retracted
cash_requests as (
    select
        'cash_requests:' || requests.event_id as decision_id,
        asked.request_kind as subject_type,
        requests.request_id as subject_id,
        case when requests.event in ('approved', 'rejected') then requests.event else 'retracted' end as decision,
        requests.actor_type,
        requests.actor_id,
        requests.client_id,
        requests.reason as reason_code,
        requests.occurred_at as decided_at,
        requests.recorded_at,
        requests._load_id
    from {{ ref('stg_cash_requests') }} as requests
    left join (
        select
            request_id,
            min(request_kind) as request_kind
        from {{ ref('stg_cash_requests') }}
        where event = 'requested'
        group by request_id
    ) as asked on requests.request_id = asked.request_id
    where
        requests.event in ('approved', 'rejected')
        or (
            requests._version > 1
            and requests.event_id in (
                select earlier.event_id from {{ source('raw', 'cash_requests') }} as earlier where earlier.event in ('approved', 'rejected')
            )
        )
),

kyc_events as (
    select
        'kyc_events:' || events.provider || ':' || events.event_id as decision_id,
        'kyc_case' as subject_type,
        events.client_id as subject_id,
        case
            when events.event = 'status_changed' and events.to_status in ('APPROVED', 'REJECTED') then lower(events.to_status)
            else 'retracted'
        end as decision,
        events.actor_type,
        events.actor_id,
        events.client_id,
        events.reason_codes[1] as reason_code,
        events.occurred_at as decided_at,
        events.recorded_at,
        events._load_id
    from {{ ref('stg_kyc_events') }} as events
    where
        (events.event = 'status_changed' and events.to_status in ('APPROVED', 'REJECTED'))
        or (
            events._version > 1
            and (events.provider, events.event_id) in (
                select (earlier.provider, earlier.event_id)
                from {{ source('raw', 'kyc_events') }} as earlier
                where earlier.event = 'status_changed' and earlier.to_status in ('APPROVED', 'REJECTED')
            )
        )
),

commission_decisions as (
    select
        'commission_decisions:' || event_id as decision_id,
        case when accrual_id is null then 'commission_payout' else 'commission_accrual' end as subject_type,
        coalesce(accrual_id, concat_ws(':', partner_id, period)) as subject_id,
        event as decision,
        null::varchar as actor_type,
        actor_id,
        null::varchar as client_id,
        reason as reason_code,
        occurred_at as decided_at,
        recorded_at,
        _load_id
    from {{ ref('stg_commission_decisions') }}
),

period_events as (
    select
        'period_events:' || event_id as decision_id,
        'period' as subject_type,
        concat_ws(':', entity, period) as subject_id,
        event as decision,
        null::varchar as actor_type,
        coalesce(approved_by, actor_id) as actor_id,
        null::varchar as client_id,
        null::varchar as reason_code,
        occurred_at as decided_at,
        recorded_at,
        _load_id
    from {{ ref('stg_period_events') }}
),

-- orders given in our own screens. One that a feed carries is that feed's decision above; here it only tells what our store alone knows of it.
approvals as (
    select * from {{ ref('int_approval_events') }} where decision_id is not null
),

uncarried as (
    select
        decision_id,
        subject_type,
        subject_id,
        decision,
        'staff' as actor_type,
        actor_id,
        client_id,
        reason as reason_code,
        occurred_at as decided_at,
        recorded_at,
        _load_id
    from approvals
    where carried_by is null
),

decisions as (
    select * from cash_requests
    union all
    select * from kyc_events
    union all
    select * from commission_decisions
    union all
    select * from period_events
    union all
    select * from uncarried
)

select
    decisions.decision_id,
    coalesce(decisions.subject_type, 'money_request') as subject_type,
    coalesce(decisions.subject_id, '') as subject_id,
    decisions.decision,
    decisions.actor_id,
    coalesce(approvals.actor_role, staff.role) as actor_role,
    decisions.reason_code,
    decisions.decided_at,
    coalesce(approvals.policy_version, policies.policy_version) as policy_version,
    coalesce(decisions.actor_type, case when staff.staff_id is not null then 'staff' end) as actor_type,
    decisions.client_id,
    decisions.recorded_at,
    approvals.round,
    approvals.step,
    approvals.actor_limit_eur,
    approvals.on_behalf_of,
    approvals.amount_eur,
    approvals.publish_id,
    approvals.publish_age_seconds,
    approvals.seq,
    {{ run_id() }} as _run_id
from decisions
left join approvals on decisions.decision_id = approvals.decision_id
left join staff
    on
        decisions.actor_id = staff.staff_id
        and coalesce(decisions.actor_type, 'staff') = 'staff'
        and {{ held_at('staff', 'decisions.decided_at') }}
left join policies
    on
        decisions.subject_type = policies.subject_type
        and decisions.decided_at >= policies.valid_from
        and decisions.decided_at < coalesce(policies.valid_to, timestamp '9999-12-31')
{% if is_incremental() -%}
where
    {{ new_rows('decisions') }}
    -- a late row about a member of staff changes the role they decided in; a late request the kind of its decision
    or decisions.actor_id in ({{ touched_by('staff', 'staff_id', ['staff_id', 'changed_at']) }})
    or (
        decisions.decision_id like 'cash_requests:%'
        and decisions.subject_id in ({{ touched_by('cash_requests', 'request_id', ['event_id']) }})
    )
{%- endif %}
order by decisions.subject_id, decisions.decided_at
