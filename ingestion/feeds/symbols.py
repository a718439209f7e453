"""The canonical feed `symbols` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Price, Rate, UtcTimestamp, key, optional


class Symbols(CanonicalFeed):
    """A tradable instrument from a moment on. `asset_class` `fx` takes its notional from the base currency."""

    platform: str = key()
    symbol: str = key()
    valid_from: UtcTimestamp = key()
    symbol_group: str = optional()
    asset_class: str = optional()
    contract_size: Rate = optional(ge=0)
    base_currency: str = optional()
    quote_currency: str = optional()
    pip_size: Price = optional(ge=0)
    digits: int = optional(ge=0)
    swap_free: bool = optional()


FEED = Feed("symbols", Symbols, event_time="valid_from")
