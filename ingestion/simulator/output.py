"""Writes feed files: whole or not at all, in batches by the day they became known, the same bytes every time."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from ingestion.simulator.world import DAY, iso
from warehouse.whole_file import whole_file

PARQUET = frozenset({"deals", "orders", "lp_trades", "account_snapshots", "positions", "fx_rates"})
JSONL = frozenset({"kyc_events", "risk_lists", "tickets"})
COMPRESSED = frozenset({"cash_requests", "client_sessions"})
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.6fZ"
MAIN, FAULTY, CORRECTIONS, LATE = 0, 800, 900, 950
"""Part numbers: what amends earlier rows sorts behind them."""


@dataclass
class Writer:
    """Splits each feed at the batch boundaries and writes one file per batch and part.

    `edges` are the moments at which batches end: a row known before the first belongs to `labels[0]`, and so on; rows
    known before `since` were written earlier and rows from the last edge on are the future: neither is written.
    """

    out: Path
    truth: Path
    edges: list[int]
    labels: list[str]
    since: int | None = None
    rows: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def write(self, feed: str, frame: pl.DataFrame, known: str | pl.Expr, part: int = MAIN, suffix: str = "") -> None:
        """Writes the rows of a feed; `known` is the column (a timestamp or date) that says when its source reported it."""
        moment = (pl.col(known) if isinstance(known, str) else known).cast(pl.Datetime("us")).to_physical()
        frame = frame.with_columns(__known=moment)
        low: int | None = self.since
        for edge, label in zip(self.edges, self.labels, strict=True):
            inside = pl.col("__known") < edge
            chosen = frame.filter(inside if low is None else inside & (pl.col("__known") >= low)).drop("__known")
            if len(chosen):
                self._file(feed, chosen, self.name(feed, label, part, suffix))
            low = edge

    def write_as(self, feed: str, frame: pl.DataFrame, label: str, part: int, suffix: str = "") -> Path | None:
        """Writes all rows into the named batch, whatever their time; nothing where that batch is not being written."""
        if label not in self.labels:
            return None
        return self._file(feed, frame, self.name(feed, label, part, suffix))

    def name(self, feed: str, label: str, part: int, suffix: str = "") -> str:
        """The file's name: its ending follows from the feed."""
        ending = (
            "parquet" if feed in PARQUET else "jsonl" if feed in JSONL else "csv.gz" if feed in COMPRESSED else "csv"
        )
        return f"{feed}-{label}-{part:03d}{suffix}.{ending}"

    def _file(self, feed: str, frame: pl.DataFrame, name: str) -> Path:
        folder = self.out / feed
        folder.mkdir(parents=True, exist_ok=True)
        self.rows[feed] = self.rows.get(feed, 0) + len(frame)
        with whole_file(folder / name) as part:
            if feed in PARQUET:
                pq.write_table(frame.to_arrow(), part, compression="zstd", store_decimal_as_integer=True)
            elif feed in JSONL:
                _as_text(frame).write_ndjson(part)
            else:
                text = frame.with_columns(pl.col(pl.Datetime).dt.strftime(TIME_FORMAT))
                text.write_csv(
                    part, compression="gzip" if feed in COMPRESSED else "uncompressed", check_extension=False
                )
        self.files.append(f"{feed}/{name}")
        return folder / name

    def write_truth(self, name: str, rows: list[dict[str, Any]]) -> None:
        self.truth.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row, sort_keys=True, default=str) + "\n" for row in rows)
        (self.truth / f"{name}.jsonl").write_text(text, encoding="utf-8")

    def write_fact(self, name: str, value: dict[str, Any]) -> None:
        self.truth.mkdir(parents=True, exist_ok=True)
        (self.truth / f"{name}.json").write_text(
            json.dumps(value, sort_keys=True, indent=2, default=str) + "\n", encoding="utf-8"
        )


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """JSON as sources send it: moments as ISO text, money as strings so that no reader makes them binary."""
    return frame.with_columns(pl.col(pl.Datetime).dt.strftime(TIME_FORMAT), pl.col(pl.Decimal).cast(pl.String))


def three_batches(start: int, cut: int) -> tuple[list[int], list[str]]:
    """Everything up to two days before the end, the day before, and the last day."""
    return [cut - 2 * DAY, cut - DAY, cut], ["b1", "b2", "b3"]


def recorded_at(edge: int) -> str:
    """What an ingest of the batch ending at `edge` should state: half past six the next morning."""
    return iso(edge + 13 * DAY // 48)
