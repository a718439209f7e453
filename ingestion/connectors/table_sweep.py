"""Finds in a table what no change stamp tells: rows edited without one, rows missed, rows deleted.

Each sweep reads a bounded number of rows again, from where the last one stopped; a row that is other than when it landed lands again and
becomes a correction. Once the whole table was gone through, a row that is known and was met nowhere is deleted: that lands as an event of
the feed `crm_events` (`deleted`, and `restored` should it come back), as of the moment it was found. What is loaded of the row stays.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingestion.connectors.known_rows import Change, KnownRows, known_rows, parts
from ingestion.connectors.sql_connection import opened
from ingestion.connectors.swept import SWEPT_ROWS, Swept
from ingestion.connectors.table_pull import Reading, Row, Table, hash_of, landed
from ingestion.connectors.tabular_spec import TabularSpec
from ingestion.connectors.values import utc_text
from warehouse.whole_file import whole_file

_EVENT = ("system", "event_id", "object_type", "object_id", "event", "occurred_at")


def sweep_table(
    url: str, landing: Path, source: str, table: Table, spec: TabularSpec, page_rows: int, rows: int = SWEPT_ROWS
) -> Swept:
    """Reads at most `rows` rows again and lands what differs. Raises PullError. Call it after a pull was loaded."""
    moment = datetime.now(UTC)
    stem = f"{source}-swept-{moment:%Y%m%dT%H%M%S%f}"
    with opened(url) as engine, known_rows(landing, source) as known:
        sweep = _Sweep(Reading(engine, table), known)
        files = [
            landed(landing / f"{stem}-{number:04d}.csv", list(sweep.reading.columns), page, spec)
            for number, page in enumerate(sweep.changed(page_rows, rows))
        ]
        gone = sweep.gone()
        if gone or sweep.back:
            told = [(one, "deleted") for one in gone] + [(one, "restored") for one in sweep.back]
            path = landing.parent / "crm_events" / f"{stem}.csv"
            files.append(_events(path, source, table, told, utc_text(moment)))
        known.keep()
    return Swept(sweep.read, sweep.differing, len(gone), len(sweep.back), tuple(files))


class _Sweep:
    """One sweep: how much it read, how much of it differed, which deleted rows it met again."""

    def __init__(self, reading: Reading, known: KnownRows) -> None:
        self.reading, self.known = reading, known
        self.name = reading.table.key
        self.key = reading.source.c[self.name]
        self.read = self.differing = 0
        self.back: list[Change] = []
        self._ended = False

    def changed(self, page_rows: int, budget: int) -> Iterator[list[Row]]:
        """Rows that are other than when they landed, a page at a time; the place of the sweep moves on with each."""
        while self.read < budget and not self._ended:
            wanted = min(page_rows, budget - self.read)
            after = self.known.after
            past = self.key.is_not(None) if after is None else self.key > self._typed(after)
            found = self.reading.page(past, [self.key], wanted)
            page = {str(row[self.name]): row for _, _, row in found}
            hashes = {key: hash_of(row) for key, row in page.items()}
            before = self.known.of(list(page))
            self.read += len(found)
            self.back += [Change(key, changes + 1) for key, (_, changes) in before.items() if changes % 2]
            differing = [row for key, row in page.items() if before.get(key, ("", 0))[0] != hashes[key]]
            self.differing += len(differing)
            if differing:
                yield differing
            self.known.learn(hashes, swept=True)
            self.known.after = next(reversed(page), after)
            self._ended = len(found) < wanted

    def gone(self) -> list[Change]:
        """Rows that a whole round met nowhere and that are really not there; then the next round begins."""
        if not self._ended:
            return []
        missed = self.known.missed()
        here = {key for some in parts([one.key for one in missed]) for key in self._here(some)}
        found = [one for one in missed if one.key not in here]
        self.known.forget(found)
        self.known.round, self.known.after = self.known.round + 1, None
        return found

    def _here(self, keys: Sequence[str]) -> list[str]:
        query = sa.select(sa.cast(self.key, sa.Text)).where(self.key.in_([self._typed(one) for one in keys]))
        with self.reading.engine.connect() as connection:
            return [str(one) for (one,) in connection.execute(query)]

    def _typed(self, text: str) -> Any:
        """A key that was kept as text, as its column takes it."""
        kind = self.key.type.python_type
        return getattr(kind, "fromisoformat", kind)(text)


def _events(path: Path, source: str, table: Table, told: Sequence[tuple[Change, str]], at: str) -> Path:
    """A file of the feed `crm_events`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path, synced=True) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_EVENT)
        writer.writerows(
            [source, f"{table.name}:{one.key}:{one.number}", table.name, one.key, event, at] for one, event in told
        )
    return path
