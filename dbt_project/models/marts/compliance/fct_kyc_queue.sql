-- What needs a person, and what soon will. A violation that was put right afterwards stays in fct_kyc_violations and leaves the queue.
with files as (select * from {{ ref('fct_kyc_files') }}),

reasons as (select * from {{ ref('kyc_queue_reasons') }}),

violations as (select * from {{ ref('fct_kyc_violations') }} where superseded_at is null),

last_changes as (
    select
        client_id,
        max(occurred_at) as changed_at
    from {{ ref('stg_kyc_events') }}
    where event = 'status_changed'
    group by client_id
),

-- a change that nothing has followed yet is still to be looked at
of_changes as (
    select
        violations.client_id,
        violations.rule as reason,
        violations.event_id,
        violations.occurred_at as since,
        null::timestamp as due_at,
        violations.detail as why
    from violations
    inner join last_changes on violations.client_id = last_changes.client_id and violations.occurred_at >= last_changes.changed_at
    where violations.rule in ('forbidden_transition', 'forbidden_actor', 'from_mismatch')
),

-- evidence is still missing where the file lacks it today
of_evidence as (
    select
        violations.client_id,
        violations.rule as reason,
        arg_max(violations.event_id, violations.occurred_at) as event_id,
        max(violations.occurred_at) as since,
        null::timestamp as due_at,
        arg_max(violations.detail, violations.occurred_at) as why
    from violations
    inner join files on violations.client_id = files.client_id
    where
        violations.rule like 'missing_%'
        and files.kyc_status in ('APPROVED', 'RE_KYC')
        and case violations.rule
            when 'missing_identity' then files.identity is distinct from 'clear'
            when 'missing_address' then files.address is distinct from 'clear'
            when 'missing_screening' then coalesce(files.sanctions, '') <> 'clear' or coalesce(files.pep, '') <> 'clear' or coalesce(files.adverse_media, '') <> 'clear'
            when 'missing_risk_rating' then files.risk_rating is null
            when 'missing_appropriateness' then files.appropriateness is null
            else files.category is null
        end
    group by violations.client_id, violations.rule
),

of_derogation as (
    select
        violations.client_id,
        violations.rule as reason,
        min(violations.event_id) as event_id,
        min(violations.occurred_at) as since,
        null::timestamp as due_at,
        string_agg(violations.detail, '; ' order by violations.occurred_at) as why
    from violations
    inner join files on violations.client_id = files.client_id
    where violations.rule like 'cysec_%' and files.verified_at is null and files.kyc_status not in ('TERMINATED', 'REJECTED')
    group by violations.client_id, violations.rule
),

-- clocks that have run out and were not set anew, and those that soon will
of_clocks as (
    select
        clocks.client_id,
        clocks.rule as reason,
        arg_min(clocks.event_id, clocks.due_at) as event_id,
        min(clocks.due_at) - to_days(coalesce(any_value(reasons.ahead_days), 0)) as since,
        min(clocks.due_at) as due_at,
        arg_min(clocks.detail, clocks.due_at) as why
    from {{ ref('int_kyc_clocks') }} as clocks
    inner join files on clocks.client_id = files.client_id
    inner join reasons on clocks.rule = reasons.reason
    inner join {{ ref('kyc_statuses') }} as statuses on files.kyc_status = statuses.status
    where
        clocks.superseded_at is null
        and clocks.due_at - to_days(coalesce(reasons.ahead_days, 0)) <= {{ known_at() }}
        and case clocks.rule
            when 'document_expired' then statuses.keeps_file_current and clocks.due_at::date > coalesce(files.document_expires_on, date '1900-01-01')
            when 'review_overdue' then statuses.keeps_file_current and clocks.due_at >= coalesce(files.last_reviewed_at, timestamp '1900-01-01')
            else files.verified_at is null and files.kyc_status not in ('TERMINATED', 'REJECTED') and clocks.due_at >= {{ known_at() }}
        end
    group by clocks.client_id, clocks.rule
),

last_events as (
    select *
    from {{ ref('stg_kyc_events') }}
    where event = 'status_changed' and client_id is not null
    qualify row_number() over (partition by client_id order by occurred_at desc, recorded_at desc, event_id desc) = 1
),

of_status as (
    select
        files.client_id,
        case
            when last_events.to_status = 'REJECTED' then 'one_person_rejection'
            when files.kyc_status = 'INFO_REQUESTED' then 'information_not_given'
            when files.kyc_status = 'RE_KYC' then 'grace_over'
            else 'to_decide'
        end as reason,
        last_events.event_id,
        files.status_since as since,
        case when files.kyc_status = 'RE_KYC' then files.status_since + to_days(capabilities.grace_days) end as due_at,
        statuses.said || case when files.lacks = '' then '' else '; the file lacks ' || files.lacks end as why
    from files
    inner join {{ ref('kyc_statuses') }} as statuses on files.kyc_status = statuses.status
    inner join {{ ref('kyc_capabilities') }} as capabilities on files.kyc_status = capabilities.status
    left join last_events on files.client_id = last_events.client_id
    where
        statuses.awaits = 'person'
        or (files.kyc_status = 'INFO_REQUESTED' and files.status_since + interval 30 day < {{ known_at() }})
        or files.is_after_grace
        or (
            last_events.to_status = 'REJECTED' and last_events.from_status = 'IN_REVIEW'
            and last_events.second_actor_id is null and last_events.actor_type = 'staff'
        )
),

of_rating as (
    select
        files.client_id,
        'rating_too_low' as reason,
        null::varchar as event_id,
        files.status_since as since,
        null::timestamp as due_at,
        'rated ' || files.risk_rating || ', the score of ' || files.risk_score || ' says ' || files.score_rating || ': ' || files.risk_factors as why
    from files
    where
        files.kyc_status in ('APPROVED', 'RE_KYC')
        and array_position(['low', 'medium', 'high'], files.risk_rating) < array_position(['low', 'medium', 'high'], files.score_rating)
),

found as (
    {% for part in ['of_changes', 'of_evidence', 'of_derogation', 'of_clocks', 'of_status', 'of_rating'] -%}
    select * from {{ part }}
    {% if not loop.last %}union all
    {% endif -%}
    {%- endfor %}
),

-- a clock that has run out is a violation too: once is enough
first_of_each as (
    select *
    from found
    qualify row_number() over (partition by client_id, reason order by since, event_id) = 1
)

select
    first_of_each.client_id,
    first_of_each.reason,
    files.entity,
    reasons.priority,
    first_of_each.since,
    first_of_each.due_at,
    coalesce(first_of_each.due_at < {{ known_at() }}, reasons.priority <= 2) as is_overdue,
    reasons.said || ': ' || first_of_each.why as why,
    first_of_each.event_id,
    files.kyc_status,
    files.status_since,
    files.risk_rating,
    files.category,
    files.profile,
    files.deposits_eur,
    files.is_test,
    {{ run_id() }} as _run_id
from first_of_each
inner join files on first_of_each.client_id = files.client_id
inner join reasons on first_of_each.reason = reasons.reason
order by reasons.priority, first_of_each.due_at nulls last, first_of_each.since, first_of_each.client_id
