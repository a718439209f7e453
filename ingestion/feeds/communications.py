"""The canonical feed `communications` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required
from warehouse.vocabulary import CommunicationChannel, Direction


class Communications(CanonicalFeed):
    """A call or message between the broker and a client."""

    communication_id: str = key()
    client_id: str = optional()
    channel: str = optional(closed_set=CommunicationChannel)
    direction: str = optional(closed_set=Direction)
    staff_id: str = optional()
    subject: str = optional()
    outcome: str = optional()
    occurred_at: UtcTimestamp = required()


FEED = Feed("communications", Communications, event_time="occurred_at")
