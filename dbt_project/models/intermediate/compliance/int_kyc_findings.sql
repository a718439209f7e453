{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='client_id',
    meta={'owner': 'compliance'}
) }}

-- Each change of status held against the table of transitions, and each approval against its evidence, as every moment knew them. A touched client
-- without a finding keeps one empty row, so that earlier findings go.
with touched as (
    {% if is_incremental() -%}
    {{ touched_by('kyc_events', 'client_id', ['provider', 'event_id']) }}
    union
    {{ touched_by('clients', 'client_id', ['client_id', 'changed_at']) }}
    union
    select decided.client_id
    from {{ source('raw', 'kyc_events') }} as decided
    where
        decided.event = 'status_changed'
        and decided.client_id is not null
        and decided.actor_id in ({{ touched_by('staff', 'staff_id', ['staff_id', 'changed_at']) }})
    {%- else -%}
    select distinct client_id from {{ source('raw', 'kyc_events') }} where client_id is not null
    {%- endif %}
),

events as ({{ kyc_versions('kyc_events', ['provider', 'event_id']) }}),

client_versions as ({{ kyc_versions('clients', ['client_id', 'changed_at']) }}),

staff as (select * from {{ ref('int_staff_known') }}),

-- what is learned of a member of staff after their decision can change who was allowed to take it
actors_learned as (
    select
        events.client_id,
        staff.recorded_at,
        staff.superseded_at
    from events
    inner join staff on events.actor_id = staff.staff_id and staff.recorded_at > events.recorded_at
    where events.event = 'status_changed'
),

{{ kyc_known(also=['client_versions', 'actors_learned']) }},

changes as (
    select
        known.*,
        lag(known.to_status) over (
            partition by known.client_id, known.moment_no
            order by known.occurred_at, known.recorded_at, known.event_id, known.provider
        ) as prior_status
    from known
    where known.event = 'status_changed' and known.to_status is not null
),

transitions as (
    select
        from_status,
        to_status,
        list(actor order by actor) as actors
    from {{ ref('kyc_transitions') }}
    group by from_status, to_status
),

-- which actors of the table somebody of this type and role is
kinds as (
    select
        actor_type,
        role,
        list(actor order by actor) as actors
    from {{ ref('kyc_actors') }}
    group by actor_type, role
),

-- a first event is judged on its claim; every other on our own state
judged as (
    select
        changes.*,
        coalesce(changes.prior_status, changes.from_status, 'NOT_STARTED') as judged_from,
        coalesce(
            changes.actor_type,
            case when staff.staff_id is not null then 'staff' when changes.actor_id = changes.client_id then 'client' end
        ) as judged_type,
        staff.role
    from changes
    left join staff
        on changes.actor_id = staff.staff_id and {{ held_at('staff', 'changes.occurred_at', 'changes.known_from') }}
),

transition_findings as (
    select
        judged.*,
        unnest(list_filter([
            case
                when transitions.to_status is null
                    then struct_pack(rule := 'forbidden_transition', detail := 'no row of the table leads from ' || judged.judged_from || ' to ' || judged.to_status)
                when not list_contains(transitions.actors, 'any')
                    and not coalesce(list_has_any(transitions.actors, kinds.actors), false)
                    then struct_pack(
                        rule := 'forbidden_actor',
                        detail := 'for ' || array_to_string(transitions.actors, ' or ') || '; it was '
                        || coalesce(judged.judged_type, 'nobody named') || coalesce(' with the role ' || judged.role, '')
                    )
            end,
            case
                when judged.prior_status is not null and judged.from_status <> judged.prior_status
                    then struct_pack(rule := 'from_mismatch', detail := 'claims to leave ' || judged.from_status || ', the status was ' || judged.prior_status)
            end
        ], finding -> finding is not null)) as finding
    from judged
    left join transitions on judged.judged_from = transitions.from_status and judged.to_status = transitions.to_status
    left join kinds
        on
            judged.judged_type = kinds.actor_type
            and case when judged.judged_type = 'staff' then judged.role else 'none' end = kinds.role
),

approvals as (select * from judged where to_status = 'APPROVED'),

