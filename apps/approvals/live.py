"""The live state of a subject: read within an order, and changed only from the very state and version that was read."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals.subject import Subject, subject_types
from apps.approvals.tables import CLOSED_STATES, BodyField, decisions, events, subjects

UNDONE = "approval.undone"


class Overtaken(Exception):
    """Somebody else changed the subject between reading and writing it."""


@dataclass(frozen=True)
class Live:
    """A row of the store's `subjects`, or what it would be while nobody has touched the subject (`version` 0)."""

    subject_type: str
    subject_id: str
    state: str = "open"
    version: int = 0
    round: int = 1
    step: int = 0
    entity: str | None = None
    client_id: str | None = None
    maker_person: str | None = None
    facts_hash: str | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    snoozed_by: str | None = None
    snoozed_until: datetime | None = None
    waiting_for: tuple[str, ...] | None = None
    due_at: datetime | None = None
    opened_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def closed(self) -> bool:
        return self.state in CLOSED_STATES

    def claimed(self, at: datetime) -> bool:
        """Whether somebody holds it now; a claim whose time is over holds nothing."""
        return self.claimed_by is not None and self.claimed_until is not None and self.claimed_until > at

    def said(self) -> dict[str, Any]:
        """What an event tells of it as the state before."""
        return {name: getattr(self, name) for name in ("state", "version", "round", "step", "claimed_by")}

    def clocks(self) -> dict[str, Any]:
        """Since when it waits and by when it is due: what turn-around is reported by."""
        return {"opened_at": self.opened_at, "due_at": self.due_at}


def load(connection: sa.Connection, subject_type: str, subject_id: str) -> Live:
    """The live state; of a subject nobody touched, open at version 0."""
    found = connection.execute(
        sa.select(subjects).where(subjects.c.subject_type == subject_type, subjects.c.subject_id == subject_id)
    ).one_or_none()
    if found is None:
        return Live(subject_type, subject_id)
    row = dict(found._mapping)
    return Live(**{**row, "waiting_for": tuple(row["waiting_for"]) if row["waiting_for"] else None})


def opens_again(subject: Subject, state: str, closed_at: datetime | None) -> bool:
    """Whether a subject that was closed here at that time is open once more: its source opened it since.

    What was approved stays so unless its kind `reopens`: a request that its source changed afterwards would be paid a second time.
    """
    if state not in CLOSED_STATES or closed_at is None or subject.opened_at <= closed_at:
        return False
    return state != "approved" or subject_types()[subject.subject_type].reopens


def opened_again(live: Live, subject: Subject) -> Live:
    """A subject that was decided and that its source opened anew since starts another round; any other stays as it is."""
    if not opens_again(subject, live.state, live.updated_at):
        return live
    return replace(
        live, state="open", round=live.round + 1, step=0, facts_hash=None, waiting_for=None, due_at=None,
        claimed_by=None, claimed_until=None, snoozed_by=None, snoozed_until=None, opened_at=subject.opened_at,
    )  # fmt: skip


def save(connection: sa.Connection, before: Live, after: Live, at: datetime) -> Live:
    """Writes `after` where the store still holds `before`'s version, one version higher. Raises Overtaken where it does not."""
    saved = replace(after, version=before.version + 1, updated_at=at)
    values: Mapping[str, Any] = {one.name: getattr(saved, one.name) for one in fields(Live)}
    if before.version == 0:
        connection.execute(sa.insert(subjects), values)
        return saved
    table = subjects.c
    changed = connection.execute(
        sa.update(subjects)
        .where(
            table.subject_type == before.subject_type,
            table.subject_id == before.subject_id,
            table.version == before.version,
        )
        .values(**values)
    )
    if changed.rowcount != 1:
        raise Overtaken
    return saved


def undone() -> sa.ColumnElement[bool]:
    """A condition on a row of `decisions`: it was undone."""
    later = events.alias("later")
    return sa.exists().where(
        later.c.subject_type == decisions.c.subject_type,
        later.c.subject_id == decisions.c.subject_id,
        later.c.type == UNDONE,
        BodyField("approval_id") == decisions.c.decision_id,
    )
