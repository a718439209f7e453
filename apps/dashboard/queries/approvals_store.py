"""What the page asks of the operational store beside the queue: drafts, decisions taken here, a subject's events, deliveries, policies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals.live import undone
from apps.approvals.tables import decisions, deliveries, drafts, events, outbox, policies, subjects

Key = tuple[str, str]


@dataclass(frozen=True)
class Taken:
    """A decision that was taken here."""

    subject_type: str
    subject_id: str
    decision: str
    final: bool
    actor_id: str
    actor_role: str
    reason_code: str
    note: str | None
    round: int
    step: int
    decided_at: datetime
    publish_id: int
    undone: bool


TAKEN = tuple(name for name in Taken.__dataclass_fields__ if name != "undone")


def save_draft(
    connection: sa.Connection, user_id: str, key: Key, form: Mapping[str, Any], facts_hash: str, at: datetime
) -> None:
    """Keeps a half-written form, one a person and subject. Call it inside `writing`."""
    table = drafts.c
    mine = sa.and_(table.user_id == user_id, table.subject_type == key[0], table.subject_id == key[1])
    values = {"form": dict(form), "facts_hash": facts_hash, "updated_at": at}
    changed = connection.execute(sa.update(drafts).where(mine).values(**values))
    if not changed.rowcount:
        row = {"user_id": user_id, "subject_type": key[0], "subject_id": key[1], **values}
        connection.execute(sa.insert(drafts), row)


def draft(connection: sa.Connection, user_id: str, key: Key) -> Any | None:
    """The half-written form (`form`, `facts_hash`, `updated_at`), or None."""
    table = drafts.c
    return connection.execute(
        sa.select(drafts).where(table.user_id == user_id, table.subject_type == key[0], table.subject_id == key[1])
    ).one_or_none()


def drop_draft(connection: sa.Connection, user_id: str, key: Key) -> None:
    """Forgets it: the order it was for was given."""
    table = drafts.c
    connection.execute(
        sa.delete(drafts).where(table.user_id == user_id, table.subject_type == key[0], table.subject_id == key[1])
    )


def taken(connection: sa.Connection, key: Key | None = None, kinds: Sequence[str] = (), limit: int = 8) -> list[Taken]:
    """Decisions taken here, newest first: of one subject, or of some kinds."""
    columns = (*(decisions.c[name] for name in TAKEN), undone().label("undone"))
    query = sa.select(*columns).order_by(decisions.c.decided_at.desc()).limit(limit)
    if key is not None:
        query = query.where(decisions.c.subject_type == key[0], decisions.c.subject_id == key[1])
    if kinds:
        query = query.where(decisions.c.subject_type.in_(tuple(kinds)))
    return [Taken(**row._mapping) for row in connection.execute(query)]


def set_aside(connection: sa.Connection, key: Key, number: int) -> dict[str, str]:
    """The checks that were overridden in a round of this subject, each with who did."""
    table = decisions.c
    query = sa.select(table.overridden, table.actor_id).where(
        table.subject_type == key[0], table.subject_id == key[1], table.round == number, table.decision == "override"
    )
    return {name: row.actor_id for row in connection.execute(query) for name in row.overridden or ()}


def state(connection: sa.Connection, key: Key) -> Any | None:
    """The live row of a subject, or None while nobody touched it."""
    return connection.execute(
        sa.select(subjects).where(subjects.c.subject_type == key[0], subjects.c.subject_id == key[1])
    ).one_or_none()


def happened(connection: sa.Connection, key: Key) -> list[dict[str, Any]]:
    """The events of a subject that were written here, oldest first, as their bodies."""
    query = (
        sa.select(events.c.body)
        .where(events.c.subject_type == key[0], events.c.subject_id == key[1])
        .order_by(events.c.seq)
    )
    return [json.loads(row.body) for row in connection.execute(query)]


def messages(connection: sa.Connection, limit: int, kinds: Sequence[str]) -> list[Any]:
    """Messages of the outbox about these kinds of subject, newest first."""
    query = sa.select(outbox).where(outbox.c.subject_type.in_(tuple(kinds))).order_by(outbox.c.created_at.desc())
    return list(connection.execute(query.limit(limit)).all())


def sent(connection: sa.Connection, key: Key) -> list[Any]:
    """What the decisions on one subject sent."""
    query = sa.select(outbox).where(outbox.c.subject_type == key[0], outbox.c.subject_id == key[1])
    return list(connection.execute(query.order_by(outbox.c.created_at)).all())


def message_counts(connection: sa.Connection, kinds: Sequence[str]) -> dict[str, int]:
    """How many messages about these kinds are pending, delivered, dead."""
    query = sa.select(outbox.c.status, sa.func.count().label("n")).group_by(outbox.c.status)
    return {row.status: row.n for row in connection.execute(query.where(outbox.c.subject_type.in_(tuple(kinds))))}


def attempts(connection: sa.Connection, outbox_id: str) -> list[Any]:
    """Every attempt at a message, in order."""
    query = sa.select(deliveries).where(deliveries.c.outbox_id == outbox_id).order_by(deliveries.c.attempt)
    return list(connection.execute(query).all())


def policy_versions(connection: sa.Connection, policy_id: str) -> list[Any]:
    """The versions of a policy that the store holds, newest first."""
    query = sa.select(policies).where(policies.c.policy_id == policy_id).order_by(policies.c.version.desc())
    return list(connection.execute(query).all())
