"""The canonical feed `tickets` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required
from warehouse.vocabulary import TicketEvent


class Tickets(CanonicalFeed):
    """An event of a support ticket."""

    event_id: str = key()
    ticket_id: str = required()
    client_id: str = optional()
    event: str = required(closed_set=TicketEvent)
    is_complaint: bool = optional()
    priority: str = optional()
    channel: str = optional()
    topic: str = optional()
    actor_type: str = optional()
    actor_id: str = optional()
    occurred_at: UtcTimestamp = required()


FEED = Feed("tickets", Tickets, event_time="occurred_at")
