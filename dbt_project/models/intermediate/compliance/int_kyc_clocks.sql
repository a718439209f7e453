{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='client_id',
    meta={'owner': 'compliance'}
) }}

-- The clocks of a client's file as every moment knew them: documents and reviews that run out, and the days and euros of the derogation. A row with
-- `due_at` is a violation from the first load after it; until then it is what comes. A touched client without a row keeps one empty row.
with clients_with_derogation as (
    select distinct versions.client_id
    from {{ source('raw', 'clients') }} as versions
    inner join {{ ref('kyc_entity_profiles') }} as entity_profiles on versions.entity = entity_profiles.entity
    inner join {{ ref('kyc_profiles') }} as profiles on entity_profiles.profile = profiles.profile
    where profiles.derogation_days is not null
),

all_deposits as (
    select * from {{ ref('int_kyc_deposits') }}
    where client_id in (select clients_with_derogation.client_id from clients_with_derogation)
),

touched as (
    {% if is_incremental() -%}
    {{ touched_by('kyc_events', 'client_id', ['provider', 'event_id']) }}
    union
    {{ touched_by('clients', 'client_id', ['client_id', 'changed_at']) }}
    union
    -- a deposit that came, that was corrected, or that a new quote gives another worth; what a bank line pays for can be learned after it
    select paying.client_id
    from (
        {{ touched_by('psp_transactions', 'client_id', ['psp', 'event_id']) }}
        union
        {{ touched_by('cash_requests', 'client_id', ['event_id']) }}
    ) as paying
    where paying.client_id in (select clients_with_derogation.client_id from clients_with_derogation)
    union
    select all_deposits.client_id
    from all_deposits
    where
        {{ new_rows('all_deposits') }}
        or all_deposits.occurred_at >= (select min(fresh.valid_from) from {{ ref('int_fx_usd') }} as fresh where {{ new_rows('fresh') }})
    {%- else -%}
    select client_id from {{ source('raw', 'kyc_events') }} where client_id is not null
    union
    select client_id from {{ source('raw', 'clients') }}
    {%- endif %}
),

events as ({{ kyc_versions('kyc_events', ['provider', 'event_id']) }}),

client_versions as ({{ kyc_versions('clients', ['client_id', 'changed_at']) }}),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR'),

touched_deposits as materialized (
    select * from all_deposits where client_id in (select touched.client_id from touched)
),

-- in EUR at the rates of the deposit; null before the first quote
deposits as (
    select
        touched_deposits.*,
        {{ in_euros('touched_deposits') }} as amount_eur
    from touched_deposits
    {{ at_euro_rates('touched_deposits', 'occurred_at') }}
),

{{ kyc_known(also=['client_versions', 'deposits']) }},

files as (
    select
        spans.client_id,
        spans.moment_no,
        arg_max(client_versions.entity, client_versions.changed_at) as entity,
        min(client_versions.terms_accepted_at) as terms_accepted_at,
        arg_min(client_versions.changed_at, (client_versions.terms_accepted_at, client_versions.changed_at)) filter (
            where client_versions.terms_accepted_at is not null
        ) as terms_changed_at,
        list_distinct(list({{ sorted_tokens("concat_ws(' ', client_versions.first_name, client_versions.last_name)") }})
            || list({{ sorted_tokens('client_versions.company_name') }})) as names
    from spans
    inner join client_versions using (client_id)
    where spans.known_from >= client_versions.recorded_at and spans.known_from < coalesce(client_versions.superseded_at, timestamp '9999-12-31')
    group by spans.client_id, spans.moment_no
),

status_changes as (
    select
        client_id,
        moment_no,
        provider,
        event_id,
        to_status,
        occurred_at as valid_from,
        lead(occurred_at, 1, timestamp '9999-12-31') over status_order as valid_to
    from known
    where event = 'status_changed' and to_status is not null
    window status_order as (partition by client_id, moment_no order by occurred_at, recorded_at, event_id, provider)
),

-- while a client has one of these, documents and reviews must be current
kept_current as (
    select status_changes.*
    from status_changes
    inner join {{ ref('kyc_statuses') }} as statuses on status_changes.to_status = statuses.status
    where statuses.keeps_file_current and status_changes.valid_to > status_changes.valid_from
),

documents as (
    select
        known.*,
        (known.document_expires_on + 1)::timestamp as ends_at
    from known
    where
        known.document_expires_on is not null
        and (
            known.check = 'identity'
            or lower(known.document_type) in (select identity_documents.document_type from {{ ref('identity_documents') }} as identity_documents)
        )
),

