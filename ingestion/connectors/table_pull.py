"""Pulls a table or view of any SQL database into the landing folder of a YAML connector, as CSV files that the connector reads like any other.

With a change stamp only what is new or changed comes, in bounded pages by stamp and key, a little of the past again since a row may be
committed after a later stamp was read; without one the whole table, when it is another than last time. How far a pull came stands in a
state file beside the landing folder. What a source edits or deletes without a trace is not seen here but by a sweep (see table_sweep).
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingestion.connectors.known_rows import known_rows
from ingestion.connectors.sql_connection import PullError, opened
from ingestion.connectors.tabular_spec import TabularSpec
from warehouse.whole_file import whole_file

OVERLAP = timedelta(minutes=10)
Row = dict[str, str | None]


@dataclass(frozen=True)
class Table:
    """What to read: a table or view, its key, and the column that changes with every change of a row (None: it has none)."""

    name: str
    key: str
    stamp: str | None = None


@dataclass
class _State:
    """The newest stamp read, and stamp and hash of the rows near it by key; of rows without a stamp the hash of all of them."""

    stamp: str | int | None = None
    recent: dict[str, list[str]] = field(default_factory=dict)
    whole: str | None = None


def pull_table(url: str, landing: Path, source: str, table: Table, spec: TabularSpec, page_rows: int) -> list[Path]:
    """Lands what is new and returns the files. Raises PullError when the database cannot be reached or has no such table."""
    landing.mkdir(parents=True, exist_ok=True)
    path = landing.parent / f".{landing.name}-{source}.state.json"
    state = _State(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else _State()
    stem = f"{source}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    files: list[Path] = []
    with opened(url) as engine, known_rows(landing, source) as known:
        reading = Reading(engine, table)
        pages = reading.changes(state, page_rows) if table.stamp else reading.whole(state, page_rows)
        for number, rows in enumerate(pages):
            if rows:
                files.append(landed(landing / f"{stem}-{number:04d}.csv", list(reading.columns), rows, spec))
                known.learn({key: hash_of(row) for row in rows if (key := row[table.key]) is not None}, swept=False)
                known.keep()
            with whole_file(path) as part:
                part.write_text(json.dumps(asdict(state)), encoding="utf-8")
    return files


class Reading:
    """The table's columns as the database has them; bytes are left out, no CSV holds them."""

    def __init__(self, engine: sa.Engine, table: Table) -> None:
        self.engine, self.table = engine, table
        found = sa.inspect(engine).get_columns(table.name)
        types = {str(one["name"]): one["type"] for one in found if not isinstance(one["type"], sa.LargeBinary)}
        missing = [name for name in (table.key, table.stamp) if name and name not in types]
        if missing:
            raise PullError(f"{table.name} has no column {missing[0]}; it has {', '.join(types)}. Correct sources.yml.")
        self.columns = tuple(types)
        self.source = sa.table(table.name, *(sa.column(name, kind) for name, kind in types.items()))

    def changes(self, state: _State, page_rows: int) -> Iterator[list[Row]]:
        """New and changed rows, a page at a time; the state moves on with each. Rows without a stamp come first, when they are others."""
        stamp, key = self.source.c[str(self.table.stamp)], self.source.c[self.table.key]
        yield self._if_other(stamp.is_(None), state, page_rows)
        at = _before(state.stamp)
        past = stamp.is_not(None) if at is None else stamp >= at
        while True:
            page = self.page(past, [stamp, key], page_rows)
            fresh = []
            for moment, number, row in page:
                if state.recent.get(str(number), ["", ""])[1] != hash_of(row):
                    fresh.append(row)
                state.recent[str(number)] = [str(_kept(moment)), hash_of(row)]
                state.stamp = _kept(moment)
                past = sa.or_(stamp > moment, sa.and_(stamp == moment, key > number))
            if len(page) < page_rows:
                near = str(_kept(_before(state.stamp)))
                state.recent = {number: seen for number, seen in state.recent.items() if seen[0] >= near}
                yield fresh
                return
            yield fresh

    def whole(self, state: _State, page_rows: int) -> Iterator[list[Row]]:
        """All rows, where they are not those of the last time."""
        yield self._if_other(sa.true(), state, page_rows)

    def _if_other(self, which: sa.ColumnElement[bool], state: _State, page_rows: int) -> list[Row]:
        key = self.source.c[self.table.key]
        rows: list[Row] = []
        past: sa.ColumnElement[bool] = which
        while page := self.page(past, [key], page_rows):
            rows += [row for _, _, row in page]
            past = sa.and_(which, key > page[-1][1])
            if len(page) < page_rows:
                break
        seen = hashlib.sha256("".join(map(hash_of, rows)).encode()).hexdigest()
        if not rows or seen == state.whole:
            return []
        state.whole = seen
        return rows

    def page(
        self, where: sa.ColumnElement[bool], order: Sequence[sa.ColumnElement[Any]], rows: int
    ) -> list[tuple[Any, Any, Row]]:
        """(stamp, key, row as text) of the first `rows` rows."""
        stamp = self.source.c[self.table.stamp or self.table.key]
        texts = [
            sa.cast(self.source.c[name], sa.Text).label(f"text_{place}") for place, name in enumerate(self.columns)
        ]
        query = sa.select(stamp.label("at"), self.source.c[self.table.key].label("key"), *texts)
        with self.engine.connect() as connection:
            found = connection.execute(query.where(where).order_by(*order).limit(rows))
            return [(at, key, dict(zip(self.columns, cells, strict=True))) for at, key, *cells in found]


def _before(stamp: str | int | None) -> Any:
    """The stamp to read from: a time a little earlier than the newest, any other stamp itself."""
    if not isinstance(stamp, str):
        return stamp
    try:
        return datetime.fromisoformat(stamp) - OVERLAP
    except ValueError:
        return stamp


def _kept(stamp: Any) -> str | int:
    """A stamp as the state file keeps it; a time always with its microseconds, so that texts compare as times do."""
    if isinstance(stamp, datetime):
        return stamp.isoformat(timespec="microseconds")
    return stamp if isinstance(stamp, int) else str(stamp)


def hash_of(row: Row) -> str:
    """What a row is, briefly."""
    return hashlib.sha1(json.dumps(row, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def landed(target: Path, columns: Sequence[str], rows: Sequence[Row], spec: TabularSpec) -> Path:
    """A CSV as the connector reads it: with its delimiter, its encoding, and as many lines above the header as it skips."""
    with whole_file(target, synced=True) as part, part.open("w", encoding=spec.encoding, newline="") as file:
        writer = csv.writer(file, delimiter=spec.delimiter)
        writer.writerows([[]] * spec.skip_lines)
        writer.writerow(columns)
        writer.writerows([[row[name] for name in columns] for row in rows])
    return target
