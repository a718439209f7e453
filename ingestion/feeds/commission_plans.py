"""The canonical feed `commission_plans` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional


class CommissionPlans(CanonicalFeed):
    """A version of a commission plan (commissions.md)."""

    plan_id: str = key()
    version: int = key()
    name: str = optional()
    distribution: str = optional()
    currency: str = optional()
    settings: str = optional(json=True)
    valid_from: UtcTimestamp = optional()
    valid_to: UtcTimestamp = optional()


FEED = Feed("commission_plans", CommissionPlans, event_time="valid_from")
