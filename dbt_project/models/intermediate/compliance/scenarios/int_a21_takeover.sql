-- A21: within a day before a withdrawal a device never seen before, a reset of password or second factor, and a new payout instrument.
with outs as (
    select
        requests.request_id,
        requests.client_id,
        persons.person_id,
        persons.entity,
        requests.asked_at,
        requests.instrument_id,
        'cash_requests:' || requests.asked_event_id as row_key,
        requests.recorded_at
    from {{ ref('int_money_requests') }} as requests
    inner join {{ ref('int_persons') }} as persons on requests.client_id = persons.client_id and not persons.is_test
    where requests.request_kind = 'withdrawal' and requests.is_asked
),

ruled as (
    select outs.*, rules.version, rules.parameters, outs.asked_at - to_hours({{ whole('hours') }}) as since
    from outs
    {{ rules_in_force('A21', 'outs', 'outs.asked_at') }}
),

devices as (
    select persons.person_id, attributes.value, min(attributes.first_seen_at) as first_seen_at, arg_min(attributes.row_key, attributes.first_seen_at) as row_key
    from {{ ref('int_client_attributes') }} as attributes
    inner join {{ ref('int_persons') }} as persons on attributes.client_id = persons.client_id
    where attributes.attribute = 'device'
    group by persons.person_id, attributes.value
),

resets as (
    select persons.person_id, sessions.occurred_at, 'client_sessions:' || sessions.session_id as row_key, sessions.recorded_at
    from {{ ref('stg_client_sessions') }} as sessions
    inner join {{ ref('int_persons') }} as persons on sessions.client_id = persons.client_id
    where sessions.event in ('password_reset', 'mfa_reset')
),

found as (
    select
        ruled.row_key,
        any_value(ruled.request_id) as request_id,
        any_value(ruled.client_id) as client_id,
        any_value(ruled.person_id) as person_id,
        any_value(ruled.asked_at) as asked_at,
        any_value(ruled.version) as version,
        any_value(ruled.parameters) as parameters,
        least(min(devices.first_seen_at), min(resets.occurred_at), min(dates.dated_at)) as first_at,
        list_distinct(list(devices.row_key) || list(resets.row_key) || list(dates.row_key)) as keys,
        greatest(any_value(ruled.recorded_at), max(resets.recorded_at)) as known_at
    from ruled
    inner join devices
        on ruled.person_id = devices.person_id and devices.first_seen_at >= ruled.since and devices.first_seen_at <= ruled.asked_at
    inner join resets
        on ruled.person_id = resets.person_id and resets.occurred_at >= ruled.since and resets.occurred_at <= ruled.asked_at
    inner join {{ ref('int_instrument_dates') }} as dates
        on
            ruled.person_id = dates.person_id and ruled.instrument_id = dates.instrument_id
            and dates.dated_at >= ruled.since and dates.dated_at <= ruled.asked_at
    group by ruled.row_key
)

select
    'A21' as scenario,
    found.version,
    found.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.first_at as window_start,
    found.asked_at as window_end,
    flows.amount_eur,
    1 as score,
    found.keys || [found.row_key] as evidence,
    'a new device, a reset and a new instrument within ' || found.parameters['hours']::integer || ' hours before the withdrawal' as detail,
    null::varchar as evaluated_on,
    found.parameters,
    found.known_at as recorded_at
from found
left join {{ ref('int_money_flows') }} as flows on found.request_id = flows.request_id and flows.flow = 'out'
