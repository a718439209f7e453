"""The rows of an SQL dump (MySQL, MariaDB or PostgreSQL INSERT statements), so that a dump loads without a database.

Only what a dump of a MetaTrader export holds is understood: CREATE TABLE for the columns' names, INSERT … VALUES for the rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion.connectors.base import BadFile
from ingestion.connectors.mt_text import MOST_BYTES

Row = Mapping[str, str | None]

_NAME = r"[`\"\[]?(?P<{0}>\w+)[`\"\]]?"
_CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(?:\w+\.)?" + _NAME.format("table") + r"\s*\(", re.IGNORECASE)
_INSERT = re.compile(
    r"INSERT (?:IGNORE )?INTO (?:[`\"]?\w+[`\"]?\.)?"
    + _NAME.format("table")
    + r"\s*(?P<columns>\([^)]*\))?\s*VALUES\s*",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"^\s*[`\"](?P<name>\w+)[`\"]\s+\w", re.MULTILINE)
_VALUE = re.compile(
    r"\s*(?:(?P<null>NULL)|(?P<number>[+-]?[0-9.]+(?:[eE][+-]?\d+)?)|(?:_binary\s+)?'(?P<text>(?:[^'\\]|\\.|'')*)')\s*(?P<end>[,)])",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
REMEDY = "Dump the table again, or load the dump into a MariaDB and pull that."


@dataclass(frozen=True)
class DumpedTable:
    """A table of the dump with its rows in order; `lines` are the rows' places among all rows of that table, from 1."""

    name: str
    rows: tuple[Row, ...]


def dumped_tables(path: Path) -> list[DumpedTable]:
    """Every table that the dump inserts into. Raises BadFile when it is cut off or holds none."""
    if path.stat().st_size > MOST_BYTES:
        raise BadFile(f"{path.name} has more than {MOST_BYTES // 2**20} MiB.", REMEDY)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is no UTF-8 text at byte {error.start}.", REMEDY) from error
    columns = {found["table"].lower(): _columns(text, found.end()) for found in _CREATE.finditer(text)}
    rows: dict[str, list[Row]] = {}
    at = 0
    while found := _INSERT.search(text, at):
        table = found["table"].lower()
        listed = re.findall(r"\w+", found["columns"] or "")
        names = listed or columns.get(table, [])
        if not names:
            raise BadFile(f"{path.name} does not say which columns {table} has.", REMEDY)
        for row, end in _tuples(text, found.end(), path):
            at = end
            if len(row) != len(names):
                raise BadFile(
                    f"A row of {table} in {path.name} has {len(row)} values for {len(names)} columns.", REMEDY
                )
            rows.setdefault(table, []).append(dict(zip(names, row, strict=True)))
    if not rows:
        raise BadFile(f"{path.name} inserts no rows.", REMEDY)
    return [DumpedTable(name, tuple(found)) for name, found in rows.items()]


def _columns(text: str, start: int) -> list[str]:
    end = text.find("\n)", start)
    return [found["name"] for found in _COLUMN.finditer(text, start, end if end > 0 else len(text))]


def _tuples(text: str, at: int, path: Path) -> Iterator[tuple[list[str | None], int]]:
    """The value lists of one INSERT, each with where it ends."""
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if text[at : at + 1] != "(":
            raise _broken(path, text, at)
        row: list[str | None] = []
        at += 1
        while True:
            found = _VALUE.match(text, at)
            if found is None:
                raise _broken(path, text, at)
            row.append(_value(found))
            at = found.end()
            if found["end"] == ")":
                break
        yield row, at
        while at < len(text) and text[at].isspace():
            at += 1
        if text[at : at + 1] == ";":
            return
        if text[at : at + 1] != ",":
            raise _broken(path, text, at)
        at += 1


def _value(found: re.Match[str]) -> str | None:
    if found["null"]:
        return None
    if found["number"]:
        return found["number"]
    return _ESCAPED.sub(lambda one: _ESCAPES.get(one[1], one[1]) if one[1] else "'", found["text"])


def _broken(path: Path, text: str, at: int) -> BadFile:
    line = text.count("\n", 0, at) + 1
    what = "is cut off" if at >= len(text) - 1 else "cannot be read"
    return BadFile(f"{path.name} {what} at line {line}.", REMEDY, row=line)
