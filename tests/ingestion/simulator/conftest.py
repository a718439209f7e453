"""One small broker for all tests of the simulator, read by plain polars: nothing of ours helps to check it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ingestion.simulator import simulate

START = date(2026, 3, 2)
ARGUMENTS = {"deals": 12_000, "seed": 7, "start": START, "days": 100}


@dataclass(frozen=True)
class Broker:
    """A folder of feed files and what the truth says of it."""

    out: Path

    def feed(self, name: str, *, faulty: bool = False) -> pl.DataFrame:
        """The feed as a reader of all its files knows it: corrections last, times and amounts typed."""
        parts = [_read(path) for path in sorted((self.out / name).iterdir()) if faulty or "faulty" not in path.name]
        frame = pl.concat(parts, how="diagonal_relaxed")
        moments = [
            column
            for column in ("occurred_at", "executed_at", "changed_at", "valid_from", "ran_at")
            if column in frame.columns
        ]
        typed = [
            pl.col(column).str.to_datetime(time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
            for column in moments
            if frame.schema[column] == pl.String
        ]
        money = [
            pl.col(column).cast(pl.Decimal(38, 8))
            for column in ("amount", "fee_amount", "to_amount", "opening_balance", "closing_balance")
            if column in frame.columns
        ]
        return frame.with_columns(*typed, *money)

    def truth(self, name: str) -> list[dict]:
        """A list of the truth; empty where nothing of the kind was planted."""
        return [
            json.loads(line) for line in (self.out / "truth" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]

    def fact(self, name: str) -> dict:
        """One JSON document of the truth."""
        return json.loads((self.out / "truth" / f"{name}.json").read_text(encoding="utf-8"))


def _read(path: Path) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix == ".jsonl":
        return pl.read_ndjson(path, infer_schema_length=None)
    return pl.read_csv(path, infer_schema=False)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """A hundred days of a broker of about 400 clients. Read only."""
    out = tmp_path_factory.mktemp("broker")
    simulate(out, **ARGUMENTS)
    return Broker(out)


@pytest.fixture
def a_broker(tmp_path: Path) -> Callable[..., Broker]:
    """Simulates another one into a folder of its own."""

    def build(name: str, **arguments: object) -> Broker:
        simulate(tmp_path / name, **(ARGUMENTS | arguments))
        return Broker(tmp_path / name)

    return build
