"""The canonical feed `lp_trades` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Lots, Money, Price, UtcTimestamp, key, optional, required


class LpTrades(CanonicalFeed):
    """A trade of the broker with a liquidity provider: its own hedge."""

    venue: str = key()
    trade_id: str = key()
    executed_at: UtcTimestamp = required()
    symbol: str = optional()
    side: str = optional()
    volume_lots: Lots = required(ge=0)
    price: Price = required()
    profit: Money = optional()
    commission: Money = optional()
    swap: Money = optional()
    currency: str = optional()
    position_id: str = optional()


FEED = Feed("lp_trades", LpTrades, event_time="executed_at")
