"""The canonical feed `risk_lists` (feeds.md)."""

import datetime as dt

from ingestion.feeds.contract import CanonicalFeed, Feed, Texts, UtcTimestamp, key, optional


class RiskLists(CanonicalFeed):
    """An entry of a list of countries, sanctioned names or wallets, from a moment on."""

    list_name: str = key()
    entry_id: str = key()
    valid_from: UtcTimestamp = key()
    valid_to: UtcTimestamp = optional()
    kind: str = optional()
    name: str = optional()
    aliases: Texts = optional()
    birth_date: dt.date = optional()
    country: str = optional()
    attributes: str = optional(json=True)


FEED = Feed("risk_lists", RiskLists, event_time="valid_from")