evidence as (
    select
        approvals.client_id,
        approvals.moment_no,
        approvals.provider,
        approvals.event_id,
        {% for check in ['identity', 'address', 'sanctions', 'pep', 'adverse_media'] -%}
        arg_max(seen.result, (seen.occurred_at, seen.recorded_at, seen.event_id)) filter (where seen.check = '{{ check }}') as {{ check }},
        {% endfor -%}
        bool_or(seen.risk_rating is not null) as is_rated,
        bool_or(seen.outcome is not null) as has_appropriateness,
        bool_or(seen.category is not null) as has_category
    from approvals
    inner join known as seen
        on
            approvals.client_id = seen.client_id
            and approvals.moment_no = seen.moment_no
            and seen.occurred_at <= approvals.occurred_at
    group by approvals.client_id, approvals.moment_no, approvals.provider, approvals.event_id
),

-- the entity of the day; before the client's first record, the first we hear of
records as (
    select
        approvals.client_id,
        approvals.moment_no,
        approvals.provider,
        approvals.event_id,
        coalesce(
            arg_max(client_versions.entity, client_versions.changed_at) filter (where client_versions.changed_at <= approvals.occurred_at),
            arg_min(client_versions.entity, client_versions.changed_at)
        ) as entity,
        bool_or(client_versions.category is not null and client_versions.changed_at <= approvals.occurred_at) as has_category
    from approvals
    inner join client_versions
        on
            approvals.client_id = client_versions.client_id
            and approvals.known_from >= client_versions.recorded_at
            and approvals.known_from < coalesce(client_versions.superseded_at, timestamp '9999-12-31')
    group by approvals.client_id, approvals.moment_no, approvals.provider, approvals.event_id
),

evidence_findings as (
    select
        approvals.*,
        unnest(list_filter([
            case when evidence.identity is distinct from 'clear' then struct_pack(rule := 'missing_identity', detail := 'identity: ' || coalesce(evidence.identity, 'no result')) end,
            case
                when profiles.needs_address and evidence.address is distinct from 'clear'
                    then struct_pack(rule := 'missing_address', detail := 'address: ' || coalesce(evidence.address, 'no result'))
            end,
            case
                when evidence.sanctions is distinct from 'clear' or evidence.pep is distinct from 'clear' or evidence.adverse_media is distinct from 'clear'
                    then struct_pack(
                        rule := 'missing_screening',
                        detail := 'sanctions: ' || coalesce(evidence.sanctions, 'no result') || ', pep: ' || coalesce(evidence.pep, 'no result')
                        || ', adverse media: ' || coalesce(evidence.adverse_media, 'no result')
                    )
            end,
            case when not evidence.is_rated then struct_pack(rule := 'missing_risk_rating', detail := 'no rating until the approval') end,
            case
                when profiles.needs_appropriateness and not evidence.has_appropriateness
                    then struct_pack(rule := 'missing_appropriateness', detail := 'no test recorded until the approval')
            end,
            case
                when not evidence.has_category and not coalesce(records.has_category, false)
                    then struct_pack(rule := 'missing_category', detail := 'no category set until the approval')
            end
        ], finding -> finding is not null)) as finding
    from approvals
    inner join evidence
        on
            approvals.client_id = evidence.client_id and approvals.moment_no = evidence.moment_no
            and approvals.provider = evidence.provider and approvals.event_id = evidence.event_id
    left join records
        on
            approvals.client_id = records.client_id and approvals.moment_no = records.moment_no
            and approvals.provider = records.provider and approvals.event_id = records.event_id
    left join {{ ref('kyc_entity_profiles') }} as entity_profiles on records.entity = entity_profiles.entity
    inner join {{ ref('kyc_profiles') }} as profiles
        on
            coalesce(entity_profiles.profile, 'offshore') = profiles.profile
            and approvals.occurred_at >= profiles.valid_from
            and approvals.occurred_at < coalesce(profiles.valid_to, timestamp '9999-12-31')
),

findings as (
    {% for relation in ['transition_findings', 'evidence_findings'] -%}
    select
        found.client_id,
        found.moment_no,
        found.known_from,
        found.known_to,
        found.finding.rule,
        found.provider,
        found.event_id,
        found.judged_from as from_status,
        found.to_status,
        found.from_status as claimed_from_status,
        found.actor_id,
        found.occurred_at,
        null::timestamp as due_at,
        found.finding.detail
    from {{ relation }} as found
    {% if not loop.last %}union all
    {% endif -%}
    {%- endfor %}
),

{{ kyc_findings_held() }}
