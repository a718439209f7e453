"""How the operational store is opened: SQLite in WAL beside the warehouse, or PostgreSQL by one setting.

`open_store` brings the schema to head, `writing` is the one way to change anything: a transaction that no other writer's can
overlap, so that the chain has one head and a decision sees every decision before it.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import sqlalchemy.event
import sqlalchemy.exc

from apps.approvals import tables
from warehouse.engine import WarehouseError, in_words, make_home
from warehouse.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
BUSY_SECONDS = 60
_turns: WeakKeyDictionary[sa.Engine, threading.Lock] = WeakKeyDictionary()
_one_migration = threading.Lock()
MIGRATION_LOCK = 7_263_411  # PostgreSQL's advisory lock, so that two that start at once migrate once


class StoreError(WarehouseError):
    """The operational store cannot be opened or is not what this program knows; the message names the remedy."""


def open_store(settings: Settings) -> sa.Engine:
    """The engine of the operational store at its newest schema; the same engine again for the same store, so a page may ask often."""
    url: str | sa.URL = settings.ops_url.get_secret_value()
    if not url:
        make_home(settings)
        url = sa.URL.create("sqlite", database=str(settings.ops_file))  # whatever signs the path has
    engine = _engine(url, os.getpid())
    try:
        found = _revision(engine)
        if found != HEAD:
            migrate(engine)
    except sqlalchemy.exc.OperationalError as error:
        if known := in_words(error, settings):
            raise StoreError(known) from error
        raise StoreError(
            f"The operational store {engine.url.render_as_string()} does not answer ({error.orig}). "
            "Check DAYBOOK_OPS_URL and that the server runs; `daybook doctor` shows the settings in force."
        ) from error
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One write transaction: commits at the end, rolls back on any error. Writers wait for each other from its first statement on.

    On SQLite it begins immediate; on PostgreSQL it locks the chain's head row first. The writers of one process queue here before
    they take a connection: SQLite would let them poll for the file, and each would hold a connection of PostgreSQL while it waits.
    """
    with _turn(engine), engine.connect().execution_options(begins="BEGIN IMMEDIATE") as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(tables.chain_head.c.seq).with_for_update())
        yield connection


@contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    turn = _turns.setdefault(engine, threading.Lock())
    if not turn.acquire(timeout=BUSY_SECONDS):
        raise StoreError(
            f"Another writer of this process has held the operational store for {BUSY_SECONDS} s. Try again."
        )
    try:
        yield
    finally:
        turn.release()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent view of the store; it neither waits for a writer nor makes one wait."""
    level: dict[str, Any] = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Brings the schema to the revision in one transaction; whoever comes second finds it done."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    begun = engine.connect().execution_options(begins="BEGIN IMMEDIATE")
    # Alembic keeps what it migrates in variables of the process: two stores that threads open at once would take each other's connection
    with _one_migration, begun as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        found = _revision_of(connection)
        if found is not None and found > HEAD:
            raise StoreError(
                f"The operational store is at revision {found}, newer than this program knows ({HEAD}). Update Daybook."
            )
        if found == (HEAD if revision == "head" else revision):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@cache
def _engine(url: str | sa.URL, _process: int) -> sa.Engine:
    """One engine a store and process: a connection must not cross a fork."""
    engine = sa.create_engine(url, pool_size=5, max_overflow=60, pool_timeout=BUSY_SECONDS)
    if engine.dialect.name == "sqlite":
        sqlalchemy.event.listen(engine, "connect", _prepare_sqlite)
        sqlalchemy.event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name != "postgresql":
        raise StoreError(f"DAYBOOK_OPS_URL names {engine.dialect.name}; the operational store is SQLite or PostgreSQL.")
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Writers wait instead of failing; a commit is on the disk before it is answered."""
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout = {BUSY_SECONDS * 1000}")
    _into_wal(cursor)
    for pragma in ("synchronous = full", "foreign_keys = on", "recursive_triggers = on"):
        cursor.execute(f"pragma {pragma}")
    path = cursor.execute("pragma database_list").fetchone()[2]
    if path:
        Path(path).chmod(0o600)
    cursor.close()


def _into_wal(cursor: Any) -> None:
    """The switch to WAL needs the file for itself and does not wait; several that open a new store at once try again."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("pragma journal_mode = wal")
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begins", "BEGIN"))


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        return _revision_of(connection)


def _revision_of(connection: sa.Connection) -> str | None:
    """The schema's revision, or None for an empty store."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()
