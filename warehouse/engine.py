"""How DuckDB is opened: exact version, extensions from the lock, nothing downloaded, UTC."""

import errno
import importlib
import os
import re
import shutil
from pathlib import Path

import duckdb

from warehouse.settings import Settings

FULL = ("No space left", "disk is full", "disk quota exceeded")
DENIED = ("Permission denied", "Read-only file system", "readonly database", "unable to open database file")
"""As DuckDB, SQLite and the operating system say it, in errors of many classes."""
EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "httpfs")


class WarehouseError(Exception):
    """Something a user can mend; the message says what happened, why, and the command that helps."""


class WrongUse(WarehouseError):
    """An argument or a setting that cannot be; exit code 2."""


class SlotTaken(WarehouseError):
    """Another process writes; exit code 3."""


def extension_file(name: str) -> Path:
    """The extension's file inside its Python package (`duckdb-extension-*`, the same version as DuckDB)."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    if package.__file__ is None:
        raise WarehouseError(f"The package duckdb-extension-{name} is damaged. Run `make setup`.")
    return Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def connect(database: Path | str, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """An open DuckDB connection that never downloads an extension and speaks UTC. Raises WarehouseError for a file that it cannot open."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if settings.threads:
        config["threads"] = settings.threads
    if settings.memory_limit:
        config["memory_limit"] = settings.memory_limit
    try:
        connection = duckdb.connect(str(database), read_only=read_only, config=config)
    except duckdb.Error as error:
        if known := _cannot_open(str(error), database):
            raise known from error
        raise
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")  # standard output belongs to `--json`
    return connection


def _cannot_open(said: str, database: Path | str) -> WarehouseError | None:
    """Why DuckDB could not open a file, with what to do, by what it said; None where it is something else."""
    if "Could not set lock" in said:
        who = re.search(r"held in (.*?) by", said) or re.search(r"held in (.*?PID \d+\))", said)
        return SlotTaken(
            f"{database} is open in another program{f' ({who[1]})' if who else ''}. Close it there, and run this again; "
            "to look at what is published, `daybook sql` disturbs nobody."
        )
    if "not a valid DuckDB database" in said or "database file with version" in said or "orrupt" in said:
        return WarehouseError(
            f"{database} is damaged, or of another version of DuckDB ({said.splitlines()[0][:200]}). "
            "Keep it aside, and restore a backup into an empty home: `DAYBOOK_HOME=… daybook restore DIR`."
        )
    return None


def load_extensions(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Loads extensions from their packages; a name is one of EXTENSIONS."""
    for name in names:
        connection.load_extension(str(extension_file(name)))


def make_home(settings: Settings) -> None:
    """Creates the home's folders; says in words when the place cannot be written."""
    folders = (
        settings.landing,
        settings.archive,
        settings.quarantine,
        settings.build_file.parent,
        settings.lake,
        settings.logs,
    )
    if "?" in str(settings.root):
        raise WrongUse(
            f"The home {settings.root} has a question mark in its path, which DuckDB takes for options. Choose another."
        )
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    except OSError as error:
        raise WarehouseError(
            in_words(error, settings)
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else f"The home {settings.root} cannot be written ({error.strerror}: {error.filename}). "
            "Choose a folder you own: `DAYBOOK_HOME=/path/to/folder daybook …`."
        ) from error


def in_words(error: Exception, settings: Settings) -> str | None:
    """An error of disk, memory or permissions as a sentence with its remedy, whoever raised it; None for anything else."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT) or any(said in text for said in FULL):
        free = shutil.disk_usage(settings.root).free // 2**20
        return f"The disk of {settings.root} is full ({free} MiB free). Free some space and run the same command again; nothing was lost."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or any(said in text for said in DENIED):
        return f"{settings.root} cannot be written ({text}). Check its owner, or choose another home: `DAYBOOK_HOME=… daybook …`."
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return f"The memory was not enough ({text}). Set DAYBOOK_MEMORY_LIMIT (such as 8GB), or close what else runs, and run the same command again."
    return None
