"""Parquet: columns as typed as they come; the loader casts exactly or refuses."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as arrow
import pyarrow.parquet

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.parquet_checksums import DamagedPage, check_pages
from ingestion.feeds import Feed

ROWS = 250_000
"""Rows held at once."""
REMEDY = "It may be cut off: send it again under a temporary name and rename it when it is complete."


def column_names(path: Path) -> list[str]:
    """The file's column names. Raises BadFile."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def read(path: Path, feed: Feed) -> Iterator[Batch]:
    """Batches in file order. Raises BadFile where the file is damaged, or has fewer rows than it says."""
    with _opened(path) as file:
        try:
            check_pages(path, file.metadata)
        except DamagedPage as damaged:
            raise _in_words(damaged) from damaged
        stated, done = file.metadata.num_rows, 0
        blocks = file.iter_batches(batch_size=ROWS, use_threads=True)
        while (block := _next(blocks)) is not None:
            rows = pl.DataFrame(block)
            numbers = pl.int_range(done + 1, done + rows.height + 1, dtype=pl.Int64, eager=True).alias("_row_number")
            done += rows.height
            yield Batch(feed.name, rows.with_columns(numbers))
        if done != stated:
            raise BadFile(f"The Parquet file says it has {stated} rows and has {done}.", REMEDY)
        if not done:
            yield Batch(feed.name, pl.DataFrame(schema={"_row_number": pl.Int64}))


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(path)
    except PermissionError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _in_words(error) from error


def _next(blocks: Iterator[arrow.RecordBatch]) -> pl.DataFrame | pl.Series | None:
    try:
        block = next(blocks, None)
        return None if block is None else pl.from_arrow(block)
    except (arrow.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise _in_words(error) from error


def _in_words(error: Exception) -> BadFile:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return BadFile(f"The Parquet file cannot be read: {first.rstrip('.')}.", REMEDY)
