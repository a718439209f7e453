-- One deal, by platform:deal_id.
select
    client_id, entity, platform, deal_id, login, executed_at as requested_at, action, entry, symbol, volume_lots, price, profit, swap, commission, fee,
    currency, notional_usd, fx_rate_usd, holding_seconds, book, order_id, position_id, bid, ask, reason, comment, is_cancelled, version, recorded_at
from trading.fct_deals
where platform = $platform and deal_id = $deal_id
