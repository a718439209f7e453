-- Every approval of a withdrawal with its policy, its client and who approved, as it was and as it was known then.
with requests as (
    select *
    from {{ ref('stg_cash_requests') }}
    where event = 'requested'
    qualify row_number() over (partition by request_id order by occurred_at, recorded_at, event_id) = 1
),

holders as (
    select
        request_id,
        arg_max(destination_holder, (occurred_at, recorded_at, event_id)) as destination_holder
    from {{ ref('stg_cash_requests') }}
    where destination_holder is not null
    group by request_id
),

approvals as (
    select
        requests.request_id,
        requests.client_id,
        requests.actor_id as requested_by,
        holders.destination_holder,
        decisions.event_id,
        decisions.actor_type,
        decisions.actor_id,
        decisions.decided_at,
        decisions.known_at,
        coalesce(decisions.amount, requests.amount) as amount,
        case when decisions.amount is null then requests.currency else decisions.currency end as currency
    from {{ ref('int_request_decisions') }} as decisions
    inner join requests on decisions.request_id = requests.request_id
    left join holders on decisions.request_id = holders.request_id
    where decisions.decision = 'approved' and requests.request_kind = 'withdrawal'
),

policies as (select * from {{ ref('approval_policies') }} where subject_type = 'withdrawal'),

staff as (select * from {{ ref('int_staff_known') }}),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR')

select
    approvals.request_id,
    approvals.event_id,
    approvals.client_id,
    approvals.requested_by,
    approvals.destination_holder,
    coalesce(approvals.actor_type, case when staff_now.staff_id is not null then 'staff' end) as actor_type,
    approvals.actor_id,
    approvals.decided_at,
    approvals.known_at,
    case
        when approvals.currency = 'EUR' then approvals.amount
        else {{ divide(round_money('approvals.amount * rates.rate_to_usd', 8), 'euro_rates.rate_to_usd', 8) }}
    end as amount_eur,
    policies.policy_version,
    policies.document_check,
    policies.holder_similarity,
    staff_now.role as role_now,
    staff_now.is_active as is_active_now,
    staff_now.approval_limit_eur as limit_now,
    staff_now.client_id as approver_client_id_now,
    staff_now.email as approver_email_now,
    staff_now.staff_id is not null as approver_known_now,
    staff_then.role as role_then,
    staff_then.is_active as is_active_then,
    staff_then.approval_limit_eur as limit_then,
    staff_then.client_id as approver_client_id_then,
    staff_then.email as approver_email_then,
    staff_then.staff_id is not null as approver_known_then
from approvals
left join policies
    on
        approvals.decided_at >= policies.valid_from
        and approvals.decided_at < coalesce(policies.valid_to, timestamp '9999-12-31')
left join staff as staff_now
    on approvals.actor_id = staff_now.staff_id and {{ held_at('staff_now', 'approvals.decided_at') }}
left join staff as staff_then
    on approvals.actor_id = staff_then.staff_id and {{ held_at('staff_then', 'approvals.decided_at', 'approvals.known_at') }}
asof left join rates
    on approvals.currency = rates.currency and approvals.decided_at >= rates.valid_from
asof left join euro_rates
    on approvals.decided_at >= euro_rates.valid_from
