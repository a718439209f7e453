-- A10: a country of a list in force at the event: of residence, nationality, the payer's bank or a login; or most logins of a month from abroad.
with lists as (
    select
        list_name,
        upper(coalesce(country, entry_id)) as country,
        valid_from,
        coalesce(holds_until, timestamp '9999-12-31') as valid_to,
        'risk_lists:' || list_name || ':' || entry_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key
    from {{ ref('stg_risk_lists') }}
    where list_name in ('fatf_black', 'fatf_grey', 'eu_hrtc', 'firm')
),

clients as (
    select
        client_id,
        valid_from,
        coalesce(valid_to, timestamp '9999-12-31') as valid_to,
        upper(country_of_residence) as residence,
        upper(nationality) as nationality,
        'clients:' || client_id || ':' || strftime(valid_from, '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        recorded_at
    from {{ ref('int_clients') }}
),

deposits as (select * from {{ ref('int_money_flows') }} where flow = 'deposit'),

sessions as (
    select client_id, occurred_at, upper(ip_country) as country, 'client_sessions:' || session_id as row_key, recorded_at
    from {{ ref('stg_client_sessions') }}
    where event = 'login' and ip_country is not null
),

events as (
    select client_id, 'residence' as attribute, residence as country, valid_from as occurred_at, row_key, null::decimal(38, 8) as amount_eur, recorded_at from clients
    union all
    select client_id, 'nationality', nationality, valid_from, row_key, null, recorded_at from clients
    union all
    select deposits.client_id, 'residence', clients.residence, deposits.occurred_at, deposits.flow_key, deposits.amount_eur, deposits.recorded_at
    from deposits
    inner join clients on deposits.client_id = clients.client_id and deposits.occurred_at >= clients.valid_from and deposits.occurred_at < clients.valid_to
    union all
    select deposits.client_id, 'nationality', clients.nationality, deposits.occurred_at, deposits.flow_key, deposits.amount_eur, deposits.recorded_at
    from deposits
    inner join clients on deposits.client_id = clients.client_id and deposits.occurred_at >= clients.valid_from and deposits.occurred_at < clients.valid_to
    union all
    select client_id, 'payer bank', upper(payer_bank_country), occurred_at, flow_key, amount_eur, recorded_at from deposits
    union all
    select client_id, 'login', country, occurred_at, row_key, null, recorded_at from sessions
),

listed as (
    select
        events.*,
        lists.list_name,
        lists.row_key as list_key
    from events
    inner join lists on events.country = lists.country and events.occurred_at >= lists.valid_from and events.occurred_at < lists.valid_to
),

-- one hit a month and attribute: what goes on is told again, not every login of it
months as (
    select
        client_id,
        attribute,
        country,
        min(occurred_at) as first_at,
        sum(amount_eur) as amount_eur,
        list_distinct(list(list_key)) || list(row_key order by occurred_at, row_key)[:20] as evidence,
        string_agg(distinct list_name, ', ' order by list_name) as lists,
        count(*) as events,
        max(case list_name when 'fatf_black' then 1 when 'fatf_grey' then 0.7 when 'eu_hrtc' then 0.8 else 0.6 end) as score,
        max(recorded_at) as known_at
    from listed
    group by client_id, attribute, country, date_trunc('month', occurred_at)
),

located as (
    select
        sessions.*,
        clients.residence,
        persons.entity
    from sessions
    inner join {{ ref('int_persons') }} as persons on sessions.client_id = persons.client_id
    inner join clients on sessions.client_id = clients.client_id and sessions.occurred_at >= clients.valid_from and sessions.occurred_at < clients.valid_to
    where clients.residence is not null
),

abroad as (
    select
        located.*,
        rules.version,
        rules.parameters,
        count(*) over recent as logins,
        count(*) filter (where located.country <> located.residence) over recent as foreign_logins,
        min(located.occurred_at) over recent as first_at,
        list(located.row_key) filter (where located.country <> located.residence) over recent as keys,
        max(located.recorded_at) over recent as known_at
    from located
    {{ rules_in_force('A10', 'located', 'located.occurred_at') }}
    where located.client_id in (select strangers.client_id from located as strangers where strangers.country <> strangers.residence)
    window recent as (
        partition by located.client_id order by located.occurred_at range between to_days(rules.parameters['logins_days']::integer) preceding and current row
    )
),

found as (
    select
        client_id, first_at as window_start, first_at as window_end, amount_eur, score, evidence,
        attribute || ' in ' || country || ' (' || lists || '), ' || events || ' events in the month' as detail, known_at
    from months
    union all
    select
        client_id, first_at, occurred_at, null, 0.5, keys,
        foreign_logins || ' of ' || logins || ' logins within ' || parameters['logins_days']::integer || ' days from outside ' || residence, known_at
    from abroad
    where logins >= parameters['minimum_logins'] and foreign_logins >= parameters['foreign_login_share'] * logins
    qualify row_number() over (partition by client_id, date_trunc('month', occurred_at) order by occurred_at) = 1
)

select
    'A10' as scenario,
    rules.version,
    persons.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.window_start,
    found.window_end,
    found.amount_eur,
    found.score,
    found.evidence,
    found.detail,
    null::varchar as evaluated_on,
    rules.parameters,
    found.known_at as recorded_at
from found
inner join {{ ref('int_persons') }} as persons on found.client_id = persons.client_id and not persons.is_test
{{ rules_in_force('A10', 'persons', 'found.window_end') }}
