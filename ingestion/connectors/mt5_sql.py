"""The MetaTrader 5 SQL export, as `mt5_pull.pull` lands it (Parquet) or as a CSV of one table, in canonical feeds.

Codes become words, volumes lots, doubles exact decimals of the symbol's and the currency's digits, the server's clock
UTC. The clock is the setting `time_zone`, else the zone given to the pull, else the minutes of `mt5_time`; a row's
`Timestamp` (UTC) checks it, and rows that disagree are remarked on. `Timestamp` is also the row's `source_version`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.mt5_pull import PullError, pull
from ingestion.connectors.mt5_rows import FEEDS, Clock, Source, Table
from ingestion.connectors.mt5_tables import METADATA_KEY, documented
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.values import check_zone, text_frame

__all__ = ["CONNECTOR", "Mt5Sql", "PullError", "pull"]

_BATCH_ROWS = 50_000
_WIDTH = "(columns)"  # marks a CSV line with more or fewer cells than its header
_TABLE_IN_NAME = re.compile(r"mt5_(deals|users|accounts|positions|symbols)(?![a-z])")


@dataclass(frozen=True)
class Mt5Sql:
    """Settings: `platform` (for CSV files), `time_zone`, `currency` (where no group tells it), `entity`."""

    name: ClassVar[str] = "mt5_sql"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.parquet", "*.csv")
    feeds: ClassVar[tuple[str, ...]] = ("trading_accounts", "deals", "account_snapshots", "positions", "symbols")

    platform: str = "mt5"
    time_zone: str | int | None = None
    currency: str | None = None
    entity: str | None = None

    def __post_init__(self) -> None:
        if self.time_zone is not None:
            check_zone(self.time_zone)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for what a pull landed, a CSV of an export's table, and an SQL dump (which `read` refuses by name)."""
        if head[:4] == b"PAR1":
            try:
                return METADATA_KEY in (pq.read_schema(path).metadata or {})
            except (pa.ArrowException, OSError):
                return False
        if b"CREATE TABLE `mt5_" in head:
            return True
        first = head.split(b"\n", 1)[0].decode("utf-8", "replace").replace('"', "").strip().split(",")
        return bool(_TABLE_IN_NAME.search(path.name)) and {"Timestamp", "Login"} <= set(first)

    def read(self, path: Path) -> Iterator[Batch]:
        """The table's rows as its canonical feed."""
        table, said, rows = self._open(path)
        feed, columns, convert = FEEDS[table.table]
        number = 0
        waiting: Batch | None = None
        while chunk := list(islice(rows, _BATCH_ROWS)):
            if waiting is not None:
                yield waiting
            good: list[dict[str, object]] = []
            bad: list[Rejected] = []
            for source in chunk:
                number += 1
                try:
                    if _WIDTH in source:
                        raise ValueError(f"has {source[_WIDTH]} columns, not as many as the header")
                    good.append({**convert(table, source), "_row_number": number})
                except ValueError as error:
                    bad.append(Rejected(number, (str(error),), dict(source)))
            waiting = Batch(feed, text_frame(good, columns), tuple(bad))
        if waiting is None:
            waiting = Batch(feed, text_frame([], columns))
        yield Batch(feed, waiting.rows, waiting.rejected, (*said, *table.clock.remark()))

    def _open(self, path: Path) -> tuple[Table, tuple[str, ...], Iterator[Source]]:
        if path.suffix == ".csv":
            return self._open_csv(path)
        try:
            file = pq.ParquetFile(path)
            about = json.loads((file.schema_arrow.metadata or {})[METADATA_KEY])
            if about["table"] not in FEEDS or any(field.type != pa.string() for field in file.schema_arrow):
                raise KeyError(about["table"])
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise BadFile(
                f"{path.name} is no table that a pull landed ({error}).",
                "Load a .sql dump into a MariaDB, and pull that database.",
            ) from error
        return *self._table(about), _parquet_rows(file, path)

    def _open_csv(self, path: Path) -> tuple[Table, tuple[str, ...], Iterator[Source]]:
        found = _TABLE_IN_NAME.search(path.name)
        lines = csv_rows(path)
        header = [documented(name.strip()) for name in next(lines, [])]
        if found is None or found[1] not in ("deals", "users") or "Timestamp" not in header or "Login" not in header:
            raise BadFile(
                f"{path.name} is no CSV of mt5_deals or mt5_users with its header.",
                "Name the file after its table, or pull the database itself.",
            )
        about = {"table": f"mt5_{found[1]}", "platform": self.platform}
        return *self._table(about), (_line(header, line) for line in lines if line)

    def _table(self, about: Mapping[str, object]) -> tuple[Table, tuple[str, ...]]:
        zone = self.time_zone
        said: list[str] = []
        if zone is None and isinstance(about.get("zone"), str | int):
            zone = check_zone(about["zone"])  # pyright: ignore[reportArgumentType]
        if zone is None:
            minutes = about.get("minutes")
            zone = minutes if isinstance(minutes, int) else 0
            if minutes is None:
                said.append("no time zone is known for the server; UTC assumed: set time_zone")
            elif about.get("daylight"):
                said.append(
                    f"the server uses daylight saving by a rule it does not tell; {zone:+d} minutes assumed all year"
                )
        groups = about.get("groups")
        captured = about.get("captured_at")
        table = Table(
            str(about["table"]),
            str(about["platform"]),
            Clock(zone),
            captured if isinstance(captured, str) else None,
            groups if isinstance(groups, dict) else {},
            self.currency,
            self.entity,
        )
        return table, tuple(said)


def _parquet_rows(file: pq.ParquetFile, path: Path) -> Iterator[Source]:
    names = file.schema_arrow.names
    try:
        for batch in file.iter_batches(_BATCH_ROWS):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield dict(zip(names, values, strict=True))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path.name} is damaged: {error}.", "Pull the database again.") from error


def _line(header: list[str], line: list[str]) -> Source:
    row: dict[str, str | None] = dict(zip(header, line, strict=False))
    if len(line) != len(header):
        row[_WIDTH] = str(len(line))
    return row


CONNECTOR = Mt5Sql()
