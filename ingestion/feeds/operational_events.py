"""The feed `operational_events`: what people and programs did in Daybook itself. Its only source is our own operational store."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required

SHA256 = r"^[0-9a-f]{64}$"


class OperationalEvents(CanonicalFeed):
    """An event of the operational store: an order, a decision, a refusal, a policy, a view, a sign-in, a delivery.

    `body` is the sealed text: SHA-256 of `prev_hash` and it is `hash`. `carried_by` names the feed that carries this event too, under the
    same id; null where none does. `stored_at` is when the store wrote it.
    """

    event_id: str = key()
    seq: int = required(gt=0)
    stream: str = optional()
    type: str = required()
    subject_type: str = optional()
    subject_id: str = optional()
    client_id: str = optional()
    entity: str = optional()
    occurred_at: UtcTimestamp = required()
    stored_at: UtcTimestamp = optional()
    actor_id: str = optional()
    actor_type: str = optional()
    actor_role: str = optional()
    on_behalf_of: str = optional()
    ip: str = optional()
    device: str = optional()
    reason: str = optional()
    before: str = optional(json=True)
    after: str = optional(json=True)
    correlation_id: str = optional()
    causation_id: str = optional()
    rule_version: str = optional()
    approval_id: str = optional()
    source_system: str = optional()
    source_id: str = optional()
    source_hash: str = optional()
    prev_hash: str = required(str_matches=SHA256)
    hash: str = required(str_matches=SHA256)
    body: str = required()
    carried_by: str = optional()


FEED = Feed("operational_events", OperationalEvents, event_time="occurred_at")
