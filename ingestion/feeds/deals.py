"""The canonical feed `deals` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import (
    CanonicalFeed,
    Feed,
    Lots,
    Money,
    Price,
    UtcTimestamp,
    key,
    optional,
    required,
    rule,
)
from warehouse.vocabulary import DealAction, DealEntry


class Deals(CanonicalFeed):
    """A deal of a trading platform: a trade's execution or a balance operation.

    `profit`, `swap`, `commission` and `fee` are in the account's currency, signed as the client's balance moves (a cost is negative).
    """

    platform: str = key()
    deal_id: int = key()
    order_id: str = optional()
    position_id: str = optional()
    login: int = required()
    executed_at: UtcTimestamp = required()
    action: str = required(closed_set=DealAction)
    is_cancelled: bool = optional()
    reference: str = optional()
    entry: str = optional(closed_set=DealEntry)
    symbol: str = optional()
    volume_lots: Lots = optional(ge=0)
    price: Price = optional()
    profit: Money = optional()
    swap: Money = optional()
    commission: Money = optional()
    fee: Money = optional()
    bid: Price = optional()
    ask: Price = optional()
    reason: str = optional()
    comment: str = optional()

    @rule("volume_lots, price: a trade (buy or sell) must state its volume and its price")
    def trade_states_volume_and_price(cls, data: pa.PolarsData) -> pl.LazyFrame:
        trade = pl.col("action").is_in(["buy", "sell"])
        return data.lazyframe.select(~trade | (pl.col("volume_lots").is_not_null() & pl.col("price").is_not_null()))


FEED = Feed("deals", Deals, event_time="executed_at")
