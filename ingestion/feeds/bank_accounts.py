"""The canonical feed `bank_accounts` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional


class BankAccounts(CanonicalFeed):
    """An account of the broker at a bank, from a moment on."""

    bank_account: str = key()
    valid_from: UtcTimestamp = key()
    entity: str = optional()
    currency: str = optional()
    bank: str = optional()
    is_client_money: bool = optional()


FEED = Feed("bank_accounts", BankAccounts, event_time="valid_from")
