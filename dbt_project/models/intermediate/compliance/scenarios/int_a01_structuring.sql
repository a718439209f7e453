-- A01: several deposits within the window, each just below a limit.
with deposits as (
    select
        flows.*,
        rules.version,
        rules.parameters,
        unnest(list_filter(map_entries(rules.parameters), lambda entry: starts_with(entry.key, 'threshold_'))).value as threshold
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A01', 'flows', 'flows.occurred_at') }}
    where flows.flow = 'deposit'
),

windows as (
    select
        *,
        count(*) over recent as deposits,
        sum(amount_eur) over recent as total_eur,
        min(occurred_at) over recent as first_at,
        list(client_id) over recent as client_ids,
        list(flow_key) over recent as keys,
        max(recorded_at) over recent as known_at
    from deposits
    where amount_eur >= parameters['band_from'] * threshold and amount_eur < threshold
    window recent as (
        partition by person_id, threshold, version order by occurred_at
        range between to_days(parameters['window_days']::integer) preceding and current row
    )
)

select
    'A01' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    list_distinct(client_ids) as client_ids,
    first_at as window_start,
    occurred_at as window_end,
    total_eur as amount_eur,
    least(0.5 + 0.1 * deposits, 1) as score,
    keys as evidence,
    deposits || ' deposits within ' || parameters['window_days']::integer || ' days just below EUR ' || threshold::decimal(18, 2) as detail,
    null::varchar as evaluated_on,
    parameters,
    known_at as recorded_at
from windows
where deposits >= parameters['deposits'] and total_eur >= threshold
