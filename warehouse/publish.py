"""Publishes what changed in the marts into the lake, in one transaction; readers see all of it or nothing."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from warehouse import lake
from warehouse.control import scalar
from warehouse.engine import connect
from warehouse.settings import Settings

LATEST_EVENT = {
    "trading.fct_deals": "select max(executed_at) from trading.fct_deals",
    # what clients and providers did; a load, a rule or a decision on our own pages is no event of the broker's day
    "compliance.fct_audit_events": """
        select max(occurred_at) from compliance.fct_audit_events
        where source_feed in ('psp_transactions', 'cash_requests', 'kyc_events', 'tickets') and seq is null
    """,
}
ROW_GROUP_ROWS = 20_480
"""Marts are sorted by what they are looked up by, and a look-up reads whole row groups: a sixth of the default costs a sixth."""
Totals = dict[str, Decimal]
"""Of one mart: the number of its `rows` and the sum of each control total."""
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


def publish(
    settings: Settings, progress: Callable[[str], None] = lambda _: None, *, thorough: bool = True
) -> PublishOutcome | None:
    """Publishes the last green run; None when readers already see it. The caller holds the writer slot.

    Counts and control totals of both sides are compared before the commit; where it is not to be `thorough`, of a mart that goes out
    as a delta only the counts: the next thorough publish adds up every mart again. A mart that disagrees is written whole, loudly; if
    it still disagrees, nothing is published.
    """
    started = time.monotonic()
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        run_id = scalar(connection, "select max(run_id) from control.runs where status = 'green'")
        newest = scalar(
            connection, "select run_id from control.runs where status <> 'running' order by run_id desc limit 1"
        )
        if run_id is None or run_id != newest:
            return None
        lake.attach(connection, settings, read_only=False)
        before = lake.newest(connection)
        if before is not None and before.run_id >= int(str(run_id)):
            return None
        if before is None:
            connection.execute("call lake.set_option('parquet_row_group_size', ?)", [str(ROW_GROUP_ROWS)])
        connection.execute("begin")
        try:
            written, fell_back, tables = _write(connection, before, progress, thorough=thorough)
            lake.message(connection, lake.PUBLISH, _record(connection, int(str(run_id)), tables))
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        after = lake.newest(connection)
    assert after is not None
    return PublishOutcome(after, time.monotonic() - started, written, tuple(fell_back))


def _write(
    connection: duckdb.DuckDBPyConnection,
    before: lake.Publish | None,
    progress: Callable[[str], None],
    *,
    thorough: bool,
) -> tuple[int, list[str], dict[str, Any]]:
    written, fell_back, tables = 0, [], {}
    marts = _marts(connection)
    built, present = _columns(connection, "current_database()"), _columns(connection, "'lake'")
    for number, mart in enumerate(marts, start=1):
        progress(f"{number} of {len(marts)}: {mart.name}")
        known = before if present.get(mart.name) == built[mart.name] else None
        told = {name: Decimal(total) for name, total in (known.tables if known else {}).get(mart.name, {}).items()}
        if known is not None and told and mart.run_id <= known.run_id:
            if not thorough or mart.mode == "replace" or _totals(connection, mart, mart.name) == told:
                tables[mart.name] = known.tables[mart.name]
                continue
            told = {}
        if known is not None and mart.mode == "replace":
            rows = _difference(connection, mart, [name for name, _ in built[mart.name]])
            published = _totals(connection, mart, f"lake.{mart.name}")
        elif known is not None and mart.full_run_id <= known.run_id and told.keys() == {"rows", *mart.totals}:
            rows, published = _delta(connection, mart, known.run_id, told)
        else:
            rows = _whole(connection, mart, replaces=mart.name in present)
            published = _totals(connection, mart, f"lake.{mart.name}")
        added_up = thorough or not told
        totals = (
            _totals(connection, mart, mart.name) if added_up else {**published, "rows": _rows(connection, mart.name)}
        )
        written += rows
        if published != totals:
            fell_back.append(mart.name)
            written += _whole(connection, mart, replaces=True)
            if _totals(connection, mart, f"lake.{mart.name}") != totals:
                raise RuntimeError(f"Nothing was published: {MISMATCH} about {mart.name} even after writing it whole.")
        tables[mart.name] = {name: format(total, "f") for name, total in totals.items()}
    for gone in present.keys() - {mart.name for mart in marts}:
        connection.execute(f"drop table lake.{gone}")
    return written, fell_back, tables


def _marts(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
    rows = connection.execute(
        """
        select
            models.schema_name || '.' || models.model, publish_mode, publish_key, control_totals, sorted_by, full_run_id,
            -- a view is as new as the newest run
            if(views.view_name is null, models.run_id, (select max(runs.run_id) from control.runs as runs))
        from control.models as models
        left join duckdb_tables() as tables
            on tables.database_name = current_database() and tables.schema_name = models.schema_name and tables.table_name = models.model
        left join duckdb_views() as views
            on views.database_name = current_database() and views.schema_name = models.schema_name and views.view_name = models.model
        where is_mart and (tables.table_name is not null or views.view_name is not null)
        order by 1
        """
    ).fetchall()
    return [
        Mart(name, mode, tuple(key), tuple(totals), tuple(by), full, run)
        for name, mode, key, totals, by, full, run in rows
    ]


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[tuple[str, str]]]:
    """Name and type of each column of each table, by schema.table; `database` is an SQL expression."""
    rows = connection.execute(
        f"""
        select schema_name || '.' || table_name, list((column_name, data_type) order by column_index)
        from duckdb_columns() where database_name = {database} and schema_name not in ('main', 'publish') group by 1
        """
    ).fetchall()
    return {name: [tuple(column) for column in columns] for name, columns in rows}


def _whole(connection: duckdb.DuckDBPyConnection, mart: Mart, *, replaces: bool) -> int:
    schema = mart.name.split(".")[0]
    connection.execute(f"create schema if not exists lake.{schema}")
    if replaces:
        connection.execute(f"drop table lake.{mart.name}")
    order = f" order by {', '.join(mart.sorted_by)}" if mart.sorted_by else ""
    connection.execute(f"create table lake.{mart.name} as select * from {mart.name}{order}")
    return int(str(scalar(connection, f"select count(*) from {mart.name}")))


def _difference(connection: duckdb.DuckDBPyConnection, mart: Mart, columns: list[str]) -> int:
    """A mart that every run makes anew is mostly what it was: only rows that came or went are written, found by their content."""
    content = f"hash(row({', '.join(name for name in columns if name != '_run_id')}))"
    connection.execute(f"create or replace temp table built as select {content} as content from {mart.name}")
    connection.execute(f"create or replace temp table seen as select {content} as content from lake.{mart.name}")
    connection.execute(f"delete from lake.{mart.name} where {content} not in (select content from built)")
    order = f" order by {', '.join(mart.sorted_by)}" if mart.sorted_by else ""
    row = connection.execute(
        f"insert into lake.{mart.name} select * from {mart.name} where {content} not in (select content from seen){order}"
    ).fetchone()
    return row[0] if row else 0


def _delta(connection: duckdb.DuckDBPyConnection, mart: Mart, published: int, told: Totals) -> tuple[int, Totals]:
    """Replaces what the runs since `published` wrote; gives the rows written and the lake's totals then.

    These are what was told at the last publish, less what goes, plus what comes: to add up the whole lake anew would cost more than
    the delta. That the count agrees with the lake's own is asked.
    """
    new = f"(select * from {mart.name} where _run_id > {published})"
    coming = _totals(connection, mart, new)
    after = {name: total + coming[name] for name, total in told.items()}
    if mart.mode == "keyed" and after["rows"] != _rows(connection, mart.name):  # some of it was there before
        key = ", ".join(mart.key)
        spans = connection.execute(f"select {', '.join(f'min({name}), max({name})' for name in mart.key)} from {new}")
        bounds = spans.fetchone() or ()
        # the spans let files and row groups be skipped
        within = " and ".join(f"{name} between ? and ?" for name in mart.key)
        same = f"{within} and ({key}) in (select ({key}) from {new})"
        going = _totals(connection, mart, f"(select * from lake.{mart.name} where {same})", bounds)
        connection.execute(f"delete from lake.{mart.name} where {same}", bounds)
        after = {name: total - going[name] for name, total in after.items()}
    order = f" order by {', '.join(mart.sorted_by)}" if mart.sorted_by else ""
    connection.execute(f"insert into lake.{mart.name} from {new}{order}")
    after["rows"] = _rows(connection, f"lake.{mart.name}")
    return int(coming["rows"]), after


def _totals(
    connection: duckdb.DuckDBPyConnection, mart: Mart, relation: str, parameters: Sequence[object] = ()
) -> Totals:
    sums = "".join(f", coalesce(sum({column}), 0)::varchar as {column}" for column in mart.totals)
    cursor = connection.execute(f"select count(*)::varchar as rows{sums} from {relation}", list(parameters))
    names = [description[0] for description in cursor.description or []]
    return {name: Decimal(value) for name, value in zip(names, cursor.fetchone() or (), strict=True)}


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> Decimal:
    return Decimal(str(scalar(connection, f"select count(*) from {relation}")))


def _record(connection: duckdb.DuckDBPyConnection, run_id: int, tables: dict[str, Any]) -> dict[str, Any]:
    checks = connection.execute(
        "select status, count(*) from control.check_results where run_id = ? group by status", [run_id]
    ).fetchall()
    # our own decisions, loaded back, make nobody's data fresher: how old the data are is what a decision asks
    loaded = scalar(connection, "select max(recorded_at) from raw.loads where connector <> 'operations'")
    newest = [scalar(connection, query) for mart, query in LATEST_EVENT.items() if mart in tables]
    latest = max((str(moment) for moment in newest if moment is not None), default=None)
    return {"run_id": run_id, "loaded_at": loaded, "latest_event_at": latest, "checks": dict(checks), "tables": tables}
