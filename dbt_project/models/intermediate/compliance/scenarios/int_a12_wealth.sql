-- A12: deposits above what the client declared: a year's above the income, or all above half the net worth or twice the expected deposits. The
-- declaration is that of the moment; what was not declared is not evaluated.
with deposits as (
    select
        flows.*,
        rules.version,
        rules.parameters,
        clients.declared_income_eur,
        clients.declared_net_worth_eur,
        clients.expected_deposits_eur,
        'clients:' || clients.client_id || ':' || strftime(clients.valid_from, '%Y-%m-%dT%H:%M:%S.%f') as client_key
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A12', 'flows', 'flows.occurred_at') }}
    left join (select * exclude (valid_to), coalesce(valid_to, timestamp '9999-12-31') as valid_to from {{ ref('int_clients') }}) as clients
        on flows.client_id = clients.client_id and flows.occurred_at >= clients.valid_from and flows.occurred_at < clients.valid_to
    where flows.flow = 'deposit'
),

summed as (
    select
        *,
        sum(amount_eur) over year_back as year_eur,
        sum(amount_eur) over so_far as lifetime_eur,
        min(occurred_at) over so_far as first_at,
        list(flow_key) over year_back as keys
    from deposits
    window
        year_back as (
            partition by person_id order by occurred_at range between to_days(parameters['income_days']::integer) preceding and current row
        ),
        so_far as (partition by person_id order by occurred_at range unbounded preceding)
),

judged as (
    select
        *,
        list_filter([
            case when year_eur > parameters['income_times'] * declared_income_eur then 'EUR ' || year_eur::decimal(38, 2) || ' in a year above the income' end,
            case when lifetime_eur > parameters['net_worth_times'] * declared_net_worth_eur then 'EUR ' || lifetime_eur::decimal(38, 2) || ' above the share of the net worth' end,
            case when lifetime_eur > parameters['expected_times'] * expected_deposits_eur then 'EUR ' || lifetime_eur::decimal(38, 2) || ' above the expected deposits' end
        ], lambda said: said is not null) as reasons
    from summed
)

select
    'A12' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    first_at as window_start,
    occurred_at as window_end,
    lifetime_eur as amount_eur,
    0.4 + 0.2 * len(reasons) as score,
    list_filter([client_key], lambda key: key is not null) || keys[-20:] as evidence,
    array_to_string(reasons, '; ') as detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from judged
where len(reasons) > 0
