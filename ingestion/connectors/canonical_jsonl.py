"""JSON lines: one object a line. Numbers keep the digits they were written with; a malformed line goes to quarantine."""

import io
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars as pl

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.byte_stream import CleanStream
from ingestion.feeds import Feed

ROWS = 100_000
"""Lines held at once."""
LONGEST_LINE = 16 * 2**20
MOST_COLUMNS = 1000
SHOWN = 10_000
"""Characters of a malformed line that its quarantine row keeps; the archive has the rest."""


class _Number(str):
    """The text of a JSON number: no float ever stands between the file and a decimal."""

    __slots__ = ()


class _Malformed(ValueError):
    pass


def column_names(path: Path) -> list[str]:
    """The names in the first line's object. Raises BadFile."""
    with CleanStream(path) as stream:
        line = io.BufferedReader(stream).readline(LONGEST_LINE)
    try:
        return list(_object(line))
    except _Malformed as error:
        raise BadFile(f"The first line: {error}.") from error


def read(path: Path, feed: Feed) -> Iterator[Batch]:
    """Batches of text columns; a row's number is its line's. Raises BadFile when nothing of the file is this feed's."""
    with CleanStream(path) as stream:
        lines = _lines(io.BufferedReader(stream, buffer_size=1 << 20))
        first = True
        while (numbered := list(islice(lines, ROWS))) or first:
            objects, numbers, rejected = _parsed(numbered)
            if first:
                _check_first(feed, objects, rejected, bool(numbered))
            first = False
            if rejected and rejected[-1].row_number == numbered[-1][0] and not numbered[-1][1].endswith(b"\n"):
                raise BadFile(
                    "The file is cut off in its last line.",
                    "Send it again under a temporary name and rename it when it is complete.",
                    row=rejected[-1].row_number,
                )
            rows, broken = _columns(objects, numbers)
            yield Batch(feed.name, rows, tuple(rejected + broken))


def _lines(buffered: io.BufferedReader) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := buffered.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise BadFile(
                f"Line {number} is longer than {LONGEST_LINE // 2**20} MiB.", "Write one object a line.", row=number
            )
        if line.strip():
            yield number, line


def _parsed(numbered: list[tuple[int, bytes]]) -> tuple[list[dict[str, object]], list[int], list[Rejected]]:
    objects, numbers, rejected = [], [], []
    for number, line in numbered:
        try:
            objects.append(_object(line))
            numbers.append(number)
        except _Malformed as error:
            rejected.append(Rejected(number, (f"the line {error}",), {"line": line.decode().strip()[:SHOWN]}))
    return objects, numbers, rejected


def _object(line: bytes) -> dict[str, object]:
    try:
        value = json.loads(
            line, parse_float=_Number, parse_int=_Number, parse_constant=_no_number, object_pairs_hook=_pairs
        )
    except _Malformed:
        raise
    except RecursionError as error:
        raise _Malformed("is nested too deeply") from error
    except ValueError as error:
        raise _Malformed(f"is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise _Malformed("is not a JSON object")
    return value


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Malformed("gives one name twice")
    return value


def _no_number(name: str) -> object:
    raise _Malformed(f"holds {name}, which is no JSON number")


def _check_first(feed: Feed, objects: list[dict[str, object]], rejected: list[Rejected], any_lines: bool) -> None:
    if not any_lines:
        return
    if not objects:
        raise BadFile(
            f"None of its lines is a JSON object; line {rejected[0].row_number} {rejected[0].rules[0].removeprefix('the line ')}.",
            "Check what was exported.",
            row=rejected[0].row_number,
        )
    missing = [
        name for name in feed.required if name not in feed.nullable_key and not any(name in one for one in objects)
    ]
    if missing:
        raise BadFile(
            f"The feed {feed.name} needs {', '.join(missing)}, which no line has.",
            f"The first line has: {', '.join(objects[0])[:1000]}. Name them as feeds.md does, or use the connector of the system.",
            column=", ".join(missing),
        )


def _columns(objects: list[dict[str, object]], numbers: list[int]) -> tuple[pl.DataFrame, list[Rejected]]:
    try:
        return _frame(objects, numbers), []
    except UnicodeEncodeError:  # a lone surrogate (`"\ud800"`) is valid JSON and no text
        whole = [_is_text(one) for one in objects]
        rejected = [
            Rejected(number, ("the line holds half a character (a lone surrogate)",), {"line": json.dumps(one)})
            for one, number, fine in zip(objects, numbers, whole, strict=True)
            if not fine
        ]
        kept = [(one, number) for one, number, fine in zip(objects, numbers, whole, strict=True) if fine]
        return _frame([one for one, _ in kept], [number for _, number in kept]), rejected


def _is_text(value: dict[str, object]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _frame(objects: list[dict[str, object]], numbers: list[int]) -> pl.DataFrame:
    columns: dict[str, list[str | None]] = {}
    for place, one in enumerate(objects):
        for name, value in one.items():
            column = columns.get(name)
            if column is None:
                if len(columns) >= MOST_COLUMNS:
                    raise BadFile(
                        f"The lines hold more than {MOST_COLUMNS} different names.", "Check what was exported."
                    )
                column = columns[name] = [None] * len(objects)
            column[place] = value if value is None or type(value) is str else _text(value)
    rows = pl.DataFrame(
        {name: pl.Series(name, column, dtype=pl.String) for name, column in columns.items() if name != "_row_number"}
    )
    return (
        rows.with_columns(pl.Series("_row_number", numbers, dtype=pl.Int64))
        if rows.width
        else pl.DataFrame({"_row_number": numbers}, schema={"_row_number": pl.Int64})
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(_restored(value), ensure_ascii=False)


def _restored(value: object) -> object:
    """Nested numbers as numbers again where a float is exact, as text where it is not."""
    if isinstance(value, _Number):
        number = int(value) if value.lstrip("-").isdigit() and len(value) < 4000 else float(value)
        return number if str(number) == str(value) else str(value)
    if isinstance(value, dict):
        return {name: _restored(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_restored(one) for one in value]
    return value
