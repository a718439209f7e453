{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='request_id',
    meta={'owner': 'compliance'}
) }}

-- depends_on: {{ ref('int_request_decisions') }}
-- Each approval of a withdrawal judged by every control, on what was known then and on what is known now. A touched request that has no approval
-- (any more) keeps one empty row, so that its earlier verdicts go.
with touched as (
    {% if is_incremental() -%}
    {{ touched_withdrawals() }}
    union
    -- the approver's record, the client's partner, or the rate the limit was compared at
    select decisions.request_id
    from {{ ref('int_request_decisions') }} as decisions
    where
        decisions.actor_id in ({{ touched_by('staff', 'staff_id', ['staff_id', 'changed_at']) }})
        or decisions.decided_at >= (select min(fresh.valid_from) from {{ ref('int_fx_usd') }} as fresh where {{ new_rows('fresh') }})
    union
    select requests.request_id
    from {{ ref('stg_cash_requests') }} as requests
    inner join {{ ref('stg_partner_links') }} as links
        on requests.client_id = links.child_id and links.child_kind = 'client'
    left join {{ ref('stg_partners') }} as partners on links.parent_partner_id = partners.partner_id
    where {{ new_rows('links') }} or {{ new_rows('partners') }}
    {%- else -%}
    select distinct request_id from {{ ref('stg_cash_requests') }}
    {%- endif %}
),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR'),

-- the touched alone, before their rates are looked for
touched_approvals as materialized (
    select *
    from {{ ref('int_withdrawal_approvals') }}
    {% if is_incremental() -%} where request_id in (select touched.request_id from touched) {%- endif %}
),

-- in EUR at the rates of the decision; null before the first quote
approvals as (
    select
        touched_approvals.*,
        {{ in_euros('touched_approvals') }} as amount_eur
    from touched_approvals
    {{ at_euro_rates('touched_approvals', 'decided_at') }}
),

checks as (select * from {{ ref('int_withdrawal_checks') }}),

required_checks as (select * from {{ ref('approval_policy_checks') }}),

roles as (select * from {{ ref('approval_policy_roles') }}),

allowed_statuses as (select * from {{ ref('approval_policy_kyc') }}),

kyc_status as (select * from {{ ref('fct_kyc_status') }}),

clients as (select * from {{ ref('int_clients') }}),

-- one row per required check: its last result before the decision, then and now; `<=`: a run at the moment of the decision ran before it
check_results as (
    select
        approvals.event_id,
        required_checks.check_name,
        required_checks.accepted_result,
        arg_max(checks.result, (checks.ran_at, checks.check_id)) filter (
            where
            checks.ran_at <= approvals.decided_at
            and checks.recorded_at <= approvals.known_at
            and (checks.superseded_at is null or approvals.known_at < checks.superseded_at)
        ) as result_then,
        arg_max(checks.result, (checks.ran_at, checks.check_id)) filter (
            where checks.ran_at <= approvals.decided_at and checks.superseded_at is null
        ) as result_now,
        min(checks.ran_at) filter (where checks.ran_at > approvals.decided_at and checks.superseded_at is null) as ran_after_at
    from approvals
    inner join required_checks on approvals.policy_version = required_checks.policy_version
    left join checks on approvals.request_id = checks.request_id and required_checks.check_name = checks.check_name
    group by approvals.event_id, required_checks.check_name, required_checks.accepted_result
),

-- a required check that had not passed: `approved_before_check` when it did run afterwards, else `check_missing`
check_failures as (
    select
        event_id,
        case when ran_after_at is null then 'check_missing' else 'approved_before_check' end as control,
        not bool_or(result_then is distinct from accepted_result) as discovered_later,
        string_agg(
            check_name || ': ' || case
                when ran_after_at is not null then 'ran at ' || strftime(ran_after_at, '%Y-%m-%d %H:%M:%S')
                when coalesce(result_now, result_then) is null then 'never ran'
                when result_now is distinct from accepted_result then 'gave ' || coalesce(result_now, result_then)
                else 'was not known then'
            end,
            '; ' order by check_name
        ) as detail
    from check_results
    where result_then is distinct from accepted_result or result_now is distinct from accepted_result
    group by event_id, control
),

check_verdicts as (
    select
        event_id,
        list(struct_pack(control := control, discovered_later := discovered_later, detail := detail) order by control) as verdicts
    from check_failures
    group by event_id
),

