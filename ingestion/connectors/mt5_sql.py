"""The MetaTrader 5 SQL export, as `mt5_pull.pull` lands it (Parquet), as a CSV of one table, or as an SQL dump, in canonical feeds.

Codes become words, volumes lots, doubles exact decimals of the symbol's and the currency's digits, the server's clock
UTC. The clock is the setting `time_zone`, else the zone given to the pull, else the minutes of `mt5_time`, else what the
deals' own change stamps say; a row's `Timestamp` (UTC) checks it, and rows that disagree are remarked on. `Timestamp` is
also the row's `source_version`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ingestion.connectors.base import Batch, Rejected
from ingestion.connectors.mt5_clock import clock_of
from ingestion.connectors.mt5_pull import PullError, pull
from ingestion.connectors.mt5_rows import FEEDS, Table
from ingestion.connectors.mt5_tables import MT5
from ingestion.connectors.mt_export import WIDTH, Part, canonical, chunks, parts, peeked, recognised
from ingestion.connectors.mt_settings import MtSettings
from ingestion.connectors.values import text_frame

__all__ = ["CONNECTOR", "Mt5Sql", "PullError", "pull"]


@dataclass(frozen=True)
class Mt5Sql(MtSettings):
    """Settings: `platform` (for CSV files and dumps), `time_zone`, `currency` (where no group tells it), `entity`, `cent_logins`,
    `comment_rules`."""

    name: ClassVar[str] = "mt5_sql"
    version: ClassVar[str] = "2"
    patterns: ClassVar[tuple[str, ...]] = ("*.parquet", "*.csv", "*.sql")
    feeds: ClassVar[tuple[str, ...]] = (
        *("trading_accounts", "deals", "account_snapshots", "positions", "symbols", "source_totals"),
    )

    platform: str = "mt5"
    time_zone: str | int | None = None
    currency: str | None = None
    entity: str | None = None
    cent_logins: list[str] = field(default_factory=list)
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for what a pull landed, a CSV of an export's table, and an SQL dump of one."""
        return recognised(path, head, MT5, {"Timestamp", "Login"})

    def read(self, path: Path) -> Iterator[Batch]:
        """Each table's rows as its canonical feed."""
        landed = canonical(path, MT5)
        if landed is not None:
            yield landed
            return
        number = 0
        for part in parts(path, MT5, self.platform):
            for batch in self._batches(part, number):
                number += batch.rows.height + len(batch.rejected)
                yield batch

    def _batches(self, part: Part, number: int) -> Iterator[Batch]:
        first, rows = peeked(iter(part.rows))
        table, said = self._table(part.about, part.table, first)
        feed, columns, convert = FEEDS[part.table]
        waiting = Batch(feed, text_frame([], columns))
        for chunk in chunks(rows):
            if waiting.rows.height or waiting.rejected:
                yield waiting
            good: list[dict[str, object]] = []
            bad: list[Rejected] = []
            for source in chunk:
                number += 1
                try:
                    if WIDTH in source:
                        raise ValueError(f"has {source[WIDTH]} columns, not as many as the header")
                    good.append({**convert(table, source), "_row_number": number})
                except ValueError as error:
                    bad.append(Rejected(number, (str(error),), dict(source)))
            waiting = Batch(feed, text_frame(good, columns), tuple(bad))
        yield Batch(feed, waiting.rows, waiting.rejected, (*part.said, *said, *table.clock.remark()))

    def _table(
        self, about: Mapping[str, Any], name: str, first: list[Mapping[str, str | None]]
    ) -> tuple[Table, tuple[str, ...]]:
        clock, said = clock_of(self.time_zone, about, first if name == "mt5_deals" else [])
        groups = about.get("groups")
        captured = about.get("captured_at")
        table = Table(
            name,
            str(about["platform"]),
            clock,
            captured if isinstance(captured, str) else None,
            groups if isinstance(groups, dict) else {},
            self.currency,
            self.entity,
            frozenset(map(str, [*self.cent_logins, *(about.get("cent_logins") or [])])),
            self.rules,
        )
        return table, said


CONNECTOR = Mt5Sql()
