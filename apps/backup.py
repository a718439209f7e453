"""Backup of a home while it works, and its restoration into an empty one.

A backup is a folder: the home's own folders, the databases copied by their own means, and a manifest with the SHA-256 of every file.
Anchors are copied before the events they name and events before the publishes decided on, so that nothing copied names what was not.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from apps.approvals.anchors import locked, trail
from apps.approvals.store import StoreError, open_store, reading
from apps.approvals.tables import chain_head, metadata
from apps.approvals.verify import Verdict, verify
from warehouse import lake
from warehouse.engine import WarehouseError
from warehouse.settings import Settings
from warehouse.slot import writer_slot

MANIFEST = "manifest.json"
FORMAT = 1
FOLDERS = ("keys", "archive", "quarantine", "landing", "truth")
PG_FILE = "ops.pgdump"
Progress = Callable[[str], None]


class BackupError(WarehouseError):
    """A backup that cannot be taken, is not whole, or has no empty home to go to; the message says what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: for each file its bytes and SHA-256, and the head of the chain when it was taken."""

    format: int
    taken_at: str
    store: str
    chain_seq: int
    chain_hash: str
    publish_id: int | None
    elsewhere: tuple[str, ...]
    files: dict[str, dict[str, Any]]


def backup(settings: Settings, target: Path, progress: Progress = lambda _: None) -> Manifest:
    """Copies the home into the new folder `target` and gives its manifest. Decisions go on meanwhile; builds wait.

    Raises BackupError where the target exists, SlotTaken where a build does not end in time. An unfinished backup has no manifest.
    """
    if target.exists():
        raise BackupError(f"{target} exists already. A backup is a new folder: `daybook backup {target}-2`.")
    engine = open_store(settings)
    partial = target.with_name(f".{target.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    with writer_slot(settings, "backup", progress):
        progress("copying anchors and keys")
        with locked(settings.anchors):
            _copy_folder(settings.anchors, partial / "anchors")
        progress("copying the operational store")
        _dump_store(engine, partial)
        progress("copying the lake, the build and the files")
        elsewhere = _copy_lake(settings, partial)
        for file in (settings.build_file, Path(f"{settings.build_file}.wal"), settings.simulated_marker):
            if file.exists():
                _copy_file(file, partial / file.relative_to(settings.root))
        for name in FOLDERS:
            _copy_folder(settings.root / name, partial / name)
        published = lake.publishes(settings)
    store = engine.dialect.name
    seq, sealed = _head(partial / "ops.db") if store == "sqlite" else _head_of(engine)
    made = Manifest(
        format=FORMAT,
        taken_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        store=store,
        chain_seq=seq,
        chain_hash=sealed,
        publish_id=published[0].publish_id if published else None,
        elsewhere=elsewhere,
        files={str(file.relative_to(partial)): _fingerprint(file) for file in _files(partial)},
    )
    (partial / MANIFEST).write_text(json.dumps(asdict(made), indent=1), encoding="utf-8")
    os.sync()  # a backup that is answered for is on the disk
    partial.rename(target)
    return made


def restore(settings: Settings, source: Path, progress: Progress = lambda _: None) -> Verdict:
    """Restores a backup into the empty home and gives the verdict on its chain, anchors included.

    Every file is compared with the manifest first. Raises BackupError where the backup is not whole or the home is not empty.
    """
    manifest = read_manifest(source)
    home = settings.root
    if home.exists() and any(home.iterdir()):
        raise BackupError(
            f"The home {home} is not empty. Name an empty one: `DAYBOOK_HOME=… daybook restore {source}`."
        )
    progress("comparing every file with the manifest")
    _refuse_damaged(source, manifest)
    partial = home.with_name(f".{home.name}.restoring")
    shutil.rmtree(partial, ignore_errors=True)
    for name in manifest.files:
        if name != PG_FILE:
            _copy_file(source / name, partial / name)
    partial.mkdir(parents=True, exist_ok=True)
    if manifest.store == "postgresql":
        progress("restoring the operational store into PostgreSQL")
        _load_postgresql(settings, source / PG_FILE)
    elif settings.ops_url.get_secret_value():
        raise BackupError("This backup holds a SQLite store. Unset DAYBOOK_OPS_URL to restore it.")
    with contextlib.suppress(FileNotFoundError):
        home.rmdir()
    partial.rename(home)
    progress("verifying the chain")
    return verify(open_store(settings), trail(home / "anchors"))


def read_manifest(source: Path) -> Manifest:
    """The manifest of a backup. Raises BackupError for a folder that is none, or of a later Daybook."""
    try:
        said = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**{**said, "elsewhere": tuple(said["elsewhere"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupError(f"{source} is no backup: it has no readable {MANIFEST} ({error}).") from error
    if manifest.format > FORMAT:
        raise BackupError(f"{source} was written by a later Daybook (format {manifest.format}). Update Daybook.")
    return manifest


def _dump_store(engine: sa.Engine, target: Path) -> None:
    """The store as of one moment, while others write to it."""
    if engine.dialect.name == "postgresql":
        _pg(engine.url, "pg_dump", "--format=custom", f"--file={target / PG_FILE}")
        return
    assert engine.url.database is not None
    _copy_sqlite(Path(engine.url.database), target / "ops.db")


def _copy_sqlite(source: Path, target: Path) -> None:
    """By SQLite's own online backup: one consistent state, whatever is written meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.closing(sqlite3.connect(source, timeout=60)) as read,
        contextlib.closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
        damage = written.execute("pragma quick_check").fetchone()[0]
    if damage != "ok":
        raise BackupError(f"The copy of {source} is damaged ({damage}). Check the disk, then run the backup again.")
    target.chmod(0o600)


