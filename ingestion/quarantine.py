"""Bad rows in `raw.quarantine`: put there by the loader, listed and shown for whoever repairs them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from ingestion.judge import BadRow
from ingestion.versions import Arrival


@dataclass(frozen=True)
class QuarantinedRow:
    """A bad row as people see it; `id` names it in `daybook quarantine show ID`."""

    id: str
    load_id: int
    feed: str
    path: str
    row_number: int
    rules: list[str]
    row: dict[str, object]
    recorded_at: str
    status: str
    replayed_as: str | None


def put(connection: duckdb.DuckDBPyConnection, feed: str, path: str, bad: Sequence[BadRow], arrival: Arrival) -> int:
    """Rows put into quarantine. Runs inside the loader's transaction."""
    if not bad:
        return 0
    rows = pl.DataFrame(
        {"row_number": [b.row_number for b in bad], "rules": [b.rules for b in bad], "row": [b.row for b in bad]},
        schema={"row_number": pl.Int64, "rules": pl.List(pl.String), "row": pl.String},
    )
    connection.register("bad_rows", rows.to_arrow())
    try:
        counted = connection.execute(
            """
            insert into raw.quarantine
            select $load_id, $feed, $path, $sha256, row_number, rules, row, $recorded_at::timestamp, 'open', null from bad_rows
            """,
            {
                "load_id": arrival.load_id,
                "feed": feed,
                "path": path,
                "sha256": arrival.file_sha256,
                "recorded_at": arrival.recorded_at,
            },
        ).fetchone()
    finally:
        connection.unregister("bad_rows")
    return int(counted[0]) if counted else 0


def list_quarantine(
    connection: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    load_id: int | None = None,
    status: str | None = "open",
    limit: int = 100,
) -> list[QuarantinedRow]:
    """The newest loads' rows first, in row order within a load; None for a filter means any."""
    return _rows(
        connection,
        """
        where (feed = $feed or $feed is null) and (load_id = $load_id or $load_id is null) and (status = $status or $status is null)
        order by load_id desc, row_number limit $limit
        """,
        {"feed": feed, "load_id": load_id, "status": status, "limit": limit},
    )


def show_quarantine(connection: duckdb.DuckDBPyConnection, row_id: str) -> list[QuarantinedRow]:
    """The rows of an id `LOAD:ROW`; several when one source row gave several bad canonical rows. Empty when there is none."""
    load, _, number = row_id.partition(":")
    if not (load.isdigit() and number.lstrip("-").isdigit()):
        return []
    return _rows(
        connection,
        "where load_id = $load_id and row_number = $row_number",
        {"load_id": int(load), "row_number": int(number)},
    )


def _rows(connection: duckdb.DuckDBPyConnection, condition: str, parameters: dict[str, object]) -> list[QuarantinedRow]:
    found = connection.execute(
        f"select load_id, feed, path, row_number, rules, row, recorded_at::varchar, status, replayed_as from raw.quarantine {condition}",
        parameters,
    ).fetchall()
    return [
        QuarantinedRow(f"{load}:{number}", load, feed, path, number, rules, json.loads(row), recorded, status, replayed)
        for load, feed, path, number, rules, row, recorded, status, replayed in found
    ]
