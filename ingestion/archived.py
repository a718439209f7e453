"""One row of an archived file, read back by its number: where every figure of the warehouse comes from."""

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from ingestion.connectors import BadFile, connectors
from warehouse.settings import Settings

ROW = "_row_number"


class NotArchived(LookupError):
    """The row cannot be read back; the message says why."""


def archived_row(
    settings: Settings, *, connector: str, feed: str, path: str, file_sha256: str, row_number: int
) -> Mapping[str, Any]:
    """The row of `feed` that the connector made of that place of the file, by column, without what it leaves empty.

    `path` is the file's name when it was loaded, since its ending tells a reader what it is. Raises NotArchived where the file, its
    connector or the row is gone.
    """
    file = settings.archive / file_sha256
    reader = connectors().get(connector)
    if reader is None or not file.exists():
        missing = f"the connector {connector}" if reader is None else f"archive/{file_sha256[:12]}…"
        raise NotArchived(f"The row cannot be read back: {missing} is not here. `daybook doctor` checks the archive.")
    with tempfile.TemporaryDirectory(prefix="daybook-row-") as folder:
        named = Path(folder) / PurePosixPath(path).name
        named.symlink_to(file)
        found = _parquet_row(named, row_number) if reader.name == feed and named.suffix == ".parquet" else None
        return found or _walked(reader, named, feed, row_number)


def _parquet_row(file: Path, row_number: int) -> Mapping[str, Any] | None:
    """The canonical Parquet row by its place, without reading those before it."""
    rows = pl.scan_parquet(file).slice(row_number - 1, 1).collect()
    return _said(rows.row(0, named=True)) if rows.height else None


def _walked(reader: Any, file: Path, feed: str, row_number: int) -> Mapping[str, Any]:
    try:
        for batch in reader.read(file):
            if batch.feed != feed:
                continue
            rows = batch.rows.filter(pl.col(ROW).cast(pl.Int64) == row_number)
            if rows.height:
                return _said(rows.drop(ROW).row(0, named=True))
    except BadFile as error:
        raise NotArchived(f"The file cannot be read any more: {error}") from error
    raise NotArchived(f"The file has no row {row_number} of the feed {feed}.")


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in (None, "")}
