"""A home with a landing folder and an open build file: what the loader's tests drop files into and look at."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingestion.load import FileOutcome, ingest
from warehouse.engine import connect
from warehouse.settings import Settings

DEAL = {
    "platform": "mt5",
    "deal_id": "1",
    "login": "7001",
    "executed_at": "2026-03-02T10:00:00.000001Z",
    "action": "buy",
    "entry": "in",
    "symbol": "EURUSD",
    "volume_lots": "0.50",
    "price": "1.08412",
    "profit": "-3.20",
    "comment": "first",
}
PAYMENT = {
    "psp": "acme",
    "event_id": "e1",
    "kind": "deposit",
    "status": "completed",
    "amount": "100.00",
    "currency": "EUR",
    "occurred_at": "2026-03-02T10:00:00Z",
}


def deal(**changed: Any) -> dict[str, Any]:
    """A good deal with some columns changed."""
    return DEAL | changed


def payment(**changed: Any) -> dict[str, Any]:
    """A good PSP transaction with some columns changed."""
    return PAYMENT | changed


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as CSV; the header holds every column that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as JSON lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass
class Landing:
    """Drops files and loads them."""

    settings: Settings
    connection: duckdb.DuckDBPyConnection

    def put(self, name: str, content: bytes) -> Path:
        path = self.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def ingest(self, *paths: Path, **options: Any) -> list[FileOutcome]:
        return ingest(self.connection, self.settings, list(paths) or None, **options)

    def load(self, name: str, content: bytes, **options: Any) -> FileOutcome:
        """Drops one file and loads it alone."""
        path = self.put(name, content)
        (outcome,) = self.ingest(path, **options)
        return outcome

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        ((value,),) = self.rows(sql)
        return value

    def archived(self) -> set[str]:
        return {path.name for path in self.settings.archive.iterdir()}


def opened(settings: Settings) -> Landing:
    """A landing with its own connection to the build file."""
    return Landing(settings, connect(settings.build_file, settings))
