-- A22: a deposit far above the client's own last months, or a change to professional soon after registration. Occupation and age raise the score alone.
with deposits as (
    select flows.*, rules.version, rules.parameters
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A22', 'flows', 'flows.occurred_at') }}
    where flows.flow = 'deposit'
),

histories as (
    select
        *,
        count(*) over history as earlier,
        avg(amount_eur) over history as mean_eur,
        stddev_samp(amount_eur) over history as deviation_eur,
        min(occurred_at) over history as first_at
    from deposits
    window history as (
        partition by person_id order by occurred_at
        range between to_days(parameters['history_days']::integer) preceding and interval 1 microsecond preceding
    )
),

clients as (select * from {{ ref('int_clients') }} where valid_to is null),

changes as (
    select
        events.client_id,
        persons.person_id,
        persons.entity,
        persons.registered_at,
        events.occurred_at,
        'kyc_events:' || events.provider || ':' || events.event_id as row_key,
        events.recorded_at
    from {{ ref('stg_kyc_events') }} as events
    inner join {{ ref('int_persons') }} as persons on events.client_id = persons.client_id and not persons.is_test
    where events.event = 'category_changed' and events.category = 'professional'
),

found as (
    select
        version, person_id, client_id, first_at as window_start, occurred_at as window_end, amount_eur, [flow_key] as evidence,
        'a deposit of EUR ' || amount_eur::decimal(38, 2) || ' against EUR ' || round(mean_eur, 2) || ' ± ' || round(deviation_eur, 2) || ' before' as detail,
        parameters, recorded_at
    from histories
    where earlier >= parameters['minimum_deposits'] and amount_eur > mean_eur + parameters['deviations'] * deviation_eur
    union all
    select
        rules.version, changes.person_id, changes.client_id, changes.registered_at, changes.occurred_at, null, [changes.row_key],
        'professional ' || date_diff('day', changes.registered_at, changes.occurred_at) || ' days after registration', rules.parameters, changes.recorded_at
    from changes
    {{ rules_in_force('A22', 'changes', 'changes.occurred_at') }}
    where changes.occurred_at <= changes.registered_at + to_days({{ whole('professional_days') }})
)

select
    'A22' as scenario,
    found.version,
    found.person_id,
    null::varchar as group_key,
    [found.client_id] as client_ids,
    found.window_start,
    found.window_end,
    found.amount_eur,
    0.6 + case when lower(clients.occupation) = 'student' or clients.birth_date < found.window_end::date - interval 75 year then 0.2 else 0 end as score,
    found.evidence,
    found.detail,
    null::varchar as evaluated_on,
    found.parameters,
    found.recorded_at
from found
left join clients on found.client_id = clients.client_id
