"""The canonical feed `account_snapshots` (feeds.md)."""

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional, required


class AccountSnapshots(CanonicalFeed):
    """A trading account's balances at a moment, in the account's currency. `margin_level` is a fraction: 2.5 is 250 %."""

    platform: str = key()
    login: int = key()
    captured_at: UtcTimestamp = key()
    balance: Money = required()
    credit: Money = optional()
    equity: Money = optional()
    margin: Money = optional()
    free_margin: Money = optional()
    margin_level: Money = optional()
    floating_pnl: Money = optional()


FEED = Feed("account_snapshots", AccountSnapshots, event_time="captured_at")