status_now as (
    select
        approvals.event_id,
        kyc_status.status,
        allowed_statuses.status is not null
        and (
            allowed_statuses.grace_days is null
            or approvals.decided_at <= kyc_status.status_since + to_days(allowed_statuses.grace_days)
        ) as is_allowed
    from approvals
    inner join kyc_status
        on approvals.client_id = kyc_status.client_id and {{ held_at('kyc_status', 'approvals.decided_at') }}
    left join allowed_statuses
        on approvals.policy_version = allowed_statuses.policy_version and kyc_status.status = allowed_statuses.status
),

status_then as (
    select
        approvals.event_id,
        kyc_status.status,
        allowed_statuses.status is not null
        and (
            allowed_statuses.grace_days is null
            or approvals.decided_at <= kyc_status.status_since + to_days(allowed_statuses.grace_days)
        ) as is_allowed
    from approvals
    inner join kyc_status
        on
            approvals.client_id = kyc_status.client_id
            and {{ held_at('kyc_status', 'approvals.decided_at', 'approvals.known_at') }}
    left join allowed_statuses
        on approvals.policy_version = allowed_statuses.policy_version and kyc_status.status = allowed_statuses.status
),

documents as (
    select
        versions.client_id,
        versions.document_expires_on,
        versions.occurred_at,
        versions.recorded_at,
        versions.superseded_at
    from {{ known_versions('kyc_events', ['provider', 'event_id']) }} as versions
    where
        versions.document_expires_on is not null
        and (
            versions.check = 'identity'
            or lower(versions.document_type) in (select identity_documents.document_type from {{ ref('identity_documents') }} as identity_documents)
        )
),

-- any identity document still valid on the day is evidence enough; a printed day of expiry is the last valid one
document_expiry as (
    select
        approvals.event_id,
        max(documents.document_expires_on) filter (
            where
            documents.recorded_at <= approvals.known_at
            and (documents.superseded_at is null or approvals.known_at < documents.superseded_at)
        ) as expires_on_then,
        max(documents.document_expires_on) filter (where documents.superseded_at is null) as expires_on_now
    from approvals
    inner join documents on approvals.client_id = documents.client_id and documents.occurred_at <= approvals.decided_at
    where approvals.document_check = 'identity'
    group by approvals.event_id
),

client_names as (
    select
        client_id,
        list_distinct(list({{ sorted_tokens("concat_ws(' ', first_name, last_name)") }})
            || list({{ sorted_tokens('company_name') }})) as names,
        list_distinct(list(lower(concat_ws(' ', first_name, last_name))) || list(lower(company_name))) as plain_names,
        list_distinct(list(lower(trim(email)))) as emails
    from clients
    where client_id in (select approvals.client_id from approvals)
    group by client_id
),

-- the names under which the client was known then, in whatever version: a correction since takes none of them away
names_then as (
    select
        approvals.event_id,
        list_distinct(list({{ sorted_tokens("concat_ws(' ', versions.first_name, versions.last_name)") }})
            || list({{ sorted_tokens('versions.company_name') }})) as names
    from approvals
    inner join {{ source('raw', 'clients') }} as versions
        on approvals.client_id = versions.client_id and approvals.known_at >= versions.recorded_at
    group by approvals.event_id
),

partners_of_clients as (
    select
        approvals.event_id,
        list(distinct partners.client_id) as partner_client_ids
    from approvals
    inner join {{ ref('stg_partner_links') }} as links
        on approvals.client_id = links.child_id and links.child_kind = 'client' and links.valid_from <= approvals.decided_at
    inner join {{ ref('stg_partners') }} as partners on links.parent_partner_id = partners.partner_id
    where partners.client_id is not null
    group by approvals.event_id
),

