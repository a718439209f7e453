"""The canonical feed `client_sessions` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required
from warehouse.vocabulary import SessionEvent


class ClientSessions(CanonicalFeed):
    """A client's sign-in, or a change of its credentials or payment instruments."""

    session_id: str = key()
    client_id: str = optional()
    event: str = required(closed_set=SessionEvent)
    instrument_id: str = optional()
    ip: str = optional()
    ip_country: str = optional()
    ip_asn: str = optional()
    device_id: str = optional()
    occurred_at: UtcTimestamp = required()


FEED = Feed("client_sessions", ClientSessions, event_time="occurred_at")
