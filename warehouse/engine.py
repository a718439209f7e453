"""How DuckDB is opened: exact version, extensions from the lock, nothing downloaded, UTC."""

import errno
import importlib
import shutil
from pathlib import Path

import duckdb

from warehouse.settings import Settings

EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "httpfs")


class WarehouseError(Exception):
    """Something a user can mend; the message says what happened, why, and the command that helps."""


def extension_file(name: str) -> Path:
    """The extension's file inside its Python package (`duckdb-extension-*`, the same version as DuckDB)."""
    package = importlib.import_module(f"duckdb_extension_{name}")
    if package.__file__ is None:
        raise WarehouseError(f"The package duckdb-extension-{name} is damaged. Run `make setup`.")
    return Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"


def connect(database: Path | str, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """An open DuckDB connection that never downloads an extension and speaks UTC."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if settings.threads:
        config["threads"] = settings.threads
    if settings.memory_limit:
        config["memory_limit"] = settings.memory_limit
    connection = duckdb.connect(str(database), read_only=read_only, config=config)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")  # standard output belongs to `--json`
    return connection


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
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(
            f"The home {settings.root} cannot be written ({error.strerror}). "
            "Choose a folder you own: `DAYBOOK_HOME=/path/to/folder daybook …`."
        ) from error


def in_words(error: Exception, settings: Settings) -> str | None:
    """A disk or permission error as a sentence with its remedy, or None for anything else."""
    text = str(error)
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left" in text:
        free = shutil.disk_usage(settings.root).free // 2**20
        return f"The disk of {settings.root} is full ({free} MiB free). Free some space and run the same command again; nothing was lost."
    if (isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS)) or "Permission denied" in text:
        return f"{settings.root} cannot be written ({text}). Check its owner, or choose another home: `DAYBOOK_HOME=… daybook …`."
    return None
