"""CSV with a header line, commas, and quotes where needed. Every cell stays text; a row of the wrong length goes to quarantine."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import polars as pl
import pyarrow as arrow
import pyarrow.csv

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.byte_stream import CleanStream
from ingestion.feeds import Feed

BLOCK = 16 * 2**20
"""Bytes parsed at once; also the longest row."""
ROWS = 200_000
"""Rows handed on together, at least: each batch costs the loader some questions to the warehouse."""
LONGEST_HEADER = 2**20
NO_LINE_END = "The last line has no line end; if the file was cut off there, its last value may be short."
SEPARATED = {"delimiter": ",", "quote_char": '"', "double_quote": True, "newlines_in_values": True}


def column_names(path: Path) -> list[str]:
    """The header's names, trimmed; a column without a name is called by its place. Raises BadFile."""
    with CleanStream(path) as stream:
        return _header(stream)


def read(path: Path, feed: Feed) -> Iterator[Batch]:
    """Batches of text columns. Raises BadFile where the file as a whole cannot be trusted (encoding, quoting, cut-off gzip)."""
    with CleanStream(path) as stream:
        names = _header(stream)
        first = stream.read(1)
        if not first:
            yield Batch(feed.name, _none(names))
            return
        stream.put_back(first)
        try:
            yield from _batches(stream, feed, names)
            if stream.quotes % 2:
                raise BadFile(
                    "A quote is opened and never closed.",
                    "Close it, or double each quote inside quotes, and drop the file again.",
                )
        except (arrow.ArrowException, OSError) as error:
            raise stream.failure or _in_words(error) from error


def _batches(stream: CleanStream, feed: Feed, names: list[str]) -> Iterator[Batch]:
    skipped: set[int] = set()
    ragged: list[Rejected] = []
    reader = _reader(stream, names, skipped, ragged)
    held: list[pl.DataFrame] = []
    number = 0
    for block in reader:
        numbers = _numbers(number, block.num_rows, skipped)
        number = numbers[-1] if numbers else number
        held.append(_numbered(pl.DataFrame(pl.from_arrow(block)), numbers))
        if sum(rows.height for rows in held) >= ROWS:
            yield Batch(feed.name, pl.concat(held), _taken(ragged))
            held.clear()
    if not stream.ends_in_line_end and max(skipped, default=0) > number:
        raise BadFile(
            "The file is cut off in its last line.",
            "Send it again under a temporary name and rename it when it is complete.",
            row=max(skipped),
        )
    if held or ragged or not stream.ends_in_line_end:
        remarks = () if stream.ends_in_line_end else (NO_LINE_END,)
        yield Batch(feed.name, pl.concat(held or [_none(names)]), _taken(ragged), remarks)


def _numbers(before: int, rows: int, skipped: set[int]) -> Sequence[int]:
    """The next row numbers after `before`, those of skipped rows left out."""
    if max(skipped, default=0) <= before:
        return range(before + 1, before + rows + 1)
    numbers = (number for number in count(before + 1) if number not in skipped)
    return list(islice(numbers, rows))


def _taken(ragged: list[Rejected]) -> tuple[Rejected, ...]:
    taken = tuple(ragged)
    ragged.clear()
    return taken


def _none(names: list[str]) -> pl.DataFrame:
    return _numbered(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), [])


def _reader(
    stream: CleanStream, names: list[str], skipped: set[int], ragged: list[Rejected]
) -> pyarrow.csv.CSVStreamingReader:
    """Parses on this thread only, so that a row of the wrong length comes with its number, before its block does."""

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        skipped.add(row.number)
        if row.text.strip():
            rule = f"the row has {row.actual_columns} fields where the header has {row.expected_columns}"
            ragged.append(Rejected(row.number, (rule,), {"line": row.text}))
        return "skip"

    return pyarrow.csv.open_csv(
        arrow.PythonFile(stream, mode="r"),
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names),
        parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=set_aside, **SEPARATED),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.string()), check_utf8=False),
    )


def _numbered(rows: pl.DataFrame, numbers: Sequence[int]) -> pl.DataFrame:
    return rows.with_columns(pl.Series("_row_number", numbers, dtype=pl.Int64))


def _header(stream: CleanStream) -> list[str]:
    held = b""
    while True:
        more = stream.read(BLOCK if not held else LONGEST_HEADER)
        held = (held + more).lstrip(b"\r\n") if not held else held + more
        end = _line_end(held)
        if end is not None or not more:
            break
        if len(held) > LONGEST_HEADER:
            raise BadFile(
                "The first line is longer than a megabyte; this is no CSV with a header.", "Check what was exported."
            )
    line, rest = (held, b"") if end is None else (held[: end[0]], held[end[1] :])
    stream.put_back(rest)
    if not line.strip():
        raise BadFile("The file is empty.", "Export it again; a file without rows still has its header line.")
    try:
        (cells,) = csv.reader(io.StringIO(line.decode(), newline=""), strict=True)
    except (csv.Error, ValueError) as error:
        raise BadFile(f"The header line cannot be read ({error}).", "Export the file again.") from error
    return [cell.strip() or f"column {place}" for place, cell in enumerate(cells, start=1)]


def _line_end(held: bytes) -> tuple[int, int] | None:
    """Where the first line ends and where the next begins, newlines in quotes apart."""
    for found in re.finditer(rb"\r\n|\n|\r", held):
        if held.count(b'"', 0, found.start()) % 2 == 0:
            return found.span()
    return None


def _in_words(error: Exception) -> BadFile:
    text = str(error)
    if "straddling" in text or "out of sync" in text:
        return BadFile(
            f"A row is longer than {BLOCK // 2**20} MiB, or a quote is opened and never closed.",
            "Export the file again, or close the quote.",
        )
    return BadFile(
        f"The CSV cannot be read: {text.splitlines()[0] if text else type(error).__name__}.", "Export the file again."
    )
