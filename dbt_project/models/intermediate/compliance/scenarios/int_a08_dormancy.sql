-- A08: half a year of silence, then much money moves, or a new bank account and a withdrawal. A login in the days before does not end the silence; who
-- was never active comes back from nowhere.
with moves as (
    select
        flows.flow_key as row_key, flows.client_id, flows.person_id, flows.entity, flows.asked_at as moved_at, flows.asked_at as silent_until,
        flows.amount_eur, flows.recorded_at, null::varchar as instrument_key
    from {{ ref('int_money_flows') }} as flows
    where flows.flow in ('deposit', 'out')
    union all
    -- a withdrawal to a bank account that is new: the silence is judged at the day the account was added
    select
        flows.flow_key, flows.client_id, flows.person_id, flows.entity, flows.asked_at, dates.dated_at, flows.amount_eur, flows.recorded_at, dates.row_key
    from {{ ref('int_money_flows') }} as flows
    inner join {{ ref('int_instrument_dates') }} as dates on flows.person_id = dates.person_id and flows.instrument_id = dates.instrument_id
    where flows.flow = 'out' and flows.method = 'bank_wire' and dates.dated_at <= flows.asked_at
),

candidates as (
    select moves.*, rules.version, rules.parameters
    from moves
    {{ rules_in_force('A08', 'moves', 'moves.moved_at') }}
    where
        (moves.instrument_key is null and moves.amount_eur >= rules.parameters['amount_eur'])
        or (moves.instrument_key is not null and moves.silent_until >= moves.moved_at - to_days({{ whole('new_bank_days') }}))
),

activity as (
    select person_id, asked_at as active_at, false as is_login from {{ ref('int_money_flows') }}
    where flow in ('deposit', 'out')
    union all
    select persons.person_id, sessions.occurred_at, true
    from {{ ref('stg_client_sessions') }} as sessions
    inner join {{ ref('int_persons') }} as persons on sessions.client_id = persons.client_id
    where sessions.event = 'login'
),

last_seen as (
    select candidates.row_key, candidates.instrument_key, max(activity.active_at) as active_at
    from candidates
    inner join activity
        on
            candidates.person_id = activity.person_id
            and activity.active_at < candidates.silent_until
            and (not activity.is_login or activity.active_at < candidates.silent_until - to_days(candidates.parameters['login_days_ignored']::integer))
    group by candidates.row_key, candidates.instrument_key
),

silent as (
    select candidates.*, last_seen.active_at
    from candidates
    inner join last_seen
        on candidates.row_key = last_seen.row_key and candidates.instrument_key is not distinct from last_seen.instrument_key
    where last_seen.active_at <= candidates.silent_until - to_days(candidates.parameters['dormant_days']::integer)
),

members as (
    select silent.row_key, silent.active_at, silent.silent_until, persons.client_id
    from silent
    inner join {{ ref('int_persons') }} as persons on silent.person_id = persons.person_id
),

-- of those alone: a trade, opened or closed, within the silence
traded as (
    select distinct members.row_key
    from members
    inner join {{ ref('fct_deals') }} as deals
        on members.client_id = deals.client_id and deals.executed_at < members.silent_until
    inner join silent on members.row_key = silent.row_key
    where
        deals.action in ('buy', 'sell') and not deals.is_cancelled and not deals.is_demo
        and deals.executed_at > members.silent_until - to_days(silent.parameters['dormant_days']::integer)
)

select
    'A08' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    active_at as window_start,
    moved_at as window_end,
    amount_eur,
    least(0.5 + date_diff('day', active_at, silent_until) / 1000.0, 1) as score,
    list_filter([row_key, instrument_key], lambda key: key is not null) as evidence,
    'silent for ' || date_diff('day', active_at, silent_until) || ' days, then ' || case
        when instrument_key is not null then 'a new bank account and a withdrawal'
        else 'EUR ' || amount_eur::decimal(38, 2)
    end as detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from silent
where row_key not in (select traded.row_key from traded)
