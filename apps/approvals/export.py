"""Events out of the store, one JSON line each, with the sealed text untouched so that anybody can hash it again."""

import json
import sys
from pathlib import Path

import sqlalchemy as sa

from apps.approvals.store import reading
from apps.approvals.tables import events


def write_events(engine: sa.Engine, target: Path | None, since: int = 1, until: int | None = None) -> int:
    """Writes events from number `since` on, up to `until` with it, to a file, or to standard output; gives how many.

    `body` is text within the JSON: SHA-256 of prev_hash followed by it is the hash.
    """
    rows = sa.select(events.c.seq, events.c.prev_hash, events.c.hash, events.c.body).where(events.c.seq >= since)
    if until is not None:
        rows = rows.where(events.c.seq <= until)
    written = 0
    temporary = target.with_name(f".{target.name}.part") if target else None
    handle = temporary.open("w", encoding="utf-8") if temporary else sys.stdout
    try:
        with reading(engine) as connection:
            found = connection.execution_options(yield_per=5_000).execute(rows.order_by(events.c.seq))
            for row in found:
                handle.write(json.dumps(dict(row._mapping), ensure_ascii=False) + "\n")
                written += 1
    finally:
        if temporary:
            handle.close()
    if target and temporary:
        temporary.replace(target)
    return written
