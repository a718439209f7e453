"""Events out of the store, one JSON line each, with the sealed text untouched so that anybody can hash it again."""

import json
import sys
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa

from apps.approvals.store import reading
from apps.approvals.tables import events
from warehouse.whole_file import whole_file


def write_events(engine: sa.Engine, target: Path | None, since: int = 1, until: int | None = None) -> int:
    """Writes events from number `since` on, up to `until` with it, to a file, or to standard output; gives how many.

    `body` is text within the JSON: SHA-256 of prev_hash followed by it is the hash.
    """
    if target is None:
        return _write(engine, sys.stdout, since, until)
    with whole_file(target) as part, part.open("w", encoding="utf-8") as handle:
        return _write(engine, handle, since, until)


def _write(engine: sa.Engine, handle: TextIO, since: int, until: int | None) -> int:
    rows = sa.select(events.c.seq, events.c.prev_hash, events.c.hash, events.c.body).where(events.c.seq >= since)
    if until is not None:
        rows = rows.where(events.c.seq <= until)
    written = 0
    with reading(engine) as connection:
        for row in connection.execution_options(yield_per=5_000).execute(rows.order_by(events.c.seq)):
            handle.write(json.dumps(dict(row._mapping), ensure_ascii=False) + "\n")
            written += 1
    return written
