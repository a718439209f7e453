"""The raw tables: one a feed, append-only, with every version of every key; the loads; the quarantined rows."""

import duckdb
import polars as pl

from ingestion.feeds import FEEDS, Feed

PROVENANCE = {
    "_extra": "VARCHAR",
    "_load_id": "BIGINT",
    "_file_sha256": "VARCHAR",
    "_row_number": "BIGINT",
    "recorded_at": "TIMESTAMP",
    "_version": "INTEGER",
    "_row_hash": "UBIGINT",
}
LOADS = """
create table if not exists raw.loads (
    load_id bigint, connector varchar, connector_version varchar, feed varchar, path varchar, file_sha256 varchar, bytes bigint,
    rows_read bigint, rows_loaded bigint, rows_duplicate bigint, rows_quarantined bigint, recorded_at timestamp,
    recorded_at_stated boolean, started_at timestamp, finished_at timestamp, status varchar, reason varchar, remarks varchar[]
)
"""
QUARANTINE = """
create table if not exists raw.quarantine (
    load_id bigint, feed varchar, path varchar, file_sha256 varchar, row_number bigint, rules varchar[], row varchar,
    recorded_at timestamp, status varchar, replayed_as varchar
)
"""


def ensure_raw(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the schema and every table that is missing, and adds the columns a newer contract has; safe to call always."""
    connection.execute("create schema if not exists raw")
    connection.execute(LOADS)
    connection.execute(QUARANTINE)
    present: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() where database_name = current_database() and schema_name = 'raw'"
    ).fetchall():
        present.setdefault(table, set()).add(column)
    for feed in FEEDS.values():
        columns = raw_columns(feed)
        if feed.name not in present:
            listed = ", ".join(f'"{name}" {dtype}' for name, dtype in columns.items())
            connection.execute(f'create table raw."{feed.name}" ({listed})')
            continue
        for name in columns.keys() - present[feed.name]:
            connection.execute(f'alter table raw."{feed.name}" add column "{name}" {columns[name]}')


def raw_columns(feed: Feed) -> dict[str, str]:
    """Name → SQL type of raw.<feed>, the feed's own columns first."""
    return {name: sql_type(dtype) for name, dtype in feed.columns.items()} | PROVENANCE


def sql_type(dtype: pl.DataType) -> str:
    """DuckDB's type for a canonical column. Timestamps are naive and mean UTC."""
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"{sql_type(pl.String())}[]"
    types = {pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Boolean: "BOOLEAN", pl.Date: "DATE", pl.Datetime: "TIMESTAMP"}
    return types[dtype.base_type()]
