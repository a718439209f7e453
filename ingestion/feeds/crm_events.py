"""The feed `crm_events`, ours beside those of feeds.md: what a CRM did to its own objects and no other feed has a place for."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required


class CrmEvents(CanonicalFeed):
    """A change inside a CRM: a merge, a soft delete, an association, a field's new value, a change of its settings.

    `other_id` is the object it was merged into or associated with; `name` and `value` are of the field that changed.
    """

    system: str = key()
    event_id: str = key()
    object_type: str = required()
    object_id: str = required()
    event: str = required()
    other_id: str = optional()
    name: str = optional()
    value: str = optional()
    actor_id: str = optional()
    occurred_at: UtcTimestamp = required()


FEED = Feed("crm_events", CrmEvents, event_time="occurred_at")
