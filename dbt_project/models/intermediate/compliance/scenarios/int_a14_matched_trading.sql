-- A14: two accounts of one cluster trade against each other: many matched pairs within a month, or most of either one's trades.
with pairs as (
    select
        *,
        least(client_id, other_client_id) as first_client_id,
        greatest(client_id, other_client_id) as second_client_id
    from {{ ref('int_matched_positions') }}
),

trades as (
    select client_id, count(distinct platform || ':' || position_id) as positions
    from {{ ref('fct_deals') }}
    where
        entry in ('out', 'out_by', 'inout') and not is_cancelled and not is_demo
        and client_id in (select pairs.client_id from pairs union select pairs.other_client_id from pairs)
    group by client_id
),

ruled as (
    select pairs.*, persons.entity, rules.version, rules.parameters
    from pairs
    inner join {{ ref('int_persons') }} as persons on pairs.first_client_id = persons.client_id
    {{ rules_in_force('A14', 'persons', 'pairs.opened_at') }}
),

windows as (
    select
        *,
        count(distinct position_key) over recent as pairs,
        count(distinct position_key) over so_far as all_pairs,
        min(opened_at) over recent as first_at,
        flatten(list(evidence) over recent) as keys,
        sum(profit) over recent as profit_sum,
        sum(other_profit) over recent as other_profit_sum,
        max(recorded_at) over recent as known_at
    from ruled
    window
        recent as (
            partition by first_client_id, second_client_id order by closed_at
            range between to_days(parameters['pairs_days']::integer) preceding and current row
        ),
        so_far as (partition by first_client_id, second_client_id order by closed_at range unbounded preceding)
)

select
    'A14' as scenario,
    windows.version,
    windows.person_id,
    'matched:' || windows.first_client_id || ':' || windows.second_client_id as group_key,
    list_distinct([windows.first_client_id, windows.second_client_id]) as client_ids,
    windows.first_at as window_start,
    windows.closed_at as window_end,
    null::decimal(38, 8) as amount_eur,
    case
        when abs(windows.profit_sum + windows.other_profit_sum) <= 0.2 * greatest(abs(windows.profit_sum), abs(windows.other_profit_sum)) then 0.9
        else 0.7
    end as score,
    windows.keys[-40:] as evidence,
    windows.pairs || ' matched pairs within ' || windows.parameters['pairs_days']::integer || ' days' as detail,
    null::varchar as evaluated_on,
    windows.parameters,
    windows.known_at as recorded_at
from windows
left join trades as first_trades on windows.first_client_id = first_trades.client_id
left join trades as second_trades on windows.second_client_id = second_trades.client_id
where
    windows.pairs >= windows.parameters['pairs']
    or (
        windows.all_pairs >= windows.parameters['minimum_pairs']
        and windows.all_pairs >= windows.parameters['trades_share'] * least(first_trades.positions, second_trades.positions)
    )
