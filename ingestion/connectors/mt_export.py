"""A MetaTrader export database as files: what a pull landed (Parquet), a CSV of one table, an SQL dump. Rows come out as text.

All three kinds give the same parts: the table's name, what is known of its server, and its rows under their documented names.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.mt5_tables import Export, documented
from ingestion.connectors.mt_dump import dumped_tables
from ingestion.connectors.tables import csv_rows

BATCH_ROWS = 50_000
WIDTH = "(columns)"
"""Marks a CSV line with more or fewer cells than its header."""
GONE = "gone"
"""In a landed file's metadata: the feed whose rows it holds, of what is no longer at the source."""
COUNTED = "counted"
"""The same of a file that says how much the source itself holds."""

Source = Mapping[str, str | None]


@dataclass(frozen=True)
class Part:
    """The rows of one table, and what the file says of them: `platform`, `zone`, `minutes`, `daylight`, `groups`, `captured_at`."""

    table: str
    about: Mapping[str, Any]
    rows: Iterator[Source]
    said: tuple[str, ...] = ()


def recognised(path: Path, head: bytes, export: Export, wanted: set[str]) -> bool:
    """True for what a pull landed, an SQL dump of the export's tables, and a CSV named after one with the columns wanted."""
    prefix = export.tables[0].name.split("_")[0]
    if head[:4] == b"PAR1":
        try:
            return export.metadata_key in (pq.read_schema(path).metadata or {})
        except (pa.ArrowException, OSError):
            return False
    if path.suffix.lower() == ".sql":
        return (
            re.search(rb"(CREATE TABLE|INSERT INTO) [`\"\w.]*?" + prefix.encode() + rb"_", head, re.IGNORECASE)
            is not None
        )
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace").replace('"', "").strip().split(",")
    return _table_in(path, export) is not None and wanted <= {documented(name.strip(), export) for name in first}


def parts(path: Path, export: Export, platform: str) -> Iterator[Part]:
    """The tables of a file that the export knows. Raises BadFile."""
    if path.suffix.lower() == ".csv":
        yield _csv(path, export, platform)
    elif path.suffix.lower() == ".sql":
        yield from _dump(path, export, platform)
    else:
        yield _landed(path, export)


def canonical(path: Path, export: Export) -> Batch | None:
    """The rows of a file that a sweep or a count landed in canonical form, or None when it is another file."""
    if path.suffix.lower() != ".parquet":
        return None
    _, about = _opened(path, export)
    feed = about.get(GONE) or about.get(COUNTED)
    if feed is None:
        return None
    try:
        rows = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadFile(f"{path.name} is damaged: {error}.", "Pull the database again.") from error
    numbers = pl.int_range(1, rows.height + 1, dtype=pl.Int64, eager=True).alias("_row_number")
    left = f"{rows.height} rows are no longer at the source ({about.get('seen_at')})"
    said = (left,) if GONE in about else ()
    return Batch(str(feed), rows.with_columns(numbers), (), said)


def chunks(rows: Iterator[Source]) -> Iterator[list[Source]]:
    """The rows in lists of bounded size."""
    while chunk := list(islice(rows, BATCH_ROWS)):
        yield chunk


def peeked(rows: Iterator[Source]) -> tuple[list[Source], Iterator[Source]]:
    """The first rows, and all rows with those first ones."""
    first = list(islice(rows, BATCH_ROWS))
    return first, chain(first, rows)


def _table_in(path: Path, export: Export) -> str | None:
    names = "|".join(table.name for table in export.tables)
    found = re.search(rf"({names})(?![a-z])", path.name.lower())
    return found[1] if found else None


def _opened(path: Path, export: Export) -> tuple[pq.ParquetFile, dict[str, Any]]:
    try:
        file = pq.ParquetFile(path)
        about = json.loads((file.schema_arrow.metadata or {})[export.metadata_key])
        known = {table.name for table in export.tables}
        if any(field.type not in (pa.string(), pa.large_string()) for field in file.schema_arrow):
            raise KeyError("a column that is no text")
        if not isinstance(about, dict) or (about["table"] not in known):
            raise KeyError("table")
        str(about["platform"])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise BadFile(
            f"{path.name} is no table that a pull landed ({error}).", "Pull the database, or drop a dump of it as .sql."
        ) from error
    return file, about


def _landed(path: Path, export: Export) -> Part:
    file, about = _opened(path, export)
    return Part(str(about["table"]), about, _parquet_rows(file, path))


def _parquet_rows(file: pq.ParquetFile, path: Path) -> Iterator[Source]:
    names = file.schema_arrow.names
    try:
        for batch in file.iter_batches(BATCH_ROWS):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield dict(zip(names, values, strict=True))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path.name} is damaged: {error}.", "Pull the database again.") from error


def _csv(path: Path, export: Export, platform: str) -> Part:
    table = _table_in(path, export)
    lines = csv_rows(path)
    header = [documented(name.strip(), export) for name in next(lines, [])]
    key = next((one.keys[0] for one in export.tables if one.name == table), "")
    if table is None or key not in header or len(set(header)) < len(header):
        raise BadFile(
            f"{path.name} is no CSV of {' or '.join(one.name for one in export.tables)} with its header.",
            "Name the file after its table, or pull the database itself.",
        )
    return Part(table, {"platform": platform, **_taken(path)}, (_line(header, line) for line in lines if line))


def _line(header: list[str], line: list[str]) -> Source:
    row: dict[str, str | None] = dict(zip(header, line, strict=False))
    if len(line) != len(header):
        row[WIDTH] = str(len(line))
    return row


def _taken(path: Path) -> dict[str, str]:
    """When a file without a time of its own was written."""
    return {"captured_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None).isoformat()}


def _dump(path: Path, export: Export, platform: str) -> Iterator[Part]:
    """The dump's tables; yearly ones are parts of theirs, and what it tells of clock and groups holds for all."""
    found = {table.name: table for table in dumped_tables(path)}
    prefix = export.tables[0].name.split("_")[0]
    about: dict[str, Any] = {"platform": platform, **_taken(path)}
    for row in found[f"{prefix}_time"].rows if f"{prefix}_time" in found else ():
        minutes = row.get("TimeZone") or ""
        about |= (
            {"minutes": int(minutes), "daylight": row.get("Daylight") not in (None, "0")}
            if minutes.lstrip("-").isdigit()
            else {}
        )
    if f"{prefix}_groups" in found:
        about["groups"] = {row.get("Group"): row.get("Currency") for row in found[f"{prefix}_groups"].rows}
    used = {f"{prefix}_time", f"{prefix}_groups"}
    for table in export.tables:
        mine = [name for name in sorted(found) if re.fullmatch(rf"{table.name}(_\d{{4}})?", name)]
        used |= set(mine)
        for name in mine:
            rows = ({documented(column, export): value for column, value in row.items()} for row in found[name].rows)
            yield Part(table.name, about, iter(rows))
    if not any(name.startswith(f"{prefix}_") for name in found):
        raise BadFile(
            f"{path.name} holds no table of a {export.system} export.", "Drop it with its own system's connector."
        )
    said = tuple(
        f"{name}: {len(found[name].rows)} rows that no feed has a place for" for name in sorted(found.keys() - used)
    )
    if said:
        yield Part(
            next(table.name for table in export.tables if not table.name.endswith("users")), about, iter(()), said
        )
