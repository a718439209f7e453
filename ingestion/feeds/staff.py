"""The canonical feed `staff` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional


class Staff(CanonicalFeed):
    """A member of staff as of a change. `client_id` where he or she is also a client."""

    staff_id: str = key()
    changed_at: UtcTimestamp = key()
    name: str = optional()
    email: str = optional()
    client_id: str = optional()
    role: str = optional()
    approval_limit_eur: Money = optional(ge=0)
    is_active: bool = optional()


FEED = Feed("staff", Staff, event_time="changed_at")
