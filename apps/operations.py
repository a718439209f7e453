"""The operational store as a source of the warehouse: its events are landed as a file and loaded like any other.

How far the warehouse came is read from what it holds, not remembered beside it, so that a kill between any two steps loses nothing;
what is landed twice is loaded once, by the events' ids.

A decision that can still be undone is not landed, nor anything after it: the chain goes out in its order. One that was undone is landed
in the same file as its undoing, so that it never counts as a decision anywhere.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import sqlalchemy as sa

from apps.approvals.canonical import moment
from apps.approvals.chain import GENESIS, now
from apps.approvals.export import write_events
from apps.approvals.live import UNDONE
from apps.approvals.store import open_store, reading
from apps.approvals.tables import BodyField, chain_head, decisions, events
from apps.approvals.undoing import still_undoable
from warehouse.settings import Settings

CONNECTOR = "operations"
VIEWS = "access"
"""The stream of who looks at what. A new publish is looked at too, so these events alone must not bring about the next one."""
WATCHED = "metric_alert"
"""The stream of what a publish made of the rules over metrics: nothing that the next publish must hurry for, nor be made for alone."""
VIEWS_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class Head:
    """An event of the chain by number and hash; the chain's end, or the last one loaded."""

    seq: int
    hash: str


def head(settings: Settings) -> Head:
    """The last event that may be landed now; seq 0 while there is none."""
    with reading(open_store(settings)) as connection:
        end = _landable(connection, settings, 0)
        sealed = connection.execute(sa.select(events.c.hash).where(events.c.seq == end)).scalar()
    return Head(end, sealed or GENESIS)


def await_undo(settings: Settings, report: Callable[[str], None]) -> None:
    """Waits until what was decided before this moment can no longer be undone, so that a run takes it along; `undo_seconds` at most."""
    engine = open_store(settings)
    with reading(engine) as connection:
        end = connection.execute(sa.select(chain_head.c.seq)).scalar_one()
    deadline = time.monotonic() + settings.undo_seconds
    while time.monotonic() < deadline:
        with reading(engine) as connection:
            if _landable(connection, settings, 0) >= end:
                return
        report("waiting until the newest decision can no longer be undone")
        time.sleep(0.25)


def _landable(connection: sa.Connection, settings: Settings, since: int) -> int:
    """The last event that may be landed: all before the first decision after event `since` that can still be undone."""
    end = connection.execute(sa.select(chain_head.c.seq)).scalar_one()
    seq, after = decisions.c.event_seq, decisions.c.event_seq > since
    fresh = sa.select(sa.func.min(seq)).where(after, still_undoable(now(), timedelta(seconds=settings.undo_seconds)))
    end = min(end, (connection.execute(fresh).scalar() or end + 1) - 1)
    # a decision whose undoing would stay behind stays behind too
    parted = sa.select(sa.func.min(seq)).join(events, BodyField("approval_id") == decisions.c.decision_id)
    while first := connection.execute(
        parted.where(after, seq <= end, events.c.seq > end, events.c.type == UNDONE)
    ).scalar():
        end = first - 1
    return end


def loaded(connection: duckdb.DuckDBPyConnection) -> Head | None:
    """The event that the last load from a store ended with; None before the first."""
    row = connection.execute(
        "select seq, hash from raw.operational_events order by _load_id desc, _row_number desc limit 1"
    ).fetchone()
    return Head(*row) if row else None


def land(settings: Settings, so_far: Head | None) -> Path | None:
    """Writes the events after `so_far` into the landing folder; None when there is none, or only what a publish itself brought about.

    A store that does not hold `so_far` is another one, or was restored: it is landed whole, and what is known of it is ignored.
    """
    engine = open_store(settings)
    with reading(engine) as connection:
        known = so_far is not None and (
            connection.execute(sa.select(events.c.hash).where(events.c.seq == so_far.seq)).scalar() == so_far.hash
        )
        since = so_far.seq + 1 if so_far is not None and known else 1
        end = _landable(connection, settings, since - 1)
        others = sa.select(sa.func.count()).where(events.c.seq.between(since, end), BodyField("stream") != WATCHED)
        nothing_else = connection.execute(others).scalar_one() == 0
    if end < since or nothing_else:
        return None
    folder = settings.landing / CONNECTOR
    folder.mkdir(parents=True, exist_ok=True)
    # named by where it begins: landed again after a kill, it takes the place of what was left
    target = folder / f"events-from-{since:09d}.jsonl"
    write_events(engine, target, since, end)
    return target


def urgent(settings: Settings, since: int) -> bool:
    """Whether anything that may be landed has happened after event `since` that readers wait for; views alone can wait some minutes."""
    old = moment(now() - VIEWS_WAIT)
    query = sa.select(events.c.seq).where(
        events.c.seq > since, sa.or_(BodyField("stream").not_in((VIEWS, WATCHED)), events.c.occurred_at < old)
    )
    with reading(open_store(settings)) as connection:
        first = connection.execute(query.order_by(events.c.seq).limit(1)).scalar()
        return first is not None and first <= _landable(connection, settings, since)
