"""The operational store as a source of the warehouse: its events are landed as a file and loaded like any other.

How far the warehouse came is read from what it holds, not remembered beside it, so that a kill between any two steps loses nothing;
what is landed twice is loaded once, by the events' ids.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import sqlalchemy as sa

from apps.approvals.canonical import moment
from apps.approvals.chain import now
from apps.approvals.export import write_events
from apps.approvals.store import open_store, reading
from apps.approvals.tables import BodyField, chain_head, events
from warehouse.settings import Settings

CONNECTOR = "operations"
VIEWS = "access"
"""The stream of who looks at what. A new publish is looked at too, so these events alone must not bring about the next one."""
VIEWS_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class Head:
    """An event of the chain by number and hash; the chain's end, or the last one loaded."""

    seq: int
    hash: str


def head(settings: Settings) -> Head:
    """The chain's end now; seq 0 while nothing has happened."""
    with reading(open_store(settings)) as connection:
        row = connection.execute(sa.select(chain_head.c.seq, chain_head.c.hash)).one()
    return Head(row.seq, row.hash)


def loaded(connection: duckdb.DuckDBPyConnection) -> Head | None:
    """The event that the last load from a store ended with; None before the first."""
    row = connection.execute(
        "select seq, hash from raw.operational_events order by _load_id desc, _row_number desc limit 1"
    ).fetchone()
    return Head(*row) if row else None


def land(settings: Settings, so_far: Head | None) -> Path | None:
    """Writes the events after `so_far` into the landing folder; None when there is none.

    A store that does not hold `so_far` is another one, or was restored: it is landed whole, and what is known of it is ignored.
    """
    engine = open_store(settings)
    with reading(engine) as connection:
        end = connection.execute(sa.select(chain_head.c.seq)).scalar_one()
        known = so_far is not None and (
            connection.execute(sa.select(events.c.hash).where(events.c.seq == so_far.seq)).scalar() == so_far.hash
        )
    since = so_far.seq + 1 if so_far is not None and known else 1
    if end < since:
        return None
    folder = settings.landing / CONNECTOR
    folder.mkdir(parents=True, exist_ok=True)
    # named by where it begins: landed again after a kill, it takes the place of what was left
    target = folder / f"events-from-{since:09d}.jsonl"
    write_events(engine, target, since)
    return target


def urgent(settings: Settings, since: int) -> bool:
    """Whether anything has happened after event `since` that readers wait for; views alone can wait some minutes."""
    old = moment(now() - VIEWS_WAIT)
    query = sa.select(events.c.seq).where(
        events.c.seq > since, sa.or_(BodyField("stream") != VIEWS, events.c.occurred_at < old)
    )
    with reading(open_store(settings)) as connection:
        return connection.execute(query.limit(1)).first() is not None
