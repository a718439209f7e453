"""The hash chain: every operational event, in the order it was written, each sealed together with all before it.

`body` is the canonical JSON of everything the event attests; hash = SHA-256(hash of the event before, as hex, followed by the
body's UTF-8 bytes). The first event follows sixty-four zeros. Whoever holds the rows can check that with nothing but SHA-256.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals.canonical import canonical, moment
from apps.approvals.store import StoreError
from apps.approvals.tables import BodyField, chain_head, events

GENESIS = "0" * 64
SOURCE = "daybook"
NEWEST = 20
"""How many events `newest_moment` looks at: so that one recorded while the clock was wrong does not stop everything for ever."""
COPY = "copy events (seq, body, prev_hash, hash) from stdin"


def now() -> datetime:
    """Naive UTC with microseconds, as the store keeps time."""
    return datetime.now(UTC).replace(tzinfo=None)


def newest_moment(connection: sa.Connection) -> datetime | None:
    """The latest time (naive UTC) at which one of the newest events was recorded; None in an empty chain."""
    newest = sa.select(BodyField("recorded_at").label("at")).select_from(events).order_by(events.c.seq.desc())
    recent = newest.limit(NEWEST).subquery()
    found = connection.execute(sa.select(sa.func.max(recent.c.at))).scalar()
    return datetime.fromisoformat(found.removesuffix("Z")) if found else None


def new_id() -> str:
    """An id nobody else gives out: of an event, a decision, an order."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Actor:
    """Who did it; `type` is human, system or client. `on_behalf_of` names whom a delegate stands in for."""

    id: str
    type: str = "human"
    role: str | None = None
    on_behalf_of: str | None = None
    ip: str | None = None
    device: str | None = None


SYSTEM = Actor("daybook", type="system")


@dataclass(frozen=True)
class Event:
    """The envelope of an audit event. `occurred_at` is naive UTC and, when None, the moment it is recorded.

    `before` and `after` hold plain values (text, whole numbers, decimals, times, lists, mappings); None is left out of the body.
    """

    type: str
    actor: Actor
    subject_type: str
    subject_id: str
    stream: str = ""
    client_id: str | None = None
    entity: str | None = None
    occurred_at: datetime | None = None
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    rule_version: str | None = None
    approval_id: str | None = None
    source_system: str = SOURCE
    source_id: str | None = None
    source_hash: str | None = None
    attests: Sequence[str] | None = None  # the tables whose rows `after` holds, see attested.py
    event_id: str = field(default_factory=new_id)


_FIELDS = tuple(one.name for one in fields(Event) if one.name not in ("actor", "occurred_at", "stream"))
_ACTOR = tuple(one.name for one in fields(Actor))


def append(connection: sa.Connection, written: Sequence[Event], recorded_at: datetime | None = None) -> list[int]:
    """Appends events to the chain inside the caller's `writing` transaction; gives their numbers, in order.

    All bear the same `recorded_at` (now, unless given). Raises StoreError where somebody else moved the chain's head meanwhile,
    which cannot happen inside `writing`.
    """
    if not written:
        return []
    at = moment(recorded_at or now())
    head = connection.execute(sa.select(chain_head.c.seq, chain_head.c.hash)).one()
    seq, previous, rows = head.seq, head.hash, []
    for event in written:
        seq += 1
        body = canonical(_body(event, seq, at))
        sealed = seal(previous, body)
        rows.append({"seq": seq, "body": body, "prev_hash": previous, "hash": sealed})
        previous = sealed
    _insert(connection, rows)
    moved = connection.execute(sa.update(chain_head).where(chain_head.c.seq == head.seq).values(seq=seq, hash=previous))
    if moved.rowcount != 1:
        raise StoreError("Another writer appended to the audit chain at the same time; nothing was written. Try again.")
    return [row["seq"] for row in rows]


def seal(previous: str, body: str) -> str:
    """The hash of an event: of the hash before it and its own canonical text."""
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """PostgreSQL takes many rows by COPY, in the same transaction, several times as fast as a statement a row."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "postgresql" and len(rows) > 1:
        with driver.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in rows:
                copy.write_row(tuple(row.values()))
    else:
        connection.execute(sa.insert(events), rows)


def _body(event: Event, seq: int, recorded_at: str) -> dict[str, Any]:
    actor = event.actor
    said = {name: value for name in _FIELDS if (value := getattr(event, name)) is not None}
    said["actor"] = {name: value for name in _ACTOR if (value := getattr(actor, name)) is not None}
    said["stream"] = event.stream or event.subject_type
    said["occurred_at"] = event.occurred_at or recorded_at
    said["recorded_at"] = recorded_at
    said["seq"] = seq
    return said
