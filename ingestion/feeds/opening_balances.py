"""The canonical feed `opening_balances` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, required


class OpeningBalances(CanonicalFeed):
    """A balance of the ledger brought in from before Daybook. `amount`: a debit is positive."""

    entity: str = key()
    account_code: str = key()
    currency: str = key()
    as_of: UtcTimestamp = key()
    client_id: str = key(nullable=True)
    login: int = key(nullable=True)
    psp: str = key(nullable=True)
    bank_account: str = key(nullable=True)
    amount: Money = required()


FEED = Feed("opening_balances", OpeningBalances, event_time="as_of")
