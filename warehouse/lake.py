"""The lake: DuckLake catalog and Parquet files, and the list of publishes in it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from warehouse.engine import WarehouseError, connect, load_extensions
from warehouse.settings import Settings

PUBLISH = "publish"
ROLLBACK = "rollback"
SNAPSHOTS = """
select snapshot_id, snapshot_time::timestamp, commit_message, commit_extra_info from lake.snapshots()
where list_contains(?, commit_message) order by snapshot_id desc
"""


@dataclass(frozen=True)
class Publish:
    """A snapshot of the lake that readers may see. `control` holds the counts and control totals that both sides agreed on."""

    publish_id: int
    published_at: datetime
    run_id: int
    latest_event_at: datetime | None
    loaded_at: datetime | None
    checks: dict[str, int]
    tables: dict[str, dict[str, Any]]


def attach(
    connection: duckdb.DuckDBPyConnection, settings: Settings, *, snapshot: int | None = None, read_only: bool = True
) -> None:
    """Attaches the lake as catalog `lake`, at one snapshot when given."""
    catalog = settings.lake_catalog or f"sqlite:{settings.lake / 'catalog.sqlite'}"
    scanner = catalog.split(":", 1)[0]
    load_extensions(connection, "ducklake", "postgres_scanner" if scanner == "postgres" else "sqlite_scanner")
    data = settings.lake_data or str(settings.lake / "files")
    if data.startswith("s3://"):
        load_extensions(connection, "httpfs")
    options = [
        f"data_path {_quoted(data)}",
        "override_data_path true",
    ]  # a home may be moved, copied or restored elsewhere
    if scanner == "sqlite":
        options += ["meta_journal_mode 'WAL'", "meta_busy_timeout 10000"]
    if read_only:
        options.append("read_only")
    if snapshot is not None:
        options.append(f"snapshot_version {int(snapshot)}")
    connection.execute(f"attach {_quoted(f'ducklake:{catalog}')} as lake ({', '.join(options)})")


def _quoted(text: str) -> str:
    """An SQL string: a home's path may hold an apostrophe."""
    return f"'{text.replace(chr(39), chr(39) * 2)}'"


def exists(settings: Settings) -> bool:
    """True once something may have been published (a team's catalog is asked when it is attached)."""
    return bool(settings.lake_catalog) or (settings.lake / "catalog.sqlite").exists()


def publishes(settings: Settings) -> list[Publish]:
    """Every publish still kept, newest first."""
    return [_publish(*row) for row in _snapshots(settings) if row[2] == PUBLISH]


def newest(connection: duckdb.DuckDBPyConnection) -> Publish | None:
    """The newest publish of the lake that the connection has attached, whatever a rollback points to."""
    rows = connection.execute(f"{SNAPSHOTS} limit 1", [[PUBLISH]]).fetchall()
    return _publish(*rows[0]) if rows else None


def current(settings: Settings) -> Publish:
    """What readers see: the newest publish, or the one a later rollback points to."""
    rows = _snapshots(settings)
    for row in rows:
        if row[2] == ROLLBACK:
            wanted = json.loads(row[3])["publish_id"]
            return next(_publish(*other) for other in rows if other[2] == PUBLISH and other[0] == wanted)
        if row[2] == PUBLISH:
            return _publish(*row)
    raise WarehouseError("Nothing is published yet. Run `daybook run`.")


def rollback(settings: Settings, publish_id: int) -> Publish:
    """Points readers at an earlier publish; the next publish ends it. The rollback is a snapshot of its own."""
    kept = publishes(settings)
    wanted = next((publish for publish in kept if publish.publish_id == publish_id), None)
    if wanted is None:
        if not kept:
            raise WarehouseError("Nothing is published yet. Run `daybook run`.")
        ids = ", ".join(str(publish.publish_id) for publish in kept[:10])
        raise WarehouseError(
            f"There is no publish {publish_id}; the newest are {ids}. `daybook publish list` shows all."
        )
    connection = connect(":memory:", settings)
    try:
        attach(connection, settings, read_only=False)
        connection.execute("begin")
        connection.execute("create schema if not exists lake.publish")
        connection.execute(
            "create table if not exists lake.publish.rollbacks (publish_id bigint, rolled_back_at timestamp)"
        )
        connection.execute("insert into lake.publish.rollbacks values (?, now()::timestamp)", [publish_id])
        message(connection, ROLLBACK, {"publish_id": publish_id})
        connection.execute("commit")
    finally:
        connection.close()
    return wanted


def message(connection: duckdb.DuckDBPyConnection, kind: str, record: dict[str, Any]) -> None:
    """Writes the record of the snapshot that the open transaction is about to commit."""
    connection.execute(
        "call ducklake_set_commit_message('lake', 'daybook', ?, extra_info => ?)",
        [kind, json.dumps(record, default=str)],
    )


def _snapshots(settings: Settings) -> list[tuple[int, datetime, str, str]]:
    if not exists(settings):
        return []
    connection = connect(":memory:", settings)
    try:
        attach(connection, settings)
        return connection.execute(SNAPSHOTS, [[PUBLISH, ROLLBACK]]).fetchall()
    finally:
        connection.close()


def _publish(snapshot: int, at: datetime, _: str, extra: str) -> Publish:
    record = json.loads(extra)

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(record[name]) if record.get(name) else None

    return Publish(
        publish_id=snapshot,
        published_at=at,
        run_id=record["run_id"],
        latest_event_at=moment("latest_event_at"),
        loaded_at=moment("loaded_at"),
        checks=record["checks"],
        tables=record["tables"],
    )
