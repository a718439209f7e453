"""What the checks ask of the operational store: the live holds and pending decisions that no publish shows yet."""

from collections.abc import Iterable
from decimal import Decimal

import sqlalchemy as sa

from apps.approvals.tables import CLOSED_STATES, decisions, proposals, subjects


def dropped(connection: sa.Connection, subject_type: str) -> frozenset[str]:
    """The subjects of this type that were rejected or withdrawn here."""
    query = sa.select(subjects.c.subject_id).where(
        subjects.c.subject_type == subject_type, subjects.c.state.in_(("rejected", "withdrawn"))
    )
    return frozenset(connection.execute(query).scalars())


def decided_amounts(
    connection: sa.Connection, client_id: str, currency: str, subject_types: Iterable[str]
) -> dict[tuple[str, str], Decimal]:
    """What was approved here for the client in this currency, also where a further approver is awaited, by subject."""
    query = (
        sa.select(decisions.c.subject_type, decisions.c.subject_id, decisions.c.amount)
        .join(
            subjects,
            sa.and_(
                subjects.c.subject_type == decisions.c.subject_type,
                subjects.c.subject_id == decisions.c.subject_id,
                subjects.c.round == decisions.c.round,
            ),
        )
        .where(
            decisions.c.client_id == client_id,
            decisions.c.currency == currency,
            decisions.c.subject_type.in_(tuple(subject_types)),
            decisions.c.decision != "reject",
            subjects.c.state.not_in(("rejected", "withdrawn")),
        )
    )
    return {(row.subject_type, row.subject_id): row.amount for row in connection.execute(query) if row.amount}


def open_proposals(connection: sa.Connection, subject_type: str, client_id: str) -> list[str]:
    """The ids of the client's proposals of this type that are not closed."""
    query = (
        sa.select(proposals.c.subject_id)
        .distinct()
        .outerjoin(
            subjects,
            sa.and_(
                subjects.c.subject_type == proposals.c.subject_type, subjects.c.subject_id == proposals.c.subject_id
            ),
        )
        .where(
            proposals.c.subject_type == subject_type,
            proposals.c.client_id == client_id,
            sa.or_(subjects.c.state.is_(None), subjects.c.state.not_in(CLOSED_STATES)),
        )
    )
    return sorted(connection.execute(query).scalars())


def state_of(connection: sa.Connection, subject_type: str, subject_id: str) -> str | None:
    """The live state of a subject; None while nobody touched it."""
    query = sa.select(subjects.c.state).where(
        subjects.c.subject_type == subject_type, subjects.c.subject_id == subject_id
    )
    return connection.execute(query).scalar_one_or_none()
