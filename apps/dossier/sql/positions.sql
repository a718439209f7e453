-- Positions open at each point, on both clocks: what was dealt in and not dealt out; lots are positive for a buy, negative for a sell.
{moments}

select
    moments.point, moments.clock, deals.platform, deals.login, deals.position_id, deals.symbol,
    sum(case deals.action when 'buy' then deals.volume_lots else -deals.volume_lots end)::decimal(18, 8) as lots,
    min(deals.executed_at) as opened_at
from trading.fct_deals as deals, moments
where
    deals.client_id = $client_id and deals.action in ('buy', 'sell') and not coalesce(deals.is_cancelled, false)
    and deals.executed_at <= moments.moment and deals.recorded_at <= moments.knowledge
group by all
having sum(case deals.action when 'buy' then deals.volume_lots else -deals.volume_lots end) <> 0
order by all
