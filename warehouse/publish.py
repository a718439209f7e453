"""Publishes what changed in the marts into the lake, in one transaction; readers see all of it or nothing."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse import lake
from warehouse.control import scalar
from warehouse.engine import connect
from warehouse.settings import Settings

LATEST_EVENT = {
    "trading.fct_deals": "select max(executed_at) from trading.fct_deals",
    # what clients and providers did; a load or a rule is no event of the broker's day
    "compliance.fct_audit_events": """
        select max(occurred_at) from compliance.fct_audit_events
        where source_feed in ('psp_transactions', 'cash_requests', 'kyc_events', 'tickets') and occurred_at <= recorded_at
    """,
}
MISMATCH = "the lake and the build disagree"


@dataclass(frozen=True)
class Mart:
    """A mart and how it goes out, as its model's config says (see the dbt macro mark_built)."""

    name: str
    mode: str
    key: tuple[str, ...]
    totals: tuple[str, ...]
    sorted_by: tuple[str, ...]
    full_run_id: int
    run_id: int


@dataclass(frozen=True)
class PublishOutcome:
    """`fell_back` names the marts whose delta did not agree with the build and that were therefore published whole."""

    publish: lake.Publish
    seconds: float
    rows_written: int
    fell_back: tuple[str, ...]


def publish(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> PublishOutcome | None:
    """Publishes the last green run; None when readers already see it. The caller holds the writer slot.

    Counts and control totals of both sides are compared before the commit. A mart that disagrees is written whole, loudly;
    if it still disagrees, nothing is published.
    """
    started = time.monotonic()
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        run_id = scalar(connection, "select max(run_id) from control.runs where status = 'green'")
        newest = scalar(
            connection, "select run_id from control.runs where status <> 'running' order by run_id desc limit 1"
        )
        if run_id is None or run_id != newest:
            return None
        published = _last_published(settings)
        if published is not None and published >= int(str(run_id)):
            return None
        lake.attach(connection, settings, read_only=False)
        connection.execute("begin")
        try:
            written, fell_back, tables = _write(connection, published, progress)
            lake.message(connection, lake.PUBLISH, _record(connection, int(str(run_id)), tables))
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
    return PublishOutcome(lake.current(settings), time.monotonic() - started, written, tuple(fell_back))


def _last_published(settings: Settings) -> int | None:
    newest = lake.publishes(settings)[:1]
    return newest[0].run_id if newest else None


def _write(
    connection: duckdb.DuckDBPyConnection, published: int | None, progress: Callable[[str], None]
) -> tuple[int, list[str], dict[str, Any]]:
    written, fell_back, tables = 0, [], {}
    marts = _marts(connection)
    present = _present(connection)
    for number, mart in enumerate(marts, start=1):
        progress(f"{number} of {len(marts)}: {mart.name}")
        columns = _columns(connection, mart.name)
        whole = published is None or present.get(mart.name) != columns or mart.full_run_id > published
        if whole:
            written += _whole(connection, mart, replaces=mart.name in present)
        elif mart.run_id > published:
            written += _delta(connection, mart, published)
        totals = _totals(connection, mart, mart.name)
        if _totals(connection, mart, f"lake.{mart.name}") != totals:
            fell_back.append(mart.name)
            written += _whole(connection, mart, replaces=True)
            if _totals(connection, mart, f"lake.{mart.name}") != totals:
                raise RuntimeError(f"Nothing was published: {MISMATCH} about {mart.name} even after writing it whole.")
        tables[mart.name] = totals
    for gone in present.keys() - {mart.name for mart in marts}:
        connection.execute(f"drop table lake.{gone}")
    return written, fell_back, tables


def _marts(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
    rows = connection.execute(
        """
        select models.schema_name || '.' || models.model, publish_mode, publish_key, control_totals, sorted_by, full_run_id, run_id
        from control.models as models
        join information_schema.tables as tables
            on tables.table_catalog = current_database() and tables.table_schema = models.schema_name and tables.table_name = models.model
        where is_mart order by 1
        """
    ).fetchall()
    return [
        Mart(name, mode, tuple(key), tuple(totals), tuple(by), full, run)
        for name, mode, key, totals, by, full, run in rows
    ]


def _present(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, list((column_name, data_type) order by column_index)
        from duckdb_columns() where database_name = 'lake' and schema_name not in ('main', 'publish') group by 1
        """
    ).fetchall()
    return {name: [tuple(column) for column in columns] for name, columns in rows}


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    schema, table = name.split(".")
    return connection.execute(
        """
        select column_name, data_type from duckdb_columns()
        where database_name = current_database() and schema_name = ? and table_name = ? order by column_index
        """,
        [schema, table],
    ).fetchall()


def _whole(connection: duckdb.DuckDBPyConnection, mart: Mart, *, replaces: bool) -> int:
    schema = mart.name.split(".")[0]
    connection.execute(f"create schema if not exists lake.{schema}")
    if replaces:
        connection.execute(f"drop table lake.{mart.name}")
    order = f" order by {', '.join(mart.sorted_by)}" if mart.sorted_by else ""
    connection.execute(f"create table lake.{mart.name} as select * from {mart.name}{order}")
    return int(str(scalar(connection, f"select count(*) from {mart.name}")))


def _delta(connection: duckdb.DuckDBPyConnection, mart: Mart, published: int) -> int:
    new = f"from {mart.name} where _run_id > {published}"
    if mart.mode == "keyed":
        key = ", ".join(mart.key)
        connection.execute(
            f"delete from lake.{mart.name} where ({key}) in (select {'(' + key + ')' if len(mart.key) > 1 else key} {new})"
        )
    order = f" order by {', '.join(mart.sorted_by)}" if mart.sorted_by else ""
    row = connection.execute(f"insert into lake.{mart.name} select * {new}{order}").fetchone()
    return row[0] if row else 0


def _totals(connection: duckdb.DuckDBPyConnection, mart: Mart, relation: str) -> dict[str, str]:
    sums = "".join(f", sum({column})::varchar as {column}" for column in mart.totals)
    cursor = connection.execute(f"select count(*)::varchar as rows{sums} from {relation}")
    names = [description[0] for description in cursor.description or []]
    row = cursor.fetchone() or ()
    return dict(zip(names, row, strict=True))


def _record(connection: duckdb.DuckDBPyConnection, run_id: int, tables: dict[str, Any]) -> dict[str, Any]:
    checks = connection.execute(
        "select status, count(*) from control.check_results where run_id = ? group by status", [run_id]
    ).fetchall()
    loaded = scalar(connection, "select max(recorded_at) from raw.loads")
    newest = [scalar(connection, query) for mart, query in LATEST_EVENT.items() if mart in tables]
    latest = max((str(moment) for moment in newest if moment is not None), default=None)
    return {"run_id": run_id, "loaded_at": loaded, "latest_event_at": latest, "checks": dict(checks), "tables": tables}
