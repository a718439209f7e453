"""Ingestion against plain DuckDB: the same rows of the same files inserted without a look at them, which no loader can outrun."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from apps.pipeline import Progress, Source, load
from warehouse.engine import connect, make_home
from warehouse.settings import Settings

CSV_ROWS = 1_000_000
"""At most so many deals are written as CSV and loaded again."""


def measured_ingestion(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Loads all that has landed, the deals first, as known at one time. Before it, plain DuckDB takes the deals, and a home that is
    thrown away takes some of them as CSV."""
    progress("ingestion of deals by plain DuckDB, and as CSV")
    deals = sorted((settings.landing / "deals").glob("*.parquet"))
    with tempfile.TemporaryDirectory(prefix="daybook-bench-csv-") as folder:
        scratch = Settings(home=Path(folder), memory_limit=settings.memory_limit)
        make_home(scratch)
        texts = list(_as_csv(deals, scratch.landing / "deals"))
        plain, plain_csv = _plain(scratch, deals, deals), _plain(scratch, deals, texts)
        csv_rows, csv_seconds = _loaded(scratch, Source(), progress)
    recorded_at = datetime.now(UTC)
    deal_rows, deal_seconds = _loaded(settings, Source(paths=tuple(deals), recorded_at=recorded_at), progress)
    other_rows, other_seconds = _loaded(settings, Source(recorded_at=recorded_at), progress)
    parquet, csv = deal_rows / deal_seconds, csv_rows / csv_seconds
    every = (deal_rows + other_rows) / (deal_seconds + other_seconds)
    return {
        "ingest_rows_per_second": round(parquet),
        "ingest": {
            "plain_insert_rows_per_second": round(plain),
            "ratio_to_plain_insert": round(parquet / plain, 2),
            "csv_rows_per_second": round(csv),
            "plain_csv_rows_per_second": round(plain_csv),
            "csv_ratio_to_plain_insert": round(csv / plain_csv, 2),
            "every_feed_rows_per_second": round(every),
        },
    }


def _loaded(settings: Settings, source: Source, progress: Progress) -> tuple[int, float]:
    """Rows read and seconds."""
    started = time.monotonic()
    rows = sum(one.rows_read or 0 for one in load(settings, source, progress))
    return rows, time.monotonic() - started


def _as_csv(deals: Sequence[Path], folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True)
    left = CSV_ROWS
    for path in deals:
        if left > 0:
            rows = pl.read_parquet(path).head(left)
            rows.write_csv(folder / f"{path.stem}.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
            left -= rows.height
            yield folder / f"{path.stem}.csv"


def _plain(settings: Settings, deals: Sequence[Path], files: Sequence[Path]) -> float:
    """Rows a second that `insert into … select * from` the files takes in, one transaction a file, closed at the end."""
    target = settings.root / "plain.duckdb"
    with contextlib.closing(connect(target, settings)) as connection:
        named = ", ".join(f"'{path}'" for path in deals)
        connection.execute(f"create table deals as select * from read_parquet([{named}], union_by_name=true) limit 0")
    started, rows = time.monotonic(), 0
    with contextlib.closing(connect(target, settings)) as connection:
        for path in files:
            read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
            found = connection.execute(f"insert into deals by name select * from {read}('{path}')").fetchone()
            rows += found[0] if found else 0
    taken = time.monotonic() - started
    target.unlink()
    return rows / taken
