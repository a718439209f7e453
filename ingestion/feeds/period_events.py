"""The canonical feed `period_events` (feeds.md)."""

from ingestion.feeds.contract import PERIOD, CanonicalFeed, Feed, UtcTimestamp, key, optional, required
from warehouse.vocabulary import PeriodEvent


class PeriodEvents(CanonicalFeed):
    """The close or the reopening of an accounting period (`YYYY-MM` or a date)."""

    event_id: str = key()
    entity: str = optional()
    period: str = required(str_matches=PERIOD)
    event: str = required(closed_set=PeriodEvent)
    actor_id: str = optional()
    approved_by: str = optional()
    occurred_at: UtcTimestamp = required()


FEED = Feed("period_events", PeriodEvents, event_time="occurred_at")
