-- A03: a withdrawal without a closed trade since the last deposit, once half of all deposits have left. Sums are of the whole lifetime.
with outs as (
    select flows.*, rules.version, rules.parameters
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A03', 'flows', 'flows.asked_at') }}
    where flows.flow = 'out' and flows.amount_eur > 0
),

flows as (select * from {{ ref('int_money_flows') }} where flow in ('deposit', 'out')),

candidates as (
    select
        outs.flow_key,
        any_value(outs.person_id) as person_id,
        any_value(outs.version) as version,
        any_value(outs.parameters) as parameters,
        any_value(outs.asked_at) as asked_at,
        any_value(outs.occurred_at) as occurred_at,
        any_value(outs.client_id) as client_id,
        max(flows.occurred_at) filter (where flows.flow = 'deposit') as last_deposit_at,
        arg_max(flows.flow_key, (flows.occurred_at, flows.flow_key)) filter (where flows.flow = 'deposit') as last_deposit_key,
        sum(flows.amount_eur) filter (where flows.flow = 'deposit') as in_eur,
        sum(flows.amount_eur) filter (where flows.flow = 'out') as out_eur,
        max(flows.recorded_at) as known_at
    from outs
    inner join flows
        on
            outs.person_id = flows.person_id
            and case flows.flow when 'deposit' then flows.occurred_at else flows.asked_at end <= outs.asked_at
    group by outs.flow_key
    having
        sum(flows.amount_eur) filter (where flows.flow = 'out')
        >= any_value(outs.parameters['withdrawn_share']) * sum(flows.amount_eur) filter (where flows.flow = 'deposit')
),

members as (
    select candidates.flow_key, candidates.last_deposit_at, candidates.asked_at, persons.client_id
    from candidates
    inner join {{ ref('int_persons') }} as persons on candidates.person_id = persons.person_id
),

traded as (
    select distinct members.flow_key
    from members
    inner join ({{ closing_trades() }}) as trades
        on
            members.client_id = trades.client_id
            and trades.executed_at >= members.last_deposit_at
            and trades.executed_at <= members.asked_at
)

select
    'A03' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    last_deposit_at as window_start,
    occurred_at as window_end,
    out_eur as amount_eur,
    least(0.5 + 0.5 * (out_eur / in_eur), 1) as score,
    [last_deposit_key, flow_key] as evidence,
    'EUR ' || out_eur::decimal(38, 2) || ' of EUR ' || in_eur::decimal(38, 2) || ' deposited have left; no trade was closed since the last deposit' as detail,
    null::varchar as evaluated_on,
    parameters,
    known_at as recorded_at
from candidates
where flow_key not in (select traded.flow_key from traded)
