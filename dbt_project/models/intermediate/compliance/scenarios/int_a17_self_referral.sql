-- A17: a client was introduced by a partner who is the same person, or shares a device, instrument, network, address, or surname and birth date.
with links as (
    select
        child_id as client_id,
        parent_partner_id as partner_id,
        min(valid_from) as linked_at,
        'partner_links:client:' || child_id || ':' || strftime(min(valid_from), '%Y-%m-%dT%H:%M:%S.%f') as row_key,
        max(recorded_at) as known_at
    from {{ ref('stg_partner_links') }}
    where child_kind = 'client' and parent_partner_id is not null
    group by child_id, parent_partner_id
),

owners as (
    select distinct partner_id, client_id as owner_id from {{ ref('stg_partners') }}
    where client_id is not null
),

pairs as (
    select
        links.*,
        owners.owner_id,
        persons.person_id,
        persons.entity,
        owner_persons.person_id as owner_person_id
    from links
    inner join owners on links.partner_id = owners.partner_id
    inner join {{ ref('int_persons') }} as persons on links.client_id = persons.client_id and not persons.is_test
    inner join {{ ref('int_persons') }} as owner_persons on owners.owner_id = owner_persons.client_id
),

-- only what was added to a session dates an instrument, else its first use
attributes as (
    select
        attributes.client_id,
        attributes.attribute,
        attributes.value,
        attributes.row_key,
        attributes.recorded_at,
        coalesce(dates.dated_at, attributes.first_seen_at) as since
    from {{ ref('int_client_attributes') }} as attributes
    inner join {{ ref('int_persons') }} as persons on attributes.client_id = persons.client_id
    left join {{ ref('int_instrument_dates') }} as dates
        on attributes.attribute = 'instrument' and persons.person_id = dates.person_id and attributes.value = dates.instrument_id
    where
        attributes.attribute in ('device', 'instrument', 'ip', 'address', 'surname_birth')
        and attributes.client_id in (select pairs.client_id from pairs union select pairs.owner_id from pairs)
),

shared as (
    select
        pairs.client_id,
        pairs.partner_id,
        pairs.owner_id,
        own.attribute,
        greatest(own.since, others.since) as since,
        [own.row_key, others.row_key] as keys,
        greatest(own.recorded_at, others.recorded_at) as known_at
    from pairs
    inner join attributes as own on pairs.client_id = own.client_id
    inner join attributes as others on pairs.owner_id = others.client_id and own.attribute = others.attribute and own.value = others.value
    where pairs.client_id <> pairs.owner_id
    union all
    select client_id, partner_id, owner_id, 'person', linked_at, [row_key], known_at
    from pairs
    where person_id = owner_person_id
),

found as (
    select
        client_id,
        partner_id,
        owner_id,
        min(since) as since,
        list_distinct(flatten(list(keys))) as keys,
        string_agg(distinct attribute, ', ' order by attribute) as attributes,
        max(case attribute when 'person' then 1 when 'instrument' then 0.9 when 'surname_birth' then 0.9 when 'device' then 0.8 else 0.5 end) as score,
        max(known_at) as known_at
    from shared
    group by client_id, partner_id, owner_id
)

select
    'A17' as scenario,
    rules.version,
    pairs.person_id,
    'referral:' || pairs.partner_id || ':' || pairs.client_id as group_key,
    list_distinct([pairs.client_id, pairs.owner_id]) as client_ids,
    pairs.linked_at as window_start,
    greatest(pairs.linked_at, found.since) as window_end,
    null::decimal(38, 8) as amount_eur,
    found.score,
    list_distinct([pairs.row_key] || found.keys) as evidence,
    'introduced by partner ' || pairs.partner_id || ', shares with it: ' || found.attributes as detail,
    null::varchar as evaluated_on,
    rules.parameters,
    greatest(found.known_at, pairs.known_at) as recorded_at
from found
inner join pairs on found.client_id = pairs.client_id and found.partner_id = pairs.partner_id and found.owner_id = pairs.owner_id
{{ rules_in_force('A17', 'pairs', 'greatest(pairs.linked_at, found.since)') }}
