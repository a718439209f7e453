-- A15: nearly all trades of a month are very short and won, and the market moved the client's way right after. The price a second later is in no feed:
-- the next deal's bid and ask in the symbol within seconds stand for it. Where no such deal is, that part is not evaluated, and the alert says so.
with closings as (
    select trades.*, persons.person_id, persons.entity, date_trunc('month', trades.executed_at) as month
    from ({{ closing_trades() }}) as trades
    inner join {{ ref('int_persons') }} as persons on trades.client_id = persons.client_id and not persons.is_test
),

months as (
    select
        closings.client_id,
        any_value(closings.person_id) as person_id,
        any_value(rules.version) as version,
        any_value(rules.parameters) as parameters,
        closings.month,
        count(*) as trades,
        count(*) filter (where closings.holding_seconds < rules.parameters['holding_seconds']) as short_trades,
        count(*) filter (where closings.profit > 0) as wins,
        min(closings.opened_at) as first_at,
        max(closings.executed_at) as last_at
    from closings
    {{ rules_in_force('A15', 'closings', 'closings.executed_at') }}
    group by closings.client_id, closings.month, rules.version
    having
        count(*) >= any_value(rules.parameters['minimum_trades'])
        and count(*) filter (where closings.holding_seconds < rules.parameters['holding_seconds']) >= any_value(rules.parameters['short_share']) * count(*)
        and count(*) filter (where closings.profit > 0) >= any_value(rules.parameters['win_rate']) * count(*)
),

openings as (
    select
        deals.client_id,
        months.month,
        deals.platform,
        deals.deal_id,
        deals.symbol,
        deals.executed_at,
        case deals.action when 'buy' then 1 else -1 end as side,
        deals.price,
        deals.ask - deals.bid as spread,
        months.parameters['quote_seconds']::bigint as quote_seconds,
        deals.recorded_at
    from {{ ref('fct_deals') }} as deals
    inner join months
        on deals.client_id = months.client_id and deals.executed_at >= months.first_at and deals.executed_at <= months.last_at
    where deals.entry = 'in' and deals.action in ('buy', 'sell') and not deals.is_cancelled and not deals.is_demo
),

-- quotes of the symbols and half minutes in question alone
quotes as (
    select deals.symbol, deals.executed_at, any_value(deals.bid) as bid, any_value(deals.ask) as ask
    from {{ ref('fct_deals') }} as deals
    where
        deals.bid is not null and deals.ask is not null
        and (deals.symbol, epoch(deals.executed_at)::bigint // 30) in (
            select (openings.symbol, epoch(openings.executed_at)::bigint // 30) from openings
            union
            select (openings.symbol, epoch(openings.executed_at)::bigint // 30 + 1) from openings
        )
    group by deals.symbol, deals.executed_at
),

marked as (
    select
        openings.*,
        case
            when quotes.executed_at <= openings.executed_at + to_seconds(openings.quote_seconds)
                then openings.side * ((quotes.bid + quotes.ask) / 2 - openings.price)
        end as markout
    from openings
    asof left join quotes
        on openings.symbol = quotes.symbol and openings.executed_at < quotes.executed_at
),

judged as (
    select
        months.client_id,
        months.month,
        any_value(months.person_id) as person_id,
        any_value(months.version) as version,
        any_value(months.parameters) as parameters,
        any_value(months.trades) as trades,
        any_value(months.short_trades) as short_trades,
        any_value(months.wins) as wins,
        any_value(months.first_at) as first_at,
        any_value(months.last_at) as last_at,
        count(marked.markout) as marked_trades,
        avg(marked.markout) as markout,
        avg(marked.spread) filter (where marked.markout is not null) as spread,
        list('deals:' || marked.platform || ':' || marked.deal_id order by marked.executed_at)[:40] as keys,
        max(marked.recorded_at) as known_at
    from months
    inner join marked on months.client_id = marked.client_id and months.month = marked.month
    group by months.client_id, months.month
)

select
    'A15' as scenario,
    version,
    person_id,
    null::varchar as group_key,
    [client_id] as client_ids,
    first_at as window_start,
    last_at as window_end,
    null::decimal(38, 8) as amount_eur,
    case when marked_trades = 0 then 0.6 else 0.9 end as score,
    keys as evidence,
    short_trades || ' of ' || trades || ' trades under ' || parameters['holding_seconds']::integer || ' seconds, ' || wins || ' won' || case
        when marked_trades > 0 then ', markout of ' || round(markout / nullif(spread, 0), 2) || ' spreads on ' || marked_trades else ', markout not evaluated'
    end as detail,
    case
        when marked_trades = 0 then 'markout not evaluated: no other deal in the symbol within ' || parameters['quote_seconds']::integer || ' s'
        else 'the next deal''s bid and ask in the symbol within ' || parameters['quote_seconds']::integer || ' s, for ' || marked_trades || ' of ' || trades || ' trades'
    end as evaluated_on,
    parameters,
    known_at as recorded_at
from judged
where marked_trades = 0 or markout >= parameters['markout_spreads'] * spread
