-- A13: a chargeback on a deposit of the first days, a person's second one, or one after more was taken out than paid in. A country of the instrument
-- other than the residence raises the score alone.
with chargebacks as (
    select *
    from {{ ref('int_money_flows') }}
    where flow = 'chargeback'
    qualify row_number() over (partition by psp, coalesce(original_psp_txn_id, txn_id) order by occurred_at, flow_key) = 1
),

deposits as (select * from {{ ref('int_money_flows') }} where flow = 'deposit'),

numbered as (
    select
        chargebacks.*,
        row_number() over so_far as place,
        list(chargebacks.flow_key) over so_far as keys
    from chargebacks
    window so_far as (partition by chargebacks.person_id order by chargebacks.occurred_at, chargebacks.flow_key rows unbounded preceding)
),

firsts as (select person_id, min(occurred_at) as first_at from deposits group by person_id),

balances as (
    select
        numbered.flow_key,
        sum(flows.amount_eur) filter (where flows.flow = 'out') as out_eur,
        sum(flows.amount_eur) filter (where flows.flow = 'deposit') as in_eur
    from numbered
    inner join {{ ref('int_money_flows') }} as flows
        on numbered.person_id = flows.person_id and flows.flow in ('deposit', 'out') and flows.occurred_at < numbered.occurred_at
    group by numbered.flow_key
),

judged as (
    select
        numbered.*,
        rules.version,
        rules.parameters,
        deposits.flow_key as deposit_key,
        deposits.occurred_at as deposited_at,
        coalesce(deposits.occurred_at <= firsts.first_at + to_days(rules.parameters['first_days']::integer), false) as is_early,
        numbered.place >= rules.parameters['chargebacks'] as is_repeated,
        coalesce(balances.out_eur > balances.in_eur, false) as is_after_profit,
        coalesce(upper(deposits.instrument_country) <> upper(clients.country_of_residence), false) as is_foreign
    from numbered
    {{ rules_in_force('A13', 'numbered', 'numbered.occurred_at') }}
    left join deposits on numbered.psp = deposits.psp and numbered.original_psp_txn_id = deposits.txn_id
    left join firsts on numbered.person_id = firsts.person_id
    left join balances on numbered.flow_key = balances.flow_key
    left join {{ ref('int_clients') }} as clients on numbered.client_id = clients.client_id and clients.valid_to is null
)

select
    'A13' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    coalesce(deposited_at, occurred_at) as window_start,
    occurred_at as window_end,
    amount_eur,
    least(0.5 + case when is_early then 0.2 else 0 end + case when is_repeated then 0.2 else 0 end + case when is_after_profit then 0.1 else 0 end
    + case when is_foreign then 0.1 else 0 end, 1) as score,
    list_distinct(list_filter([deposit_key], lambda key: key is not null) || keys) as evidence,
    array_to_string(list_filter([
        case when is_early then 'a deposit of the first ' || parameters['first_days']::integer || ' days charged back' end,
        case when is_repeated then 'chargeback number ' || place end,
        case when is_after_profit then 'after more was taken out than paid in' end,
        case when is_foreign then 'the instrument is of another country' end
    ], lambda said: said is not null), '; ') as detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from judged
where is_early or is_repeated or is_after_profit
