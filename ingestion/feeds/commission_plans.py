"""The canonical feed `commission_plans` (feeds.md)."""

import pandera.polars as pa
import polars as pl

from ingestion.feeds.contract import CanonicalFeed, Feed, UtcTimestamp, key, optional, rule


class CommissionPlans(CanonicalFeed):
    """A version of a commission plan (commissions.md)."""

    plan_id: str = key()
    version: int = key()
    name: str = optional()
    distribution: str = optional()
    currency: str = optional()
    settings: str = optional(json=True)
    valid_from: UtcTimestamp = optional()
    valid_to: UtcTimestamp = optional()

    @rule("settings: holdback_pct is a fraction from 0 to 1 (10 % is 0.10)")
    def holdback_is_a_fraction(cls, data: pa.PolarsData) -> pl.LazyFrame:
        # read as text: whether the settings are JSON at all is another rule
        said = pl.col("settings").str.extract(r'"holdback_pct"\s*:\s*"?([^,"}\s]+)')
        share = said.cast(pl.Float64, strict=False)
        return data.lazyframe.select(said.is_null() | (said == "null") | share.is_between(0, 1).fill_null(False))


FEED = Feed("commission_plans", CommissionPlans, event_time="valid_from")
