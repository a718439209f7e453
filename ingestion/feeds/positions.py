"""The canonical feed `positions` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Lots, Money, Price, UtcTimestamp, key, optional, required
from warehouse.vocabulary import Side


class Positions(CanonicalFeed):
    """An open position at a moment."""

    platform: str = key()
    position_id: str = key()
    captured_at: UtcTimestamp = key()
    login: int = required()
    symbol: str = optional()
    side: str = optional(closed_set=Side)
    volume_lots: Lots = required(ge=0)
    opened_at: UtcTimestamp = optional()
    open_price: Price = optional()
    current_price: Price = optional()
    floating_profit: Money = optional()
    swap: Money = optional()


FEED = Feed("positions", Positions, event_time="captured_at")