-- the last day printed is a valid one; a gap lasts from the day after until another valid document came
gaps as (
    select
        documents.client_id,
        documents.moment_no,
        documents.known_from,
        documents.known_to,
        documents.provider,
        documents.event_id,
        documents.document_type,
        documents.document_expires_on,
        documents.ends_at,
        coalesce(min(renewed.occurred_at) filter (where renewed.occurred_at >= documents.ends_at), timestamp '9999-12-31') as renewed_at
    from documents
    left join documents as renewed
        on
            documents.client_id = renewed.client_id
            and documents.moment_no = renewed.moment_no
            and documents.event_id <> renewed.event_id
            and renewed.ends_at >= documents.ends_at
    group by all
    having
        not coalesce(bool_or(
            renewed.occurred_at < documents.ends_at
            and (renewed.ends_at > documents.ends_at or (renewed.provider, renewed.event_id) > (documents.provider, documents.event_id))
        ), false)
),

expired as (
    select
        gaps.client_id,
        gaps.moment_no,
        gaps.known_from,
        gaps.known_to,
        'document_expired' as rule,
        gaps.provider,
        gaps.event_id,
        min(greatest(gaps.ends_at, kept_current.valid_from)) as due_at,
        coalesce(gaps.document_type, 'identity document') || ' ran out on ' || gaps.document_expires_on as detail
    from gaps
    inner join kept_current using (client_id, moment_no)
    where kept_current.valid_from < gaps.renewed_at and kept_current.valid_to > gaps.ends_at
    group by all
),

ratings as (
    select
        client_id,
        moment_no,
        risk_rating,
        occurred_at as valid_from,
        lead(occurred_at, 1, timestamp '9999-12-31') over (
            partition by client_id, moment_no order by occurred_at, recorded_at, event_id, provider
        ) as valid_to
    from known
    where risk_rating is not null
),

-- every approval ends a review; the next is due by the rating of the day
reviews as (
    select
        client_id,
        moment_no,
        known_from,
        known_to,
        provider,
        event_id,
        occurred_at as reviewed_at,
        lead(occurred_at, 1, timestamp '9999-12-31') over (
            partition by client_id, moment_no order by occurred_at, recorded_at, event_id, provider
        ) as next_reviewed_at
    from known
    where event = 'status_changed' and to_status = 'APPROVED'
),

overdue as (
    select
        reviews.client_id,
        reviews.moment_no,
        reviews.known_from,
        reviews.known_to,
        'review_overdue' as rule,
        reviews.provider,
        reviews.event_id,
        min(greatest(reviews.reviewed_at + to_months(periods.months), ratings.valid_from, kept_current.valid_from)) as due_at,
        'last reviewed on ' || reviews.reviewed_at::date as detail
    from reviews
    left join files on reviews.client_id = files.client_id and reviews.moment_no = files.moment_no
    left join {{ ref('kyc_entity_profiles') }} as entity_profiles on files.entity = entity_profiles.entity
    inner join ratings
        on
            reviews.client_id = ratings.client_id
            and reviews.moment_no = ratings.moment_no
            and ratings.valid_from < reviews.next_reviewed_at
            and ratings.valid_to > reviews.reviewed_at
    inner join {{ ref('kyc_review_periods') }} as periods
        on
            coalesce(entity_profiles.profile, 'offshore') = periods.profile
            and ratings.risk_rating = periods.risk_rating
            and reviews.reviewed_at >= periods.valid_from
            and reviews.reviewed_at < coalesce(periods.valid_to, timestamp '9999-12-31')
    inner join kept_current
        on
            reviews.client_id = kept_current.client_id
            and reviews.moment_no = kept_current.moment_no
            and kept_current.valid_to > reviews.reviewed_at
    where
        greatest(reviews.reviewed_at + to_months(periods.months), ratings.valid_from, kept_current.valid_from)
        < least(reviews.next_reviewed_at, ratings.valid_to, kept_current.valid_to)
    group by all
),

known_deposits as (
    select
        spans.moment_no,
        spans.known_from,
        spans.known_to,
        deposits.*
    from spans
    inner join deposits using (client_id)
    where spans.known_from >= deposits.recorded_at and spans.known_from < coalesce(deposits.superseded_at, timestamp '9999-12-31')
    qualify
        row_number() over (
            partition by spans.client_id, spans.moment_no, deposits.provider, deposits.txn_id order by deposits.occurred_at, deposits.event_id
        ) = 1
),

first_deposits as (
    select
        client_id,
        moment_no,
        min(occurred_at) as deposited_at,
        arg_min(provider, (occurred_at, event_id)) as provider,
        arg_min(event_id, (occurred_at, event_id)) as event_id
    from known_deposits
    group by client_id, moment_no
),

