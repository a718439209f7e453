"""The outbox: what a final decision sends to the outside, written in the decision's own transaction, delivered at least once.

A worker leases a message, sends it and marks it. Killed between sending and marking, the lease runs out and the message is sent
again with the same key. What fails waits longer each time, and in the end lies among the dead letters until a person retries it.
"""

import hashlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from apps.approvals import chain, soundness
from apps.approvals.chain import SYSTEM, Actor, Event
from apps.approvals.deliveries import Message, NotDelivered, send
from apps.approvals.destinations import DestinationError, Email, File, Webhook, destinations
from apps.approvals.store import open_store, writing
from apps.approvals.subject import Subject, subject_types
from apps.approvals.tables import deliveries, outbox
from warehouse.settings import Settings

logger = logging.getLogger("daybook.outbox")
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=6)
LEASE = timedelta(seconds=60)
"""Beyond the destination's own time-out: how long a message waits for a worker that has died."""
WORKERS = 8


@dataclass(frozen=True)
class Outcome:
    """One attempt: `delivered`, `failed` (will be tried again at `next_attempt_at`) or `dead`."""

    outbox_id: str
    destination: str
    outcome: str
    said: str | None
    next_attempt_at: datetime | None


def deliverer(settings: Settings) -> Callable[[sa.Connection, Subject, Mapping[str, Any]], list[str]]:
    """What `Desk.deliver` asks for: puts a final decision into the outbox for every destination that wants it, and names them.

    It is due when the decision can no longer be undone.
    """

    def deliver(connection: sa.Connection, subject: Subject, decision: Mapping[str, Any]) -> list[str]:
        payload = soundness.payload(decision, subject.facts.get("lines"))
        at_once = subject_types()[subject.subject_type].at_once
        due = decision["decided_at"] + timedelta(seconds=0 if at_once else settings.undo_seconds)
        kind = f"{subject.subject_type}.{soundness.SENT[decision['decision']]}"
        wanted = [
            name
            for name, one in destinations(settings).items()
            if one.wants(subject.subject_type, decision["decision"])
        ]
        for name in wanted:
            put(connection, name, kind, payload, due)
        return wanted

    return deliver


def put(
    connection: sa.Connection, destination: str, kind: str, payload: Mapping[str, Any], due: datetime | None = None
) -> str:
    """Adds a message inside the caller's transaction, due at once unless said; gives its id.

    `payload` names subject_type and subject_id, and of a decision decision_id and decided_at; without a decision `due` must be said.

    Its key is the decision's id (else the subject's type and id) and the destination: the same cannot be put twice for one
    destination (IntegrityError).
    """
    outbox_id, decision_id, at = chain.new_id(), payload.get("decision_id"), payload.get("decided_at", due)
    what = decision_id or f"{payload['subject_type']}:{payload['subject_id']}"
    connection.execute(
        sa.insert(outbox).values(
            outbox_id=outbox_id, idempotency_key=f"{what}:{destination}", subject_type=payload["subject_type"],
            subject_id=payload["subject_id"], decision_id=decision_id, kind=kind, destination=destination,
            payload=dict(payload), status="pending", attempts=0, next_attempt_at=due or at, created_at=at,
        )
    )  # fmt: skip
    return outbox_id


def deliver_due(engine: sa.Engine, settings: Settings, at: datetime | None = None) -> list[Outcome]:
    """Delivers everything that is due at this moment (now), several at a time; gives what came of each. Safe beside other workers."""
    due = pending(engine, at or chain.now())
    if due == 0:
        return []
    known = destinations(settings)

    def drain() -> list[Outcome]:
        outcomes: list[Outcome] = []
        while (leased := _lease(engine, settings, known, at or chain.now())) is not None:
            if isinstance(leased, _Leased):
                leased = _attempt(engine, settings, known, leased, at or chain.now())
            outcomes.append(leased)
        return outcomes

    with ThreadPoolExecutor(max_workers=min(WORKERS, due)) as pool:
        futures = [pool.submit(drain) for _ in range(min(WORKERS, due))]
        return [outcome for future in futures for outcome in future.result()]


def work(settings: Settings, stop: threading.Event, seconds: float = 1) -> None:
    """Delivers as messages come, until told to stop; an error is logged and the next turn tries again."""
    while not stop.wait(seconds):
        try:
            for outcome in deliver_due(open_store(settings), settings):
                if outcome.outcome != "delivered":
                    words = (outcome.outbox_id, outcome.destination, outcome.outcome, outcome.said)
                    logger.warning("message %s to %s: %s: %s", *words)
        except Exception:
            logger.exception("the outbox could not be worked through; trying again")


def pending(engine: sa.Engine, at: datetime) -> int:
    """How many messages are due and in nobody's hands."""
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(outbox).where(_due(at))).scalar_one()


def _due(at: datetime) -> sa.ColumnElement[bool]:
    free = sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= at)
    return sa.and_(outbox.c.status == "pending", outbox.c.next_attempt_at <= at, free)


@dataclass(frozen=True)
class _Leased:
    message: Message
    destination: str
    attempt: int
    worker: str


Known = Mapping[str, File | Webhook | Email]


