"""Undo: whoever decided takes it back within some seconds, while nothing of it has gone out.

The decision stays on record and so does its undoing; the round that it stood in is void, and everybody decides anew in the next. What
must not be delivered before the seconds are over waits: messages in the outbox, and the decision's way into the warehouse. So there is
nothing to finish after a crash: whether a decision is undone, can still be, or has gone out follows from what is stored and the time.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from apps.approvals.attested import faults_of
from apps.approvals.chain import append
from apps.approvals.live import Live, undone
from apps.approvals.orders import Answer, Refusal, Task
from apps.approvals.people import Person
from apps.approvals.subject import subject_types
from apps.approvals.tables import decisions, events, outbox
from apps.approvals.tasks import answer, roles_of_next, settle

WORDS = {"approve": "approval", "reject": "rejection", "override": "override"}


@dataclass(frozen=True)
class Undoable:
    """The decision that can be undone: `until` is the last moment (naive UTC), `before` the live state it found."""

    decision_id: str
    decision: str
    until: datetime
    version: int
    before: dict[str, Any]


def undoable(connection: sa.Connection, live: Live, person: Person, at: datetime, window: timedelta) -> Undoable | None:
    """What this person may undo of the subject now: their own decision, the last thing that happened to it; None where there is none."""
    try:
        return _undoable(connection, live, person, at, window)
    except Refusal:
        return None


def still_undoable(at: datetime, window: timedelta) -> sa.ColumnElement[bool]:
    """A condition on a row of `decisions`: what it decided may yet be taken back at this moment, so nothing of it may go out."""
    at_once = [one.name for one in subject_types().values() if one.at_once]
    table = decisions.c
    return sa.and_(table.decided_at >= at - window, table.subject_type.not_in(at_once), ~undone())


def undo(task: Task) -> Answer:
    """Opens the subject again as it was before the decision, in a new round, and takes back what waits in the outbox.

    Raises Refusal for somebody else's decision, after the seconds, and once anything else happened to the subject or anything went out.
    """
    live = task.live
    found = _undoable(task.connection, live, task.person, task.at, task.desk.undo)
    if task.order.version != live.version:
        raise Refusal("version", f"This was changed since you opened it; it is {live.state}. Nothing was undone.")
    if wrong := faults_of(task.connection, live.subject_type, live.subject_id):
        said = f"The record of this subject was changed by hand ({'; '.join(wrong)}). Run `daybook audit verify`."
        raise Refusal("tampered", said)
    recalled = _recall(task.connection, found.decision_id)
    state = found.before["state"]
    after = replace(live, state="open" if state == "waiting" else state, round=live.round + 1, step=0, facts_hash=None)
    after = replace(after, claimed_by=None, claimed_until=None, snoozed_by=None, snoozed_until=None)
    after = replace(after, waiting_for=roles_of_next(task, after) or None)
    settled = settle(task, after)
    told = {**settled.said(), **settled.clocks(), "undoes": found.decision, "recalled": recalled}
    event = replace(task.event("undone", told), approval_id=found.decision_id)
    append(task.connection, [event], task.at)
    void = " The approvals of this round are void." if live.step > 1 else ""
    return answer(settled, f"Your {WORDS[found.decision]} is undone; nothing of it went out.{void}", event.event_id)


def _undoable(connection: sa.Connection, live: Live, person: Person, at: datetime, window: timedelta) -> Undoable:
    row = connection.execute(
        sa.select(decisions.c.decision_id, decisions.c.decision, decisions.c.actor_id, decisions.c.decided_at, events.c.body)
        .join(events, events.c.event_id == decisions.c.decision_id)
        .where(
            decisions.c.subject_type == live.subject_type,
            decisions.c.subject_id == live.subject_id,
            decisions.c.round == live.round,
        )
        .order_by(decisions.c.event_seq.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise Refusal("undo", "There is no decision to undo.")
    if row.actor_id not in person.accounts:
        raise Refusal("not_entitled", f"{row.actor_id} decided this; nobody else may undo it.")
    if subject_types()[live.subject_type].at_once or not window:
        raise Refusal("undo", "What was decided took effect at once; nothing is left to undo.")
    until = row.decided_at + window
    if at > until:
        raise Refusal(
            "too_late",
            f"A decision can be undone for {window.total_seconds():g} s, until {until:%H:%M:%S} UTC; this one has gone out. "
            "What it did is reversed by a request of its own, which others decide.",
        )
    before = json.loads(row.body)["before"]
    if before["version"] + 1 != live.version:
        raise Refusal("version", "Something else happened to this since you decided it; it cannot be undone any more.")
    return Undoable(row.decision_id, row.decision, until, live.version, before)


def _recall(connection: sa.Connection, decision_id: str) -> list[str]:
    """Takes the decision's messages out of the outbox, where they waited; gives their keys. Raises Refusal once one was on its way."""
    mine = outbox.c.decision_id == decision_id
    columns = (outbox.c.idempotency_key, outbox.c.status, outbox.c.attempts)
    found = connection.execute(sa.select(*columns).where(mine).order_by(outbox.c.destination)).all()
    if any(row.status != "pending" or row.attempts for row in found):
        raise Refusal("too_late", "It is on its way out already; it cannot be undone any more.")
    connection.execute(sa.delete(outbox).where(mine))
    return [row.idempotency_key for row in found]
