"""The canonical feed `leads` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional


class Leads(CanonicalFeed):
    """A lead as of a change."""

    lead_id: str = key()
    changed_at: UtcTimestamp = key()
    created_at: UtcTimestamp = optional()
    source: str = optional()
    campaign: str = optional()
    partner_id: str = optional()
    country: str = optional()
    status: str = optional()
    client_id: str = optional()


FEED = Feed("leads", Leads, event_time="changed_at")
