-- R3 Client trade history: each deal of the client with order, position, venue, costs and why it closed.
select
    deals.platform, deals.deal_id, deals.order_id, deals.position_id, deals.login, deals.symbol, deals.action as side, deals.entry,
    deals.volume_lots, deals.executed_at, deals.price as executed_price, deals.bid, deals.ask,
    case deals.action when 'buy' then deals.price - deals.ask when 'sell' then deals.bid - deals.price end as slippage,
    deals.book as execution_book, deals.commission, deals.fee, deals.swap, deals.profit, deals.currency, deals.notional_usd, accounts.leverage,
    deals.reason as close_reason, deals.comment as platform_comment, deals.is_cancelled, deals.version, deals.recorded_at
from trading.fct_deals as deals
left join core.dim_accounts as accounts on deals.platform = accounts.platform and deals.login = accounts.login
where deals.client_id = $client_id and deals.executed_at >= $from::timestamp and deals.executed_at < $until::timestamp
order by deals.executed_at, deals.platform, deals.deal_id
