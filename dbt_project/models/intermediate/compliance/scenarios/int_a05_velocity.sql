-- A05: many deposits in a day, many cards in a month, a day far above the last months, or a card tried until it works. Windows slide, ends included.
with deposits as (
    select flows.*, rules.version, rules.parameters
    from {{ ref('int_money_flows') }} as flows
    {{ rules_in_force('A05', 'flows', 'flows.occurred_at') }}
    where flows.flow = 'deposit'
),

days as (
    select
        *,
        count(*) over day_back as deposits_24h,
        sum(amount_eur) over day_back as total_24h,
        list(flow_key) over day_back as keys_24h,
        list(client_id) over day_back as client_ids_24h,
        min(occurred_at) over day_back as first_24h,
        max(recorded_at) over day_back as known_24h
    from deposits
    window day_back as (partition by person_id order by occurred_at range between interval 24 hour preceding and current row)
),

cards as (
    select
        *,
        count(distinct instrument_id) over month_back as cards,
        list(flow_key) over month_back as keys,
        list(client_id) over month_back as client_ids,
        min(occurred_at) over month_back as first_at,
        max(recorded_at) over month_back as known_at
    from deposits
    where method = 'card' and instrument_id is not null
    window month_back as (
        partition by person_id order by occurred_at range between to_days(parameters['cards_days']::integer) preceding and current row
    )
),

-- the largest of the whole days that ended before the last 24 hours began; without one there is nothing to be far above
histories as (
    select flow_key, max(day_eur) as largest_day_eur
    from (
        select days.flow_key, earlier.occurred_at::date as day, sum(earlier.amount_eur) as day_eur
        from days
        inner join deposits as earlier
            on
                days.person_id = earlier.person_id
                and earlier.occurred_at < date_trunc('day', days.occurred_at - interval 24 hour)
                and earlier.occurred_at >= days.occurred_at - to_days(days.parameters['history_days']::integer)
        group by days.flow_key, earlier.occurred_at::date
    )
    group by flow_key
),

declined as (
    select client_id, occurred_at, 'psp_transactions:' || psp || ':' || event_id as row_key
    from {{ ref('int_ledger_psp_rows') }}
    where kind = 'deposit' and status = 'declined' and client_id is not null
),

tries as (
    select
        deposits.flow_key,
        count(*) as declines,
        min(declined.occurred_at) as first_at,
        list(declined.row_key order by declined.occurred_at) as keys
    from deposits
    inner join {{ ref('int_persons') }} as persons on deposits.person_id = persons.person_id
    inner join declined
        on
            persons.client_id = declined.client_id
            and declined.occurred_at <= deposits.occurred_at
            and declined.occurred_at >= deposits.occurred_at - to_minutes(deposits.parameters['declines_minutes']::integer)
    group by deposits.flow_key
),

found as (
    select
        version, person_id, list_distinct(client_ids_24h) as client_ids, first_24h as window_start, occurred_at as window_end, total_24h as amount_eur,
        0.7 as score, keys_24h as evidence, deposits_24h || ' deposits within 24 hours' as detail, parameters, known_24h as recorded_at
    from days
    where deposits_24h >= parameters['deposits_24h']
    union all
    select
        version, person_id, list_distinct(client_ids), first_at, occurred_at, amount_eur, 0.7, keys,
        cards || ' cards within ' || parameters['cards_days']::integer || ' days', parameters, known_at
    from cards
    where cards >= parameters['cards']
    union all
    select
        days.version, days.person_id, list_distinct(days.client_ids_24h), days.first_24h, days.occurred_at, days.total_24h, 0.6, days.keys_24h,
        'EUR ' || days.total_24h::decimal(38, 2) || ' within 24 hours; the largest day before was EUR ' || histories.largest_day_eur::decimal(38, 2),
        days.parameters, days.known_24h
    from days
    inner join histories on days.flow_key = histories.flow_key
    where days.total_24h > days.parameters['daily_max_times'] * histories.largest_day_eur
    union all
    select
        deposits.version, deposits.person_id, [deposits.client_id], tries.first_at, deposits.occurred_at, deposits.amount_eur, 0.8,
        tries.keys || [deposits.flow_key], tries.declines || ' declines, then a success', deposits.parameters, deposits.recorded_at
    from deposits
    inner join tries on deposits.flow_key = tries.flow_key
    where tries.declines >= deposits.parameters['declines']
)

select
    'A05' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    client_ids,
    window_start,
    window_end,
    amount_eur,
    score,
    evidence,
    detail,
    null::varchar as evaluated_on,
    parameters,
    recorded_at
from found
