"""The canonical feed `partner_links` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional
from warehouse.vocabulary import ChildKind


class PartnerLinks(CanonicalFeed):
    """Who introduced whom, from a moment on. A null parent ends the link."""

    child_kind: str = key(closed_set=ChildKind)
    child_id: str = key()
    valid_from: UtcTimestamp = key()
    parent_partner_id: str = optional()
    reason: str = optional()
    actor_id: str = optional()


FEED = Feed("partner_links", PartnerLinks, event_time="valid_from")