derogations as (
    select
        spans.client_id,
        spans.moment_no,
        spans.known_from,
        spans.known_to,
        files.names,
        files.terms_changed_at,
        files.terms_accepted_at is not null and files.terms_accepted_at <= coalesce(first_deposits.deposited_at, files.terms_accepted_at) as began_with_terms,
        least(files.terms_accepted_at, first_deposits.deposited_at) as started_at,
        first_deposits.provider as deposit_provider,
        first_deposits.event_id as deposit_event_id,
        verifications.verified_at,
        profiles.derogation_days,
        profiles.derogation_limit_eur,
        profiles.own_name_likeness
    from spans
    inner join files on spans.client_id = files.client_id and spans.moment_no = files.moment_no
    inner join {{ ref('kyc_entity_profiles') }} as entity_profiles on files.entity = entity_profiles.entity
    left join first_deposits on spans.client_id = first_deposits.client_id and spans.moment_no = first_deposits.moment_no
    left join (select client_id, moment_no, min(reviewed_at) as verified_at from reviews group by all) as verifications
        on spans.client_id = verifications.client_id and spans.moment_no = verifications.moment_no
    inner join {{ ref('kyc_profiles') }} as profiles
        on
            entity_profiles.profile = profiles.profile
            and least(files.terms_accepted_at, first_deposits.deposited_at) >= profiles.valid_from
            and least(files.terms_accepted_at, first_deposits.deposited_at) < coalesce(profiles.valid_to, timestamp '9999-12-31')
    where profiles.derogation_days is not null
),

late as (
    select
        client_id,
        moment_no,
        known_from,
        known_to,
        'cysec_15_days' as rule,
        case when began_with_terms then 'clients' else deposit_provider end as provider,
        case when began_with_terms then client_id || ':' || terms_changed_at else deposit_event_id end as event_id,
        started_at + to_days(derogation_days) as due_at,
        'not verified ' || derogation_days || ' days after '
        || case when began_with_terms then 'the terms were accepted' else 'the first deposit' end as detail
    from derogations
    where coalesce(verified_at, timestamp '9999-12-31') > started_at + to_days(derogation_days)
),

unverified_deposits as (
    select
        known_deposits.*,
        derogations.derogation_limit_eur,
        derogations.own_name_likeness,
        derogations.names,
        sum(known_deposits.amount_eur) over (
            partition by known_deposits.client_id, known_deposits.moment_no order by known_deposits.occurred_at, known_deposits.event_id
            rows unbounded preceding
        ) as deposited_eur
    from derogations
    inner join known_deposits using (client_id, moment_no)
    where known_deposits.occurred_at < coalesce(derogations.verified_at, timestamp '9999-12-31')
),

over_limit as (
    select
        client_id,
        moment_no,
        known_from,
        known_to,
        'cysec_limit' as rule,
        provider,
        event_id,
        occurred_at,
        'EUR ' || round(deposited_eur, 2)::decimal(38, 2) || ' before verification, the limit is EUR ' || derogation_limit_eur::decimal(38, 2) as detail
    from unverified_deposits
    where deposited_eur > derogation_limit_eur
    qualify row_number() over (partition by client_id, moment_no order by occurred_at, event_id) = 1
),

-- a holder nobody names proves nothing
other_sources as (
    select
        client_id,
        moment_no,
        known_from,
        known_to,
        'cysec_source' as rule,
        provider,
        event_id,
        occurred_at,
        case
            when method is distinct from 'bank_wire' then 'by ' || coalesce(method, 'an unnamed method')
            when holder is null then 'from an account whose holder is not named'
            else 'from an account in another name'
        end as detail
    from unverified_deposits
    where
        method is distinct from 'bank_wire'
        or coalesce({{ likeness('names', 'holder') }}, 0) < own_name_likeness
),

findings as (
    {% for relation in ['expired', 'overdue', 'late', 'over_limit', 'other_sources'] -%}
    select
        client_id,
        moment_no,
        known_from,
        known_to,
        rule,
        provider,
        event_id,
        null::varchar as from_status,
        null::varchar as to_status,
        null::varchar as claimed_from_status,
        null::varchar as actor_id,
        {{ 'due_at' if loop.index <= 3 else 'occurred_at' }} as occurred_at,
        {{ 'due_at' if loop.index <= 3 else 'null::timestamp' }} as due_at,
        detail
    from {{ relation }}
    {% if not loop.last %}union all
    {% endif -%}
    {%- endfor %}
),

{{ kyc_findings_held() }}
