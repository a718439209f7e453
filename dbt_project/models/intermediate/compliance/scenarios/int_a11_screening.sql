-- A11: a client's name is like one on a sanctions, politically-exposed or other list, or a provider's check says so. A different year of birth, where
-- both are known, takes 0.2 off: a namesake. The same name, birth date and country is a match as good as certain.
with clients as (
    select
        clients.client_id,
        clients.birth_date,
        upper(clients.country_of_residence) as country,
        upper(clients.nationality) as nationality,
        clients.valid_from,
        coalesce(clients.valid_to, timestamp '9999-12-31') as valid_to,
        'clients:' || clients.client_id || ':' || strftime(clients.valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        clients.recorded_at,
        keys.name_key
    from (
        select *, unnest([concat_ws(' ', first_name, last_name), company_name]) as name
        from {{ ref('int_clients') }}
    ) as clients
    inner join {{ ref('int_name_keys') }} as keys on clients.name = keys.name
),

listed as (
    select listed.*, keys.name_key as list_key
    from {{ ref('int_listed_names') }} as listed
    inner join {{ ref('int_name_keys') }} as keys on listed.name = keys.name
),

pairs as (
    select
        clients.client_id,
        clients.row_key,
        listed.list_name,
        listed.row_key as list_row_key,
        greatest(clients.valid_from, listed.valid_from) as matched_at,
        greatest(clients.recorded_at, listed.recorded_at) as recorded_at,
        clients.birth_date = listed.birth_date as is_same_birth_date,
        listed.country in (clients.country, clients.nationality) as is_same_country,
        matches.score::decimal(5, 4) as likeness,
        greatest(matches.score - case when abs(year(clients.birth_date) - year(listed.birth_date)) > 1 then 0.2 else 0 end, 0)::decimal(5, 4) as score
    from {{ ref('int_name_matches') }} as matches
    inner join clients on matches.name_key = clients.name_key
    inner join listed
        on
            matches.list_key = listed.list_key
            and clients.valid_from < listed.valid_to
            and listed.valid_from < clients.valid_to
    where matches.name_key is not null and matches.list_key is not null
),

checks as (
    select
        client_id,
        'kyc_events:' || provider || ':' || event_id as row_key,
        "check" as list_name,
        occurred_at as matched_at,
        result,
        recorded_at
    from {{ ref('stg_kyc_events') }}
    where "check" in ('sanctions', 'pep', 'adverse_media') and result in ('consider', 'fail')
),

found as (
    select
        client_id, matched_at, score, [row_key, list_row_key] as evidence, recorded_at,
        'like a name on ' || list_name || ' by ' || likeness || case
            when is_same_birth_date and is_same_country and likeness = 1 then '; the same name, birth date and country'
            when is_same_birth_date then '; the same birth date'
            else ''
        end as detail,
        true as is_by_name
    from pairs
    union all
    select client_id, matched_at, if(result = 'fail', 1, 0.9), [row_key], recorded_at, 'check ' || list_name || ' gave ' || result, false from checks
)

select
    'A11' as scenario,
    rules.version,
    persons.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.matched_at as window_start,
    found.matched_at as window_end,
    null::decimal(38, 8) as amount_eur,
    found.score,
    found.evidence,
    found.detail,
    null::varchar as evaluated_on,
    rules.parameters,
    found.recorded_at
from found
inner join {{ ref('int_persons') }} as persons on found.client_id = persons.client_id and not persons.is_test
{{ rules_in_force('A11', 'persons', 'found.matched_at') }}
where not found.is_by_name or found.score >= rules.parameters['similarity']
