"""The canonical feed `risk_checks` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, required
from warehouse.vocabulary import RiskCheckResult


class RiskChecks(CanonicalFeed):
    """A check that another system ran on a money request."""

    system: str = key()
    check_id: str = key()
    subject_type: str = optional()
    subject_id: str = required()
    check_name: str = optional()
    version: str = optional()
    result: str = required(closed_set=RiskCheckResult)
    inputs: str = optional(json=True)
    ran_at: UtcTimestamp = required()


FEED = Feed("risk_checks", RiskChecks, event_time="ran_at")
