-- Each client's file as it stands now, by today's knowledge.
with clients as (select * from {{ ref('int_clients') }} where valid_to is null),

statuses as (select * from {{ ref('fct_kyc_status') }} where valid_to is null and superseded_at is null),

ratings as (
    select
        client_id,
        max(value) filter (where attribute = 'risk_rating') as risk_rating,
        max(value) filter (where attribute = 'category') as category
    from {{ ref('fct_client_ratings') }}
    where valid_to is null and superseded_at is null
    group by client_id
),

found as (
    select
        client_id,
        {% for check in ['identity', 'address', 'sanctions', 'pep', 'adverse_media'] -%}
        arg_max(result, (occurred_at, recorded_at, event_id)) filter (where "check" = '{{ check }}') as {{ check }},
        {% endfor -%}
        arg_max(outcome, (occurred_at, recorded_at, event_id)) as appropriateness,
        min(occurred_at) filter (where event = 'status_changed' and to_status = 'APPROVED') as verified_at,
        max(occurred_at) filter (where event = 'status_changed' and to_status = 'APPROVED') as last_reviewed_at,
        max(document_expires_on) filter (
            where "check" = 'identity'
            or lower(document_type) in (select identity_documents.document_type from {{ ref('identity_documents') }} as identity_documents)
        ) as document_expires_on
    from {{ ref('stg_kyc_events') }}
    where client_id is not null
    group by client_id
),

clocks as (
    select
        client_id,
        min(due_at) filter (where rule = 'review_overdue' and event_id is not null) as review_due_at,
        min(due_at) filter (where rule = 'cysec_15_days') as derogation_ends_at
    from {{ ref('int_kyc_clocks') }}
    where superseded_at is null and rule is not null
    group by client_id
),

rates as (select * from {{ ref('int_fx_usd') }}),

euro_rates as (select * from {{ ref('int_fx_usd') }} where currency = 'EUR'),

paid as (
    select
        deposits.client_id,
        list(distinct deposits.method) as methods,
        sum(
            {{ in_euros('deposits') }}
        ) as deposits_eur
    from (select * from {{ ref('int_kyc_deposits') }} where superseded_at is null and client_id is not null) as deposits
    {{ at_euro_rates('deposits', 'occurred_at') }}
    group by deposits.client_id
),

listed as (
    select
        country,
        list(distinct list_name) as lists
    from {{ ref('stg_risk_lists') }}
    where country is not null and name is null and valid_from <= {{ known_at() }} and coalesce(valid_to, timestamp '9999-12-31') > {{ known_at() }}
    group by country
),

-- what each client is in the words of the weights
traits as (
    select
        clients.client_id,
        list_transform(coalesce(residence.lists, []), list_name -> 'country:' || list_name)
        || list_transform(coalesce(nationality.lists, []), list_name -> 'nationality:' || list_name)
        || list_transform(coalesce(paid.methods, []), method -> 'method:' || method)
        || list_filter([
            case when clients.client_type = 'corporate' then 'structure:corporate' end,
            case when found.sanctions in ('consider', 'fail') then 'screening:sanctions' end,
            case when found.pep in ('consider', 'fail') then 'screening:pep' end,
            case when found.adverse_media in ('consider', 'fail') then 'screening:adverse_media' end,
            case when paid.deposits_eur > 2 * clients.expected_deposits_eur then 'deposits:above_expected' end,
            case when paid.deposits_eur > clients.declared_income_eur then 'deposits:above_income' end
        ], trait -> trait is not null) as traits
    from clients
    left join found on clients.client_id = found.client_id
    left join paid on clients.client_id = paid.client_id
    left join listed as residence on clients.country_of_residence = residence.country
    left join listed as nationality on clients.nationality = nationality.country
),

scores as (
    select
        parted.client_id,
        sum(weights.weight) as risk_score,
        bool_or(weights.is_high) as is_high,
        string_agg(weights.said || ' (' || weights.weight || ')', '; ' order by weights.weight desc, weights.said) as risk_factors
    from (
        select
            client_id,
            unnest(traits) as trait
        from traits
    ) as parted
    inner join {{ ref('kyc_risk_weights') }} as weights on parted.trait = weights.factor || ':' || weights.value
    group by parted.client_id
),