facts as (
    select
        approvals.*,
        coalesce(approvals.actor_type, '') = 'system' as is_system,
        approvals.role_now in (select roles.role from roles where roles.policy_version = approvals.policy_version) as role_allowed_now,
        approvals.role_then in (select roles.role from roles where roles.policy_version = approvals.policy_version) as role_allowed_then,
        status_now.status as status_now,
        coalesce(status_now.is_allowed, false) as status_allowed_now,
        status_then.status as status_then,
        coalesce(status_then.is_allowed, false) as status_allowed_then,
        document_expiry.expires_on_now,
        document_expiry.expires_on_then,
        -- names equal letter by letter need no closer look
        case
            when list_contains(client_names.plain_names, lower(approvals.destination_holder)) then 1
            else {{ likeness('client_names.names', 'approvals.destination_holder') }}
        end as holder_likeness,
        {{ likeness('names_then.names', 'approvals.destination_holder') }} as holder_likeness_then,
        coalesce(approvals.requested_by = approvals.actor_id, false)
        or coalesce(approvals.client_id = approvals.actor_id, false) as is_maker,
        coalesce(approvals.approver_client_id_now = approvals.client_id, false)
        or coalesce(list_contains(client_names.emails, approvals.approver_email_now), false)
        or coalesce(list_contains(partners_of_clients.partner_client_ids, approvals.approver_client_id_now), false) as is_client_now,
        coalesce(approvals.approver_client_id_then = approvals.client_id, false)
        or coalesce(list_contains(client_names.emails, approvals.approver_email_then), false)
        or coalesce(list_contains(partners_of_clients.partner_client_ids, approvals.approver_client_id_then), false) as is_client_then,
        check_verdicts.verdicts as check_verdicts
    from approvals
    left join status_now on approvals.event_id = status_now.event_id
    left join status_then on approvals.event_id = status_then.event_id
    left join document_expiry on approvals.event_id = document_expiry.event_id
    left join client_names on approvals.client_id = client_names.client_id
    left join names_then on approvals.event_id = names_then.event_id
    left join partners_of_clients on approvals.event_id = partners_of_clients.event_id
    left join check_verdicts on approvals.event_id = check_verdicts.event_id
),

-- _then: what was known then was enough to see it. Where nothing at all was known then, only today's knowledge judges.
judged as (
    select
        *,
        not is_system and (is_maker or is_client_then) as self_approval_then,
        not is_system and (is_maker or is_client_now) as self_approval_now,
        not is_system and coalesce(not is_active_then, false) as inactive_then,
        not is_system and coalesce(not is_active_now, false) as inactive_now,
        not is_system
        and case when approver_known_then then not coalesce(role_allowed_then, false) else not approver_known_now end as roleless_then,
        not is_system and not coalesce(role_allowed_now, false) as roleless_now,
        not is_system and coalesce(amount_eur > limit_then, false) as over_limit_then,
        not is_system and coalesce(amount_eur > limit_now, false) as over_limit_now,
        case when status_then is null then status_now is null else not status_allowed_then end as stale_then,
        not status_allowed_now as stale_now,
        coalesce(expires_on_then < decided_at::date, false) as expired_then,
        coalesce(expires_on_now < decided_at::date, false) as expired_now,
        coalesce(holder_likeness < holder_similarity, false) as third_party_now,
        coalesce(holder_likeness_then < holder_similarity, false) as third_party_then
    from facts
),

verdicts as (
    select
        *,
        [
            {{ verdict('self_approval', 'self_approval_then', 'self_approval_now', "case when is_maker then 'asked for and approved by ' || actor_id else actor_id || ' is the client or the client''s partner' end") }},
            {{ verdict('approver_inactive', 'inactive_then', 'inactive_now', "actor_id || ' was not active'") }},
            {{ verdict('approver_without_role', 'roleless_then', 'roleless_now', "coalesce(actor_id, 'nobody named') || coalesce(' had the role ' || coalesce(role_now, role_then), ' is no member of staff')") }},
            {{ verdict('limit_exceeded', 'over_limit_then', 'over_limit_now', "'EUR ' || round(amount_eur, 2)::decimal(38, 2) || ' against a limit of EUR ' || coalesce(limit_now, limit_then)::decimal(38, 2)") }},
            {{ verdict('stale_kyc', 'stale_then', 'stale_now', "'status ' || coalesce(status_now, 'unknown') || ', known then as ' || coalesce(status_then, 'unknown')") }},
            {{ verdict('expired_document', 'expired_then', 'expired_now', "'the last identity document ran out on ' || coalesce(expires_on_now, expires_on_then)") }},
            {{ verdict('third_party_payout', 'third_party_then', 'third_party_now', "'the holder of the destination is like the client by ' || round(coalesce(case when third_party_now then holder_likeness end, holder_likeness_then), 2)") }}
        ] as failures
    from judged
)

select
    touched.request_id,
    verdicts.event_id,
    verdicts.actor_id,
    verdicts.decided_at,
    verdicts.policy_version,
    list_filter(coalesce(verdicts.failures, []), failure -> failure is not null) || coalesce(verdicts.check_verdicts, []) as failures
from touched
left join verdicts on touched.request_id = verdicts.request_id
