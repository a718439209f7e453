"""The canonical feed `commission_rules` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, Rate, UtcTimestamp, key, optional, rule


class CommissionRules(CanonicalFeed):
    """A version of a plan's rule (commissions.md). `rate` is money per unit, or a fraction for the schemes that take a share.

    A null `level` is the partner's own rate at any depth.
    """

    plan_id: str = key()
    rule_id: str = key()
    version: int = key()
    scheme: str = optional()
    level: int = optional()
    rank: str = optional()
    symbol_group: str = optional()
    symbol: str = optional()
    account_type: str = optional()
    rate: Rate = optional(ge=0)
    currency: str = optional()
    parameters: str = optional(json=True)
    valid_from: UtcTimestamp = optional()
    valid_to: UtcTimestamp = optional()

    @rule("rate: a share is a fraction and must not be above 1 (30 % is 0.30)")
    def share_is_a_fraction(cls, data: pa.PolarsData) -> pl.LazyFrame:
        share = pl.col("scheme").str.starts_with("pct_") | (pl.col("scheme") == "revenue_share")
        return data.lazyframe.select(~share | (pl.col("rate") <= 1))


FEED = Feed("commission_rules", CommissionRules, event_time="valid_from")
