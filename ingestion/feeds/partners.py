"""The canonical feed `partners` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional
from warehouse.vocabulary import PartnerStatus


class Partners(CanonicalFeed):
    """A partner as of a change. `client_id` is the partner as a person."""

    partner_id: str = key()
    changed_at: UtcTimestamp = key()
    client_id: str = optional()
    name: str = optional()
    entity: str = optional()
    status: str = optional(closed_set=PartnerStatus)
    rank: str = optional()
    plan_id: str = optional()
    payout_currency: str = optional()
    payout_method: str = optional()


FEED = Feed("partners", Partners, event_time="changed_at")
