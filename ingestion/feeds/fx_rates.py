"""The canonical feed `fx_rates` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Rate, UtcTimestamp, key, required


class FxRates(CanonicalFeed):
    """An exchange rate: units of the quote currency for one of the base currency."""

    base_currency: str = key()
    quote_currency: str = key()
    quoted_at: UtcTimestamp = key()
    rate: Rate = required(gt=0)


FEED = Feed("fx_rates", FxRates, event_time="quoted_at")
