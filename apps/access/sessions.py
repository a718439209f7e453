"""Sign-in sessions in the operational store: how long they last, that signing out ends them everywhere, and how often one may try.

The identity cookie lives thirty days in the browser whatever the provider says, so the server keeps its own account of it: a digest
of the token, when it was last seen, and when it ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from apps.access.identity import Identity, NotAdmitted
from apps.approvals import chain
from apps.approvals.chain import Actor, Event
from apps.approvals.store import reading, writing
from apps.approvals.tables import sessions, sign_in_attempts
from warehouse.settings import Settings

STREAM = "access"
SEEN_EVERY = timedelta(seconds=30)
"""How exact the last sight of a session is; writing it on each run would cost each run a commit."""


@dataclass(frozen=True)
class Admission:
    """A session that may go on. `stale` asks that its last sight be written down."""

    session_id: str
    new: bool
    stale: bool


def admit(engine: sa.Engine, who: Identity, actor: Actor, origin: str, settings: Settings, at: datetime) -> Admission:
    """Lets an identity in, or on; the first sight of a token is the sign-in. Raises NotAdmitted when the session has ended or must end."""
    _within(who.authenticated_at or who.issued_at, settings, at)
    with reading(engine) as connection:
        row = connection.execute(sa.select(sessions).where(sessions.c.session_id == who.session_id)).one_or_none()
    if row is None:
        return _begin(engine, who, actor, origin, settings, at)
    if row.ended_at is not None:
        raise NotAdmitted("signed_out", "You have signed out of this session. Sign in again.")
    if row.user_id != actor.id:
        end(engine, who.session_id, actor, "another_person", at)
        raise NotAdmitted("another_person", "Your address belongs to another staff record now. Sign in again.")
    if at - row.last_seen_at > timedelta(minutes=settings.session_idle_minutes):
        end(engine, who.session_id, actor, "idle", at)
        words = f"You were away for more than {settings.session_idle_minutes} minutes. Sign in again."
        raise NotAdmitted("idle", words)
    return Admission(who.session_id, new=False, stale=at - row.last_seen_at > SEEN_EVERY)


def _within(since: datetime, settings: Settings, at: datetime) -> None:
    if at - since > timedelta(hours=settings.session_hours):
        raise NotAdmitted(
            "too_long", f"You proved who you are more than {settings.session_hours} hours ago. Sign in again."
        )


def _begin(engine: sa.Engine, who: Identity, actor: Actor, origin: str, settings: Settings, at: datetime) -> Admission:
    with writing(engine) as connection:
        known = connection.execute(
            sa.select(sessions.c.session_id).where(sessions.c.session_id == who.session_id)
        ).one_or_none()
        if known is None:
            connection.execute(
                sa.insert(sessions).values(
                    session_id=who.session_id, user_id=actor.id, started_at=at, last_seen_at=at,
                    reauthenticated_at=who.authenticated_at,
                )
            )  # fmt: skip
            for counted in (origin, f"again:{actor.id}"):
                note_attempt(connection, counted, succeeded=True, at=at)
            detail = {"issuer": who.issuer, "subject": who.subject, "authenticated_at": who.authenticated_at}
            _append(connection, "access.signed_in", actor, who.session_id, after=detail, at=at)
    return Admission(who.session_id, new=known is None, stale=False)


def end(engine: sa.Engine, session_id: str, actor: Actor, reason: str, at: datetime) -> None:
    """Ends the session for every browser that holds its cookie, and says so in the chain; once."""
    with writing(engine) as connection:
        ended = connection.execute(
            sa.update(sessions)
            .where(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None))
            .values(ended_at=at)
        )
        if ended.rowcount:
            kind = "access.signed_out" if reason == "signed_out" else "access.session_ended"
            _append(connection, kind, actor, session_id, reason=reason, at=at)


def is_open(engine: sa.Engine, session_id: str, settings: Settings, at: datetime) -> bool:
    """Whether the session is neither ended nor idle for too long. Changes nothing."""
    with reading(engine) as connection:
        row = connection.execute(sa.select(sessions).where(sessions.c.session_id == session_id)).one_or_none()
    idle = timedelta(minutes=settings.session_idle_minutes)
    return row is not None and row.ended_at is None and at - row.last_seen_at <= idle


def going_on(engine: sa.Engine, who: Identity, settings: Settings, at: datetime) -> bool:
    """Whether the identity would be let on now, without counting as being there."""
    since = who.authenticated_at or who.issued_at
    within = at - since <= timedelta(hours=settings.session_hours) and at < who.expires_at
    return within and is_open(engine, who.session_id, settings, at)


def refuse(
    engine: sa.Engine, email: str, reason: str, origin: str, settings: Settings, at: datetime, ip: str | None = None
) -> None:
    """Records a refused sign-in; beyond the limit of attempts nothing more is written, so that nobody can flood the chain."""
    with writing(engine) as connection:
        if locked_until(connection, email, settings, at) or locked_until(connection, origin, settings, at):
            return
        actor = Actor(email, ip=ip)
        _append(connection, "access.refused", actor, email, reason=reason, at=at)
        _fail(connection, email, actor, settings, at)


def try_sign_in(engine: sa.Engine, counted: str, actor: Actor, settings: Settings, at: datetime) -> None:
    """Counts a start at the identity provider; it fails until a sign-in follows it. Raises NotAdmitted beyond the limit.

    `counted` is whom the limit holds for: an address for a stranger, `again:<user>` for one who proves himself again.
    """
    with writing(engine) as connection:
        until = locked_until(connection, counted, settings, at)
        if until is None:
            _fail(connection, counted, actor, settings, at)
    if until is not None:
        raise NotAdmitted("locked", f"Too many attempts to sign in. Try again after {until:%H:%M} UTC.")


def locked_until(connection: sa.Connection, counted: str, settings: Settings, at: datetime) -> datetime | None:
    """Until when this account or address may not try: the limit of failures since its last success, within the window."""
    window = timedelta(minutes=settings.sign_in_window_minutes)
    query = (
        sa.select(sign_in_attempts.c.succeeded, sign_in_attempts.c.attempted_at)
        .where(sign_in_attempts.c.who == counted, sign_in_attempts.c.attempted_at > at - window)
        .order_by(sign_in_attempts.c.attempted_at.desc())
        .limit(settings.sign_in_attempts)
    )
    latest = connection.execute(query).all()
    if len(latest) < settings.sign_in_attempts or any(row.succeeded for row in latest):
        return None
    return latest[-1].attempted_at + window


def _fail(connection: sa.Connection, counted: str, actor: Actor, settings: Settings, at: datetime) -> None:
    note_attempt(connection, counted, succeeded=False, at=at)
    if locked_until(connection, counted, settings, at):
        _append(connection, "access.locked", actor, counted, reason="too_many_attempts", at=at)


def note_attempt(connection: sa.Connection, counted: str, *, succeeded: bool, at: datetime) -> None:
    """One attempt, for the limit; forgets those that no window can reach any more."""
    connection.execute(
        sa.delete(sign_in_attempts).where(
            sign_in_attempts.c.who == counted, sign_in_attempts.c.attempted_at < at - timedelta(days=1)
        )
    )
    connection.execute(
        sa.insert(sign_in_attempts).values(attempt_id=chain.new_id(), who=counted, succeeded=succeeded, attempted_at=at)
    )


def _append(
    connection: sa.Connection,
    kind: str,
    actor: Actor,
    subject: str,
    *,
    at: datetime,
    reason: str | None = None,
    after: dict | None = None,
) -> None:
    event = Event(kind, actor, "session", subject, stream=STREAM, occurred_at=at, reason=reason, after=after)
    chain.append(connection, [event])
