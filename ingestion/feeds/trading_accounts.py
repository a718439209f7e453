"""The canonical feed `trading_accounts` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional
from warehouse.vocabulary import AccountStatus, Book


class TradingAccounts(CanonicalFeed):
    """A trading account as of a change: one row per change."""

    platform: str = key()
    login: int = key()
    changed_at: UtcTimestamp = key()
    client_id: str = optional()
    account_group: str = optional()
    account_type: str = optional()
    currency: str = optional()
    leverage: int = optional(ge=0)
    book: str = optional(closed_set=Book)
    entity: str = optional()
    status: str = optional(closed_set=AccountStatus)
    is_demo: bool = optional()
    opened_at: UtcTimestamp = optional()


FEED = Feed("trading_accounts", TradingAccounts, event_time="changed_at")