def _copy_lake(settings: Settings, target: Path) -> tuple[str, ...]:
    """The catalog, then the files it names; gives in words what lies elsewhere and needs its own backup."""
    elsewhere = []
    if settings.lake_catalog:
        elsewhere.append(
            "the lake's catalog lies in a database of its own (DAYBOOK_LAKE_CATALOG): back it up with pg_dump"
        )
    elif (catalog := settings.lake / "catalog.sqlite").exists():
        _copy_sqlite(catalog, target / "lake" / "catalog.sqlite")
    if settings.lake_data:
        elsewhere.append("the lake's files lie elsewhere (DAYBOOK_LAKE_DATA): copy them with that storage's own means")
    else:
        _copy_folder(settings.lake / "files", target / "lake" / "files")
    return tuple(elsewhere)


def _pg(url: sa.URL, program: str, *arguments: str) -> None:
    """Runs a PostgreSQL program against the store; the password goes by the environment, never by the command line."""
    found = shutil.which(program) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)), None
    )
    if found is None:
        raise BackupError(
            f"{program} is not installed; it comes with PostgreSQL's client (`apt-get install postgresql-client`)."
        )
    bare = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, "PGPASSWORD": url.password or ""}
    done = subprocess.run(
        [found, *arguments, f"--dbname={bare}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")


def _load_postgresql(settings: Settings, dump: Path) -> None:
    url = settings.ops_url.get_secret_value()
    if not url:
        raise BackupError("This backup holds a PostgreSQL store. Set DAYBOOK_OPS_URL to an empty database.")
    engine = sa.create_engine(url)
    try:
        taken = sorted(set(sa.inspect(engine).get_table_names()) & set(metadata.tables))
        if taken:
            raise StoreError(f"The database of DAYBOOK_OPS_URL is not empty (it has {taken[0]}). Name an empty one.")
        _pg(engine.url, "pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", str(dump))
    finally:
        engine.dispose()


def _refuse_damaged(source: Path, manifest: Manifest) -> None:
    for name, wanted in manifest.files.items():
        file = source / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BackupError(f"The manifest names {name}, which lies outside the backup. Do not trust this backup.")
        if not file.is_file():
            raise BackupError(f"The backup lacks {name}. Take it from another copy of the backup.")
        if _fingerprint(file) != wanted:
            raise BackupError(f"{name} is not what was backed up. Take it from another copy of the backup.")


def _head(file: Path) -> tuple[int, str]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute("select seq, hash from chain_head").fetchone()


def _head_of(engine: sa.Engine) -> tuple[int, str]:
    with reading(engine) as connection:
        row = connection.execute(sa.select(chain_head.c.seq, chain_head.c.hash)).one()
    return row.seq, row.hash


def _copy_folder(source: Path, target: Path) -> None:
    for file in _files(source):
        _copy_file(file, target / file.relative_to(source))


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if "keys" in target.parts:
        target.parent.chmod(0o700)
    shutil.copy2(source, target)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != ".lock")


def _fingerprint(file: Path) -> dict[str, Any]:
    with file.open("rb") as handle:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}
