"""The feed `source_totals`, ours beside those of feeds.md: what a source says that it holds, to be compared with what was loaded of it."""

import datetime as dt

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional, rule

COMPARED = ("deals", "psp_transactions", "bank_statement_lines", "kyc_events")
"""The feeds whose rows name their source and their time, so that they can be counted by both."""
SCOPE = r"^(day|file:.+)$"


class SourceTotals(CanonicalFeed):
    """How many rows of a feed a source holds of a UTC day, and what they add up to, at the moment it was asked.

    `scope` is `day`, or `file:<name>` for what a file states of its own rows. `currency` '' is over all currencies. `amount` is a control
    total: of deals profit + swap + commission + fee in the accounts' own currencies, of payments the completed ones' gross amounts, of
    bank lines their signed amounts. With `measure` `net` it is what payments leave to be paid out: money in less money out less fees,
    payouts themselves apart. `rows_to_come` and `amount_to_come` are the part that the reading before the count had not reached.
    """

    source: str = key()
    feed: str = key(isin=list(COMPARED))
    day: dt.date = key()
    currency: str = key(nullable=True)
    scope: str = key(str_matches=SCOPE)
    counted_at: UtcTimestamp = key()
    row_count: int = optional(ge=0)
    amount: Money = optional()
    rows_to_come: int = optional(ge=0)
    amount_to_come: Money = optional()
    measure: str = optional(isin=["net"])

    @rule("row_count, amount: a total must state one of them")
    def states_something(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("row_count").is_not_null() | pl.col("amount").is_not_null())

    @rule("measure: only payments have a net")
    def net_of_payments(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("measure").is_null() | (pl.col("feed") == "psp_transactions"))


FEED = Feed("source_totals", SourceTotals, event_time="counted_at")
