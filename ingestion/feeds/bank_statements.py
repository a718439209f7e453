"""The canonical feed `bank_statements` (feeds.md)."""

import datetime as dt

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, key, optional, required


class BankStatements(CanonicalFeed):
    """A bank statement. One that does not foot (opening + lines = closing) loads and raises a break."""

    bank_account: str = key()
    statement_id: str = key()
    opened_on: dt.date = optional()
    closed_on: dt.date = required()
    currency: str = required()
    opening_balance: Money = required()
    closing_balance: Money = required()
    is_client_money: bool = optional()


FEED = Feed("bank_statements", BankStatements, event_time="closed_on")
