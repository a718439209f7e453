"""The canonical feed `bank_statement_lines` (feeds.md)."""

import datetime as dt

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, key, optional, required
from warehouse.vocabulary import StatementLineKind


class BankStatementLines(CanonicalFeed):
    """A line of a bank statement. `amount` is signed: + is money in.

    `is_interim`: from a notification or interim report (camt.054, MT942); it comes again in the statement and posts nothing.
    """

    bank_account: str = key()
    statement_id: str = key()
    line_no: int = key()
    booked_on: dt.date = required()
    value_on: dt.date = optional()
    amount: Money = required()
    currency: str = required()
    counterparty_name: str = optional()
    counterparty_account: str = optional()
    reference: str = optional()
    bank_code: str = optional()
    kind: str = optional(closed_set=StatementLineKind)
    counter_account: str = optional()
    client_id: str = optional()
    return_of_line: str = optional()
    is_interim: bool = optional()


FEED = Feed("bank_statement_lines", BankStatementLines, event_time="booked_on")
