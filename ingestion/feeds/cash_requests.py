"""The canonical feed `cash_requests` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, Rate, UtcTimestamp, key, optional, required, rule
from warehouse.vocabulary import ActorType, RequestEvent, RequestKind


class CashRequests(CanonicalFeed):
    """An event of a client's money request. `rate` is units of `to_currency` for one of `currency`.

    `from_account` and `to_account` are `wallet` or `platform:login`.
    """

    event_id: str = key()
    request_id: str = required()
    client_id: str = optional()
    request_kind: str = optional(closed_set=RequestKind)
    event: str = required(closed_set=RequestEvent)
    amount: Money = optional(ge=0)
    currency: str = optional()
    fee_amount: Money = optional()
    fee_currency: str = optional()
    to_amount: Money = optional(ge=0)
    to_currency: str = optional()
    rate: Rate = optional(gt=0)
    from_account: str = optional()
    to_account: str = optional()
    method: str = optional()
    psp: str = optional()
    instrument_id: str = optional()
    destination_holder: str = optional()
    channel: str = optional()
    ip: str = optional()
    device_id: str = optional()
    actor_type: str = optional(closed_set=ActorType)
    actor_id: str = optional()
    reason: str = optional()
    occurred_at: UtcTimestamp = required()

    @rule("request_kind, amount, currency: a request must state its kind, its amount and its currency")
    def request_states_what_it_asks(cls, data: pa.PolarsData) -> pl.LazyFrame:
        asked = pl.col("event") == "requested"
        return data.lazyframe.select(
            ~asked | pl.all_horizontal(pl.col("request_kind", "amount", "currency").is_not_null())
        )

    @rule("currency: an amount must state its currency")
    def amount_states_its_currency(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("amount").is_null() | pl.col("currency").is_not_null())


FEED = Feed("cash_requests", CashRequests, event_time="occurred_at")
