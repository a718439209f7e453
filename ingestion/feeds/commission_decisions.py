"""The canonical feed `commission_decisions` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional, required, rule
from warehouse.vocabulary import CommissionDecision


class CommissionDecisions(CanonicalFeed):
    """A decision on a commission that was taken elsewhere. `amount` is signed."""

    event_id: str = key()
    accrual_id: str = optional()
    partner_id: str = optional()
    period: str = optional()
    event: str = required(closed_set=CommissionDecision)
    amount: Money = optional()
    currency: str = optional()
    reason: str = optional()
    actor_id: str = optional()
    occurred_at: UtcTimestamp = required()

    @rule("currency: an amount must state its currency")
    def amount_states_its_currency(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("amount").is_null() | pl.col("currency").is_not_null())


FEED = Feed("commission_decisions", CommissionDecisions, event_time="occurred_at")
