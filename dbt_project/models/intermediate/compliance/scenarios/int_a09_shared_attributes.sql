-- A09: several persons share an instrument, device, e-mail, telephone, network, or several clients a document. A document alerts before it merges them.
with attributes as (
    select
        attributes.*,
        persons.person_id,
        persons.entity,
        case attributes.attribute when 'document' then attributes.client_id else persons.person_id end as holder_id
    from {{ ref('int_client_attributes') }} as attributes
    inner join {{ ref('int_persons') }} as persons on attributes.client_id = persons.client_id and not persons.is_test
    where attributes.attribute in ('document', 'instrument', 'device', 'email', 'phone')
),

holders as (
    select
        attribute,
        value,
        holder_id,
        any_value(person_id) as person_id,
        any_value(entity) as entity,
        min(first_seen_at) as first_seen_at,
        list(client_id order by client_id) as client_ids,
        arg_min(row_key, (first_seen_at, client_id)) as row_key,
        max(recorded_at) as known_at
    from attributes
    where (attribute, value) in (
        select (several.attribute, several.value) from attributes as several
        group by several.attribute, several.value
        having count(distinct several.holder_id) > 1
    )
    group by attribute, value, holder_id
),

joined as (
    select
        *,
        row_number() over so_far as place,
        first_value(first_seen_at) over so_far as first_at,
        flatten(list(client_ids) over so_far) as all_client_ids,
        list(row_key) over so_far as keys,
        max(known_at) over so_far as last_known_at
    from holders
    window so_far as (partition by attribute, value order by first_seen_at, holder_id rows unbounded preceding)
),

logins as (
    select
        sessions.ip as value,
        persons.person_id,
        sessions.client_id,
        any_value(persons.entity) as entity,
        max(sessions.occurred_at) as seen_at,
        arg_max('client_sessions:' || sessions.session_id, sessions.occurred_at) as row_key,
        max(sessions.recorded_at) as known_at
    from {{ ref('stg_client_sessions') }} as sessions
    inner join {{ ref('int_persons') }} as persons on sessions.client_id = persons.client_id and not persons.is_test
    where
        -- the networks of many are left out of the attributes, and what one person alone uses cannot be shared
        sessions.ip in (
            select shared.value from {{ ref('int_client_attributes') }} as shared
            where shared.attribute = 'ip'
            group by shared.value
            having count(*) > 1
        )
        and coalesce(sessions.ip_asn, '') not in (
            select coalesce(networks.entry_id, '-') from {{ ref('stg_risk_lists') }} as networks where networks.kind = 'asn'
            union
            select coalesce(networks.name, '-') from {{ ref('stg_risk_lists') }} as networks where networks.kind = 'asn'
        )
    group by sessions.ip, persons.person_id, sessions.client_id, sessions.occurred_at::date
),

networks as (
    select
        logins.*,
        rules.version,
        rules.parameters,
        count(distinct logins.person_id) over recent as persons,
        min(logins.seen_at) over recent as first_at,
        list(logins.client_id) over recent as client_ids,
        list(logins.row_key) over recent as keys,
        max(logins.known_at) over recent as last_known_at
    from logins
    {{ rules_in_force('A09', 'logins', 'logins.seen_at') }}
    window recent as (
        partition by logins.value order by logins.seen_at range between to_days(rules.parameters['ip_days']::integer) preceding and current row
    )
),

found as (
    select
        rules.version,
        joined.person_id,
        joined.attribute || ':' || joined.value as group_key,
        joined.all_client_ids as client_ids,
        joined.first_at as window_start,
        joined.first_seen_at as window_end,
        case joined.attribute when 'document' then 1 when 'instrument' then 0.9 when 'device' then 0.6 else 0.7 end as score,
        joined.keys as evidence,
        joined.place || case joined.attribute when 'document' then ' clients share one ' else ' persons share one ' end || joined.attribute as detail,
        rules.parameters,
        joined.last_known_at as recorded_at
    from joined
    {{ rules_in_force('A09', 'joined', 'joined.first_seen_at') }}
    where joined.place >= rules.parameters['persons']
    union all
    select
        version, person_id, 'ip:' || value, list_distinct(client_ids), first_at, seen_at, 0.5, list_distinct(keys),
        persons || ' persons used one network address within ' || parameters['ip_days']::integer || ' days', parameters, last_known_at
    from networks
    where persons >= parameters['ip_persons']
    qualify row_number() over (partition by value, seen_at::date order by seen_at desc, client_id) = 1
)

select
    'A09' as scenario,
    version,
    person_id,
    md5(group_key) as group_key,
    client_ids,
    window_start,
    window_end,
    null::decimal(38, 8) as amount_eur,
    score,
    evidence,
    detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from found
