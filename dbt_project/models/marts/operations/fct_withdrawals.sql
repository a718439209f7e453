{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='request_id',
    meta={'owner': 'payments', 'control_totals': ['amount'], 'sorted_by': ['request_id']}
) }}

with kyc_status as (select * from {{ ref('fct_kyc_status') }}),

policy_checks as (
    select
        approval_policies.valid_from,
        approval_policies.valid_to,
        required.check_name,
        required.accepted_result
    from {{ ref('approval_policies') }} as approval_policies
    inner join {{ ref('approval_policy_checks') }} as required on approval_policies.policy_version = required.policy_version
    where approval_policies.subject_type = 'withdrawal'
),

events as (
    select *
    from {{ ref('stg_cash_requests') }}
    {% if is_incremental() -%}
    where request_id in ({{ touched_withdrawals() }})
    {%- endif %}
),

requests as (
    select *
    from events
    where event = 'requested'
    qualify row_number() over (partition by request_id order by occurred_at, recorded_at, event_id) = 1
),

decisions as (
    select *
    from {{ ref('int_request_decisions') }}
    where request_id in (select requests.request_id from requests)
    qualify row_number() over (partition by request_id order by decided_at desc, recorded_at desc, event_id desc) = 1
),

payments as (
    select
        request_id,
        max(occurred_at) filter (where event = 'sent') as sent_at,
        max(occurred_at) filter (where event = 'paid') as paid_at,
        arg_max(event, (occurred_at, recorded_at, event_id)) as status,
        arg_max(destination_holder, (occurred_at, recorded_at, event_id)) as destination_holder
    from events
    group by request_id
),

-- the clock stands from each request for information until whatever comes next; a pause that lasts counts nothing yet
paused as (
    select
        request_id,
        sum(date_diff('second', occurred_at, next_at)) as paused_seconds
    from (
        select
            request_id,
            event,
            occurred_at,
            lead(occurred_at) over (partition by request_id order by occurred_at, recorded_at, event_id) as next_at
        from events
        where request_id in (select asked.request_id from events as asked where asked.event = 'info_requested')
    )
    where event = 'info_requested'
    group by request_id
),

-- the last result of each required check up to the decision; for a request not yet decided, of all so far
last_results as (
    select
        requests.request_id,
        checks.check_name,
        arg_max(checks.result, (checks.ran_at, checks.check_id)) as result
    from {{ ref('int_withdrawal_checks') }} as checks
    inner join requests on checks.request_id = requests.request_id
    left join decisions on requests.request_id = decisions.request_id
    where checks.superseded_at is null and (decisions.decided_at is null or checks.ran_at <= decisions.decided_at)
    group by requests.request_id, checks.check_name
),

checks_passed as (
    select
        requests.request_id,
        bool_and(coalesce(last_results.result = policy_checks.accepted_result, false)) as checks_passed
    from requests
    left join decisions on requests.request_id = decisions.request_id
    inner join policy_checks
        on
            coalesce(decisions.decided_at, requests.occurred_at) >= policy_checks.valid_from
            and (policy_checks.valid_to is null or coalesce(decisions.decided_at, requests.occurred_at) < policy_checks.valid_to)
    left join last_results
        on requests.request_id = last_results.request_id and policy_checks.check_name = last_results.check_name
    group by requests.request_id
),

status_now as (
    select
        decisions.request_id,
        kyc_status.status
    from decisions
    inner join requests on decisions.request_id = requests.request_id
    inner join kyc_status
        on requests.client_id = kyc_status.client_id and {{ held_at('kyc_status', 'decisions.decided_at') }}
),

status_then as (
    select
        decisions.request_id,
        kyc_status.status
    from decisions
    inner join requests on decisions.request_id = requests.request_id
    inner join kyc_status
        on
            requests.client_id = kyc_status.client_id
            and {{ held_at('kyc_status', 'decisions.decided_at', 'decisions.known_at') }}
)

select
    requests.request_id,
    requests.client_id,
    requests.amount,
    requests.currency,
    requests.method,
    requests.occurred_at as requested_at,
    decisions.decided_at,
    payments.paid_at,
    decisions.decision,
    decisions.actor_id as decided_by,
    date_diff('second', requests.occurred_at, payments.paid_at) as turnaround_seconds,
    date_diff('second', requests.occurred_at, decisions.decided_at) as decision_seconds,
    coalesce(paused.paused_seconds, 0)::bigint as paused_seconds,
    coalesce(checks_passed.checks_passed, false) as checks_passed,
    status_now.status as kyc_status_at_decision,
    status_then.status as kyc_status_known_at_decision,
    payments.status,
    payments.sent_at,
    decisions.actor_type as decided_by_type,
    decisions.reason as decision_reason,
    decisions.event_id as decision_event_id,
    decisions.known_at as decision_known_at,
    requests.actor_type as requested_by_type,
    requests.actor_id as requested_by,
    requests.psp,
    requests.instrument_id,
    payments.destination_holder,
    requests.from_account,
    requests.channel,
    requests.ip,
    requests.device_id,
    requests.recorded_at,
    {{ run_id() }} as _run_id
from requests
inner join payments on requests.request_id = payments.request_id
left join decisions on requests.request_id = decisions.request_id
left join paused on requests.request_id = paused.request_id
left join checks_passed on requests.request_id = checks_passed.request_id
left join status_now on requests.request_id = status_now.request_id
left join status_then on requests.request_id = status_then.request_id
where requests.request_kind = 'withdrawal'
order by requests.request_id