rated as (
    select
        clients.client_id,
        coalesce(scores.risk_score, 0) as risk_score,
        coalesce(scores.risk_factors, '') as risk_factors,
        case when coalesce(scores.is_high, false) then 'high' else arg_max(bands.risk_rating, bands.from_score) end as score_rating
    from clients
    left join scores on clients.client_id = scores.client_id
    inner join {{ ref('kyc_risk_bands') }} as bands
        on
            coalesce(scores.risk_score, 0) >= bands.from_score
            and bands.valid_from <= {{ known_at() }}
            and coalesce(bands.valid_to, timestamp '9999-12-31') > {{ known_at() }}
    group by clients.client_id, scores.risk_score, scores.risk_factors, scores.is_high
),

placed as (
    select
        clients.client_id,
        clients.entity,
        clients.client_type,
        clients.country_of_residence,
        clients.is_test,
        coalesce(entity_profiles.profile, 'offshore') as profile,
        coalesce(statuses.status, 'NOT_STARTED') as kyc_status,
        coalesce(statuses.status_since, clients.registered_at) as status_since,
        {{ known_at() }} > coalesce(statuses.status_since, clients.registered_at) + to_days(capabilities.grace_days) as is_after_grace
    from clients
    left join statuses on clients.client_id = statuses.client_id
    left join {{ ref('kyc_entity_profiles') }} as entity_profiles on clients.entity = entity_profiles.entity
    left join {{ ref('kyc_capabilities') }} as capabilities on coalesce(statuses.status, 'NOT_STARTED') = capabilities.status
)

select
    placed.client_id,
    placed.entity,
    placed.profile,
    placed.kyc_status,
    placed.status_since,
    case when placed.is_after_grace then capabilities.after_deposit else coalesce(capabilities.can_deposit, 'no') end as can_deposit,
    case when placed.is_after_grace then capabilities.after_trade else coalesce(capabilities.can_trade, 'no') end as can_trade,
    case when placed.is_after_grace then capabilities.after_withdraw else coalesce(capabilities.can_withdraw, 'no') end as can_withdraw,
    coalesce(placed.is_after_grace, false) as is_after_grace,
    found.identity,
    found.address,
    found.sanctions,
    found.pep,
    found.adverse_media,
    found.appropriateness,
    ratings.category,
    ratings.risk_rating,
    rated.risk_score::integer as risk_score,
    rated.score_rating,
    rated.risk_factors,
    array_to_string(list_filter([
        case when found.identity is distinct from 'clear' then 'identity' end,
        case when profiles.needs_address and found.address is distinct from 'clear' then 'address' end,
        case when found.sanctions is distinct from 'clear' then 'sanctions screening' end,
        case when found.pep is distinct from 'clear' then 'PEP screening' end,
        case when found.adverse_media is distinct from 'clear' then 'adverse media' end,
        case when ratings.risk_rating is null then 'risk rating' end,
        case when profiles.needs_appropriateness and found.appropriateness is null then 'appropriateness' end,
        case when ratings.category is null then 'category' end
    ], lack -> lack is not null), ', ') as lacks,
    found.verified_at,
    found.last_reviewed_at,
    clocks.review_due_at,
    found.document_expires_on,
    clocks.derogation_ends_at,
    coalesce(paid.deposits_eur, 0)::decimal(38, 8) as deposits_eur,
    array_to_string(list_sort(list_filter(paid.methods, method -> method is not null)), ', ') as deposit_methods,
    placed.client_type,
    placed.country_of_residence,
    placed.is_test,
    {{ run_id() }} as _run_id
from placed
left join found on placed.client_id = found.client_id
left join ratings on placed.client_id = ratings.client_id
left join clocks on placed.client_id = clocks.client_id
left join paid on placed.client_id = paid.client_id
left join rated on placed.client_id = rated.client_id
left join {{ ref('kyc_capabilities') }} as capabilities on placed.kyc_status = capabilities.status
left join {{ ref('kyc_profiles') }} as profiles on placed.profile = profiles.profile and profiles.valid_to is null
order by placed.client_id
