"""The canonical feed `kyc_events` (feeds.md)."""

import datetime as dt

from ingestion.feeds.contract import CanonicalFeed, Feed, Texts, UtcTimestamp, key, optional, required
from warehouse.vocabulary import AppropriatenessOutcome, KycCheck, KycEvent, KycResult, RiskRating


class KycEvents(CanonicalFeed):
    """An event of a client's identification. `outcome` is of an appropriateness test."""

    provider: str = key()
    event_id: str = key()
    client_id: str = optional()
    event: str = required(closed_set=KycEvent)
    check_: str = optional(alias="check", closed_set=KycCheck)
    result: str = optional(closed_set=KycResult)
    from_status: str = optional()
    to_status: str = optional()
    category: str = optional()
    outcome: str = optional(closed_set=AppropriatenessOutcome)
    instrument_id: str = optional()
    document_issued_on: dt.date = optional()
    document_type: str = optional()
    document_country: str = optional()
    document_fingerprint: str = optional()
    document_expires_on: dt.date = optional()
    risk_rating: str = optional(closed_set=RiskRating)
    reason_codes: Texts = optional()
    actor_type: str = optional()
    actor_id: str = optional()
    second_actor_id: str = optional()
    rule_version: str = optional()
    detail: str = optional(json=True)
    occurred_at: UtcTimestamp = required()


FEED = Feed("kyc_events", KycEvents, event_time="occurred_at")