def _lease(engine: sa.Engine, settings: Settings, known: Known, at: datetime) -> _Leased | Outcome | None:
    """The next due message, taken; an Outcome for one that killed its worker too often or tells what nobody decided; None when nothing is due.

    The attempt is counted before it is made, so that a message that kills every worker ends among the dead letters too.
    """
    worker = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
    with writing(engine) as connection:
        query = sa.select(outbox).where(_due(at)).order_by(outbox.c.next_attempt_at, outbox.c.outbox_id).limit(1)
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if row.leased_by is not None and _spent(row.attempts, settings):
            return _bury(connection, row, "The worker died during the last attempt.", at)
        if (wrong := soundness.message_fault(connection, row)) is not None:
            return _bury(connection, row, f"Not sent: {wrong}. It was changed by hand; run `daybook audit verify`.", at)
        destination = known.get(row.destination)
        patience = timedelta(seconds=destination.timeout_seconds if destination else 0) + LEASE
        connection.execute(
            sa.update(outbox)
            .where(outbox.c.outbox_id == row.outbox_id)
            .values(attempts=row.attempts + 1, leased_by=worker, leased_until=at + patience)
        )
    message = Message(row.outbox_id, row.idempotency_key, row.subject_type, row.subject_id, row.kind, row.payload)
    return _Leased(message, row.destination, row.attempts + 1, worker)


def _attempt(engine: sa.Engine, settings: Settings, known: Known, leased: _Leased, at: datetime) -> Outcome:
    started, status_code, said, wait = chain.now(), None, None, 0.0
    try:
        if leased.destination not in known:
            raise DestinationError(
                f"There is no destination {leased.destination} any more; destinations.yml names them."
            )
        status_code = send(known[leased.destination], leased.message, settings, at)
    except NotDelivered as error:
        status_code, said, wait = error.status_code, str(error), error.wait_seconds
    except (OSError, DestinationError) as error:
        said = f"{type(error).__name__}: {error}"
    log = {
        "outbox_id": leased.message.outbox_id, "attempt": leased.attempt, "destination": leased.destination, "started_at": started,
        "finished_at": chain.now(), "outcome": "failed" if said else "delivered", "status_code": status_code, "error": said,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(sa.insert(deliveries).values(log))
        row = connection.execute(sa.select(outbox).where(outbox.c.outbox_id == leased.message.outbox_id)).one()
        if said is None:
            return _delivered(connection, row, at)
        if row.leased_by != leased.worker or row.status != "pending":
            return Outcome(row.outbox_id, row.destination, "failed", said, row.next_attempt_at)
        if _spent(row.attempts, settings):
            return _bury(connection, row, said, at)
        again = at + max(backoff(row.idempotency_key, _failures(row.attempts, settings)), timedelta(seconds=wait))
        _set(connection, row, next_attempt_at=again, last_error=said)
        return Outcome(row.outbox_id, row.destination, "failed", said, again)


def backoff(key: str, failures: int) -> timedelta:
    """How long to wait after so many failures: doubling, capped, and spread by the key so that not all come back at once.

    >>> backoff("a", 3) == backoff("a", 3), timedelta(seconds=20) <= backoff("a", 3) <= timedelta(seconds=40)
    (True, True)
    """
    whole = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
    spread = int.from_bytes(hashlib.sha256(f"{key}:{failures}".encode()).digest()[:8]) / 2**64
    return whole * (0.5 + spread / 2)


def _failures(attempts: int, settings: Settings) -> int:
    """Failures since the message was put or last retried by a person: a retry gives it as many attempts again."""
    return (attempts - 1) % settings.outbox_attempts + 1


def _spent(attempts: int, settings: Settings) -> bool:
    return attempts > 0 and _failures(attempts, settings) == settings.outbox_attempts


def _delivered(connection: sa.Connection, row: Any, at: datetime) -> Outcome:
    """Marks it, once: a second worker that also sent it adds its line to the log and nothing else."""
    if row.status != "delivered":
        _set(connection, row, status="delivered", delivered_at=at, next_attempt_at=None)
        chain.append(connection, [_event("outbox.delivered", row, SYSTEM)])
    return Outcome(row.outbox_id, row.destination, "delivered", None, None)


def _bury(connection: sa.Connection, row: Any, said: str, at: datetime) -> Outcome:
    _set(connection, row, status="dead", last_error=said, next_attempt_at=None)
    chain.append(connection, [_event("outbox.dead_lettered", row, SYSTEM, reason=said)])
    return Outcome(row.outbox_id, row.destination, "dead", said, None)


def _set(connection: sa.Connection, row: Any, **values: Any) -> None:
    connection.execute(
        sa.update(outbox).where(outbox.c.outbox_id == row.outbox_id).values(leased_by=None, leased_until=None, **values)
    )


def _event(kind: str, row: Any, actor: Actor, reason: str | None = None) -> Event:
    return Event(
        kind, actor, row.subject_type, row.subject_id, stream="outbox", reason=reason, approval_id=row.decision_id,
        source_id=row.outbox_id, after={"destination": row.destination, "attempts": row.attempts, "idempotency_key": row.idempotency_key},
    )  # fmt: skip


def dead_letters(connection: sa.Connection) -> Sequence[sa.Row[Any]]:
    """What could not be delivered and waits for a person, oldest first."""
    return connection.execute(sa.select(outbox).where(outbox.c.status == "dead").order_by(outbox.c.created_at)).all()


def log(connection: sa.Connection, outbox_id: str) -> Sequence[sa.Row[Any]]:
    """Every attempt at a message, in order; a number missing is an attempt whose worker died."""
    query = sa.select(deliveries).where(deliveries.c.outbox_id == outbox_id).order_by(deliveries.c.attempt)
    return connection.execute(query).all()


def retry(connection: sa.Connection, outbox_id: str, actor: Actor, at: datetime) -> bool:
    """Puts a dead letter back for as many attempts again, inside the caller's `writing`; False when it is not dead (any more)."""
    row = connection.execute(sa.select(outbox).where(outbox.c.outbox_id == outbox_id)).one_or_none()
    if row is None or row.status != "dead":
        return False
    _set(connection, row, status="pending", next_attempt_at=at, retried_by=actor.id)
    chain.append(connection, [_event("outbox.retried", row, actor)])
    return True
