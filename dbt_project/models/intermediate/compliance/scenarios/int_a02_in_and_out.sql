-- A02: most of a deposit leaves within days, with little trading in between. The days run from the deposit to the request.
with outs as (
    select flows.*, rules.version, rules.parameters
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A02', 'flows', 'flows.asked_at') }}
    where flows.flow = 'out'
),

deposits as (select * from {{ ref('int_money_flows') }} where flow = 'deposit'),

paid_in as (
    select
        outs.flow_key,
        min(deposits.occurred_at) as first_at,
        sum(deposits.amount_eur) as in_eur,
        sum(deposits.amount_usd) as in_usd,
        list(deposits.flow_key order by deposits.occurred_at, deposits.flow_key) as keys,
        list(deposits.client_id) as client_ids,
        max(deposits.recorded_at) as known_at
    from outs
    inner join deposits
        on
            outs.person_id = deposits.person_id
            and deposits.occurred_at <= outs.asked_at
            and deposits.occurred_at >= outs.asked_at - to_days(outs.parameters['window_days']::integer)
    group by outs.flow_key
),

candidates as (
    select
        outs.flow_key,
        any_value(outs.person_id) as person_id,
        any_value(outs.version) as version,
        any_value(outs.parameters) as parameters,
        any_value(outs.asked_at) as asked_at,
        any_value(outs.occurred_at) as occurred_at,
        any_value(paid_in.first_at) as first_at,
        any_value(paid_in.in_eur) as in_eur,
        any_value(paid_in.in_usd) as in_usd,
        any_value(paid_in.keys) as in_keys,
        list_distinct(any_value(paid_in.client_ids) || list(earlier.client_id)) as client_ids,
        sum(earlier.amount_eur) as out_eur,
        list(earlier.flow_key order by earlier.asked_at, earlier.flow_key) as out_keys,
        greatest(any_value(paid_in.known_at), max(earlier.recorded_at)) as known_at
    from outs
    inner join paid_in on outs.flow_key = paid_in.flow_key
    inner join outs as earlier
        on
            outs.person_id = earlier.person_id
            and earlier.asked_at >= paid_in.first_at
            and earlier.asked_at <= outs.asked_at
    group by outs.flow_key
    having sum(earlier.amount_eur) >= any_value(outs.parameters['out_share']) * any_value(paid_in.in_eur)
),

members as (
    select candidates.flow_key, candidates.first_at, candidates.asked_at, persons.client_id
    from candidates
    inner join {{ ref('int_persons') }} as persons on candidates.person_id = persons.person_id
),

traded as (
    select
        members.flow_key,
        count(*) as trades,
        sum(trades.volume_lots) as lots,
        sum(trades.notional_usd) as notional_usd
    from members
    inner join ({{ closing_trades() }}) as trades
        on
            members.client_id = trades.client_id
            and trades.executed_at >= members.first_at
            and trades.executed_at <= members.asked_at
    group by members.flow_key
),

leverages as (
    select members.flow_key, max(accounts.leverage) as leverage
    from members
    inner join {{ ref('int_accounts') }} as accounts on members.client_id = accounts.client_id and accounts.valid_to is null and not accounts.is_demo
    group by members.flow_key
),

judged as (
    select
        candidates.*,
        coalesce(traded.trades, 0) as trades,
        coalesce(traded.lots, 0) as lots,
        coalesce(traded.notional_usd, 0) as notional_usd,
        leverages.leverage
    from candidates
    left join traded on candidates.flow_key = traded.flow_key
    left join leverages on candidates.flow_key = leverages.flow_key
)

select
    'A02' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    client_ids,
    first_at as window_start,
    occurred_at as window_end,
    out_eur as amount_eur,
    case when trades = 0 then 1 else 0.8 end as score,
    in_keys || out_keys as evidence,
    'EUR ' || out_eur::decimal(38, 2) || ' out of EUR ' || in_eur::decimal(38, 2) || ' asked back within ' || date_diff('hour', first_at, asked_at)
    || ' hours, ' || trades || ' trades closed, ' || lots::decimal(18, 2) || ' lots' as detail,
    null::varchar as evaluated_on,
    parameters,
    known_at as recorded_at
from judged
where
    trades = 0
    or lots * 10000 < parameters['lots_per_10000'] * in_eur
    or coalesce(notional_usd < parameters['notional_share'] * (in_usd * leverage)::decimal(38, 8), false)
