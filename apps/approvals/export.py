"""Events out of the store, one JSON line each, with the sealed text untouched so that anybody can hash it again."""

import json
import sys
from pathlib import Path
from typing import TextIO

import sqlalchemy as sa

from apps.approvals.store import reading
from apps.approvals.tables import events
from warehouse.whole_file import whole_file


def write_events(engine: sa.Engine, target: Path | None, since: int = 1) -> int:
    """Writes events from number `since` on to a file, or to standard output; gives how many.

    `body` is text within the JSON: SHA-256 of prev_hash followed by it is the hash.
    """
    if target is None:
        return _write(engine, sys.stdout, since)
    with whole_file(target) as part, part.open("w", encoding="utf-8") as handle:
        return _write(engine, handle, since)


def _write(engine: sa.Engine, handle: TextIO, since: int) -> int:
    rows = sa.select(events.c.seq, events.c.prev_hash, events.c.hash, events.c.body)
    written = 0
    with reading(engine) as connection:
        found = connection.execution_options(yield_per=5_000).execute(
            rows.where(events.c.seq >= since).order_by(events.c.seq)
        )
        for row in found:
            handle.write(json.dumps(dict(row._mapping), ensure_ascii=False) + "\n")
            written += 1
    return written
