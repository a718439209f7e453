"""What people do with a reconciliation break before its resolution is decided: somebody takes it, and somebody writes what it is.

Both are events of the store, sealed like a decision; the warehouse shows them as the break's owner, comment and resolution entry. The
resolution itself is the subject `break`, which one person approves and another signs off.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from apps.approvals.chain import Actor, Event, append
from apps.approvals.marts import MartReader, rows
from apps.approvals.people import Person, directory
from apps.approvals.tables import events
from warehouse.reader import access

SUBJECT = "break"
ASSIGNED, COMMENTED = "break.assigned", "break.commented"
FOUND = "select entity, client_id, status from finance.rec_breaks where break_id = $1"
ENTRY = "select 1 as found from finance.fct_journal_entries where entry_id = $1"
LONGEST = 2_000


class BreakRefused(ValueError):
    """The order on the break is not carried out; the message says why and what to do."""


@dataclass(frozen=True)
class Said:
    """One event on a break, as a page shows it. `text` is the comment, or to whom it was given."""

    kind: str
    actor_id: str
    actor_role: str | None
    text: str
    at: str


def may_handle(person: Person) -> bool:
    """Whether this person may take and explain breaks: active, and of a role that access.yml lets write on the page."""
    return person.is_active and person.role in handlers()


def handlers() -> Sequence[str]:
    """The roles that handle breaks (`decides` of access.yml)."""
    return access()["decides"]["reconciliations"]


def owners(reader: MartReader) -> list[Person]:
    """Everybody to whom a break can be given, by name."""
    return sorted((one for one in directory(reader).values() if may_handle(one)), key=lambda one: one.name)


def assign(
    connection: sa.Connection, reader: MartReader, break_id: str, owner: str, person: Person, actor: Actor, at: datetime
) -> str:
    """Gives the break to a member of staff; gives the event's id. Call it inside `writing`. Raises BreakRefused."""
    known = {one.staff_id for one in owners(reader)}
    if owner not in known:
        raise BreakRefused(
            f"{owner} cannot own a break: that is for active staff of the roles {', '.join(handlers())}."
        )
    return _write(connection, reader, break_id, ASSIGNED, {"owner": owner}, person, actor, at)


def comment(
    connection: sa.Connection,
    reader: MartReader,
    break_id: str,
    text: str,
    person: Person,
    actor: Actor,
    at: datetime,
    *,
    entry_id: str | None = None,
) -> str:
    """Writes what the break is, and which journal entry settles it where one does; gives the event's id. Raises BreakRefused."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise BreakRefused(f"A comment has 1 to {LONGEST} characters; this one has {len(text)}.")
    if entry_id and not rows(reader, ENTRY, entry_id):
        raise BreakRefused(f"There is no journal entry {entry_id} in publish {reader.publish.publish_id}.")
    said = {"comment": text} | ({"entry_id": entry_id} if entry_id else {})
    return _write(connection, reader, break_id, COMMENTED, said, person, actor, at)


def said(connection: sa.Connection, break_id: str) -> list[Said]:
    """What was done with the break here, oldest first; it reaches the marts with the next run."""
    query = sa.select(events.c.body).where(events.c.subject_type == SUBJECT, events.c.subject_id == break_id)
    found = [json.loads(row.body) for row in connection.execute(query.order_by(events.c.seq))]
    return [_said(body) for body in found if body["type"] in (ASSIGNED, COMMENTED)]


def newest(connection: sa.Connection) -> dict[str, dict[str, str]]:
    """By break: the newest `owner` and `comment` given here, also those that no run has taken up yet."""
    query = sa.select(events.c.body).where(events.c.subject_type == SUBJECT, events.c.type.in_((ASSIGNED, COMMENTED)))
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(query.order_by(events.c.seq)):
        body = json.loads(row.body)
        after = body.get("after") or {}
        found.setdefault(body["subject_id"], {}).update(
            {name: str(after[name]) for name in ("owner", "comment") if after.get(name)}
        )
    return found


def _write(
    connection: sa.Connection,
    reader: MartReader,
    break_id: str,
    kind: str,
    after: dict[str, str],
    person: Person,
    actor: Actor,
    at: datetime,
) -> str:
    if not may_handle(person):
        raise BreakRefused(
            f"Breaks are handled by active staff of the roles {', '.join(handlers())}; you are {person.role or 'none'}."
        )
    found = next(iter(rows(reader, FOUND, break_id)), None)
    if found is None:
        raise BreakRefused(f"There is no break {break_id} in publish {reader.publish.publish_id}.")
    if found["status"] == "gone":
        raise BreakRefused(f"The difference of {break_id} is gone; nothing is left to explain.")
    event = Event(
        type=kind,
        actor=actor,
        subject_type=SUBJECT,
        subject_id=break_id,
        stream=SUBJECT,
        client_id=found["client_id"],
        entity=found["entity"],
        after=after,
        correlation_id=f"{SUBJECT}:{break_id}",
    )
    append(connection, [event], at)
    return event.event_id


def _said(body: dict) -> Said:
    after = body.get("after") or {}
    text = f"given to {after['owner']}" if body["type"] == ASSIGNED else str(after.get("comment"))
    if after.get("entry_id"):
        text += f" (entry {after['entry_id']})"
    actor = body["actor"]
    return Said(body["type"].removeprefix("break."), actor["id"], actor.get("role"), text, body["recorded_at"])
