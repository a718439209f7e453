"""The canonical feed `orders` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Lots, Price, UtcTimestamp, key, optional


class Orders(CanonicalFeed):
    """An order of a trading platform: one row per change of its state."""

    platform: str = key()
    order_id: str = key()
    changed_at: UtcTimestamp = key()
    position_id: str = optional()
    login: int = optional()
    symbol: str = optional()
    side: str = optional()
    order_type: str = optional()
    state: str = optional()
    volume_lots: Lots = optional(ge=0)
    requested_price: Price = optional()
    executed_price: Price = optional()
    sl: Price = optional()
    tp: Price = optional()
    placed_at: UtcTimestamp = optional()
    done_at: UtcTimestamp = optional()


FEED = Feed("orders", Orders, event_time="changed_at")
