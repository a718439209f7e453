-- A16: linked accounts hedge each other while one holds a bonus, or one falls below zero again and again while a linked one profits.
with pairs as (select * from {{ ref('int_matched_positions') }} where is_linked),

credits as (
    select platform || ':' || login as account, executed_at, profit, 'deals:' || platform || ':' || deal_id as row_key
    from {{ ref('fct_deals') }}
    where action in ('credit', 'bonus') and not is_cancelled and not is_demo
),

credited as (
    select
        pairs.position_key,
        pairs.other_position_key,
        sum(credits.profit) as credit,
        min(credits.row_key) as row_key
    from (
        select position_key, other_position_key, opened_at, unnest([account, other_account]) as account from pairs
    ) as pairs
    inner join credits on pairs.account = credits.account and credits.executed_at <= pairs.opened_at
    group by pairs.position_key, pairs.other_position_key
    having sum(credits.profit) > 0
),

hedges as (
    select
        least(pairs.client_id, pairs.other_client_id) as client_id,
        greatest(pairs.client_id, pairs.other_client_id) as other_client_id,
        count(distinct pairs.position_key) as pairs,
        min(pairs.opened_at) as first_at,
        max(pairs.closed_at) as last_at,
        list_distinct(flatten(list(pairs.evidence || [credited.row_key])))[:40] as keys,
        max(pairs.recorded_at) as known_at
    from pairs
    inner join credited on pairs.position_key = credited.position_key and pairs.other_position_key = credited.other_position_key
    group by least(pairs.client_id, pairs.other_client_id), greatest(pairs.client_id, pairs.other_client_id)
),

below_zero as (
    select
        accounts.client_id,
        count(distinct snapshots.captured_at::date) as days,
        min(snapshots.captured_at) as first_at,
        max(snapshots.captured_at) as last_at,
        list('account_snapshots:' || snapshots.platform || ':' || snapshots.login || ':' || strftime(snapshots.captured_at, '%Y-%m-%dT%H:%M:%S.%f') order by snapshots.captured_at)[:20]
            as keys,
        max(snapshots.recorded_at) as known_at
    from {{ ref('stg_account_snapshots') }} as snapshots
    inner join {{ ref('int_accounts') }} as accounts
        on snapshots.platform = accounts.platform and snapshots.login = accounts.login and accounts.valid_to is null
    where snapshots.equity < 0 and not accounts.is_demo
    group by accounts.client_id
),

-- the other side of the loss: clients linked to one below zero, with what they won since
gainers as (
    select
        below_zero.client_id,
        others.client_id as other_client_id,
        below_zero.days,
        below_zero.first_at,
        below_zero.last_at,
        below_zero.keys,
        below_zero.known_at,
        sum(trades.profit) as profit
    from below_zero
    inner join {{ ref('int_linked_clients') }} as own on below_zero.client_id = own.client_id
    inner join {{ ref('int_linked_clients') }} as others on own.cluster_id = others.cluster_id and own.client_id <> others.client_id
    inner join ({{ closing_trades() }}) as trades
        on others.client_id = trades.client_id and trades.executed_at >= below_zero.first_at - interval 30 day and trades.executed_at <= below_zero.last_at
    group by all
    having sum(trades.profit) > 0
),

found as (
    select client_id, other_client_id, first_at, last_at, pairs as times, 'hedges' as kind, keys, known_at from hedges
    union all
    select client_id, other_client_id, first_at, last_at, days, 'negative', keys, known_at from gainers
)

select
    'A16' as scenario,
    rules.version,
    persons.person_id,
    'bonus:' || least(found.client_id, found.other_client_id) || ':' || greatest(found.client_id, found.other_client_id) as group_key,
    list_distinct([found.client_id, found.other_client_id]) as client_ids,
    found.first_at as window_start,
    found.last_at as window_end,
    null::decimal(38, 8) as amount_eur,
    0.8 as score,
    found.keys as evidence,
    case found.kind
        when 'hedges' then found.times || ' hedges between linked accounts while one held a bonus'
        else 'equity below zero on ' || found.times || ' days while a linked account profited'
    end as detail,
    null::varchar as evaluated_on,
    rules.parameters,
    found.known_at as recorded_at
from found
inner join {{ ref('int_persons') }} as persons on found.client_id = persons.client_id and not persons.is_test
{{ rules_in_force('A16', 'persons', 'found.last_at') }}
where found.times >= case found.kind when 'hedges' then rules.parameters['minimum_pairs'] else rules.parameters['negative_times'] end
