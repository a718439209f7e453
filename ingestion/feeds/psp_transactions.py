"""The canonical feed `psp_transactions` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, Money, UtcTimestamp, key, optional, required, rule
from warehouse.vocabulary import Direction, FeeBearer, PaymentMethod, TransactionKind, TransactionStatus


class PspTransactions(CanonicalFeed):
    """A status event of a payment provider's transaction. `amount` is gross and positive.

    `direction` is of the PSP's balance, for adjustments; `fee_borne_by` defaults to the firm.
    """

    psp: str = key()
    event_id: str = key()
    psp_txn_id: str = optional()
    kind: str = required(closed_set=TransactionKind)
    status: str = required(closed_set=TransactionStatus)
    method: str = optional(closed_set=PaymentMethod)
    amount: Money = required(ge=0)
    currency: str = required()
    fee_amount: Money = optional()
    fee_currency: str = optional()
    fee_borne_by: str = optional(closed_set=FeeBearer)
    direction: str = optional(closed_set=Direction)
    original_psp_txn_id: str = optional()
    bank_account: str = optional()
    client_id: str = optional()
    client_reference: str = optional()
    instrument_id: str = optional()
    instrument_holder: str = optional()
    instrument_country: str = optional()
    payer_bank_country: str = optional()
    settlement_batch_id: str = optional()
    decline_code: str = optional()
    occurred_at: UtcTimestamp = required()

    @rule("fee_amount: a fee never exceeds the deposit it was taken from")
    def fee_within_amount(cls, data: pa.PolarsData) -> pl.LazyFrame:
        taken_from_it = (pl.col("kind") == "deposit") & (
            pl.col("fee_currency").fill_null(pl.col("currency")) == pl.col("currency")
        )
        return data.lazyframe.select(~taken_from_it | (pl.col("fee_amount") <= pl.col("amount")))


FEED = Feed("psp_transactions", PspTransactions, event_time="occurred_at")
