"""What the broker's sources say that they hold of each day, and on which days that is not what arrives (truth/source_differences.jsonl).

A source is asked at six in the morning after the day. What it counted then and the loaded files lack, or have too much of, is late, malformed,
deleted at the source before it was asked, or simply lost or doubled on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from ingestion.simulator.output import Writer
from ingestion.simulator.world import DAY, FULL_DETAIL, World, moment

NEWEST_DAYS = 21
"""Of a large broker only its newest days are counted, as a database is asked for its newest days."""

Cause = Literal["late", "quarantined", "deleted", "unexplained"]

RESULT = pl.sum_horizontal("profit", "swap", "commission", "fee")
COMPLETED = pl.when(pl.col("status") == "completed").then("amount").otherwise(0)
COUNTED: Mapping[str, tuple[str, str, pl.Expr, pl.Expr]] = {
    "deals": ("platform", "executed_at", pl.lit(None, pl.String), RESULT),
    "psp_transactions": ("psp", "occurred_at", pl.col("currency"), COMPLETED),
    "kyc_events": ("provider", "occurred_at", pl.lit(None, pl.String), pl.lit(None)),
}
"""Feed → the columns of its source and its time, its currency where amounts are counted by currency, and its control total."""
NEVER_RIGHT: frozenset[Cause] = frozenset({"quarantined", "unexplained"})
"""Causes that no later file of good rows puts right."""
_GROUP = ["feed", "source", "day", "currency"]


@dataclass
class SourceSide:
    """Gathers counts while the feeds are made: `holds` for rows as they arrive in the end, `differs` for rows one side lacks for a while."""

    world: World
    counts: list[pl.DataFrame] = field(default_factory=list)
    differences: list[pl.DataFrame] = field(default_factory=list)

    def holds(self, feed: str, rows: pl.DataFrame) -> None:
        """The source holds these rows, and sooner or later they arrive."""
        self.counts.append(self._counted(feed, rows))

    def differs(self, feed: str, rows: pl.DataFrame, cause: Cause, sign: int = 1) -> None:
        """When the source is asked it holds these rows and they are not loaded (`sign` 1), or the other way round (-1)."""
        if feed not in COUNTED or rows.is_empty():
            return
        counted = self._counted(feed, rows).with_columns(pl.col("row_count", "amount") * sign)
        self.differences.append(counted.with_columns(cause=pl.lit(cause)))
        if cause in NEVER_RIGHT:
            self.counts.append(counted)

    def write(self, writer: Writer) -> None:
        """The feed source_totals, each day in the batch that it belongs to."""
        totals = _summed(pl.concat(self.counts), _GROUP)
        asked = pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=30)
        rows = totals.filter(pl.col("row_count") > 0).select(
            "source", "feed", "day", "currency", asked.alias("counted_at"), "row_count", "amount", scope=pl.lit("day")
        )
        writer.write("source_totals", rows, pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=23))

    def write_truth(self, writer: Writer) -> None:
        """One row for each cause of a difference: what the source states above what is loaded when it is asked."""
        found = pl.concat(self.differences) if self.differences else pl.DataFrame()
        planted = _summed(found, [*_GROUP, "cause"]).to_dicts() if len(found) else []
        writer.write_truth("source_differences", planted)

    def _counted(self, feed: str, rows: pl.DataFrame) -> pl.DataFrame:
        source, at, currency, amount = COUNTED[feed]
        world = self.world
        asked = rows.filter(pl.col(at) < moment(world.cut_us))
        if world.deals > FULL_DETAIL:
            asked = asked.filter(pl.col(at) >= moment(world.start_us + (world.drawn_days - NEWEST_DAYS) * DAY))
        named = asked.select(
            feed=pl.lit(feed), source=source, day=pl.col(at).dt.date(), currency=currency,
            row_count=pl.lit(1, pl.Int64), amount=amount.cast(pl.Decimal(38, 2)),
        )  # fmt: skip
        return _summed(named, _GROUP)


def _summed(rows: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Sums by group, in its order; an amount that is nowhere stated stays empty."""
    stated = pl.when(pl.col("amount").count() > 0).then(pl.col("amount").sum())
    return rows.group_by(group).agg(pl.col("row_count").sum(), stated.alias("amount")).sort(group)
