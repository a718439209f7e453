"""Whether the record stands: a subject's live state, its decisions and the policies say what orders wrote, and a message what was decided.

Asked before each decision and each delivery, so that a row which somebody changed or added by hand moves no money; `daybook audit verify`
asks the same of the whole store.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from apps.approvals.attested import faults_of, policy_faults
from apps.approvals.canonical import canonical, plain
from apps.approvals.live import Live, load, undone
from apps.approvals.subject import subject_types
from apps.approvals.tables import decisions, events, outbox, subjects

SENT = {"approve": "approved", "reject": "rejected"}
"""The last word of a message's kind, by the decision it tells."""
SAID = (
    *("decision_id", "subject_type", "subject_id", "round", "decision", "reason_code", "entity", "client_id", "amount"),
    *("currency", "amount_eur", "decided_at"),
)
ORDERED = sa.and_(events.c.type.like("approval.%"), events.c.type != "approval.refused")
"""A condition on an event: an order changed the live state with it."""


def faults(connection: sa.Connection, live: Live, opened_at: datetime) -> list[str]:
    """What of a subject's record nobody ordered, in words; `live` is the state that the decision found, opened anew at `opened_at` or not."""
    key, table = (live.subject_type, live.subject_id), decisions.c
    wrong = faults_of(connection, *key) + policy_faults(connection)
    query = sa.select(events.c.body).where(events.c.subject_type == key[0], events.c.subject_id == key[1], ORDERED)
    newest = connection.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar()
    if (said := _live_fault(load(connection, *key), newest)) is not None:
        wrong.append(said)
    rows = connection.execute(
        sa.select(table.round, table.decision, table.final, table.decided_at, table.facts_hash).where(
            table.subject_type == key[0], table.subject_id == key[1], ~undone()
        )
    ).all()
    approved = [row for row in rows if row.round == live.round and row.decision == "approve"]
    if len(approved) != live.step:
        wrong.append(f"{live.step} steps are said to be taken, {len(approved)} are on record")
    if any(row.facts_hash != live.facts_hash for row in approved):
        wrong.append("its steps were taken on other facts than it says")
    if any(row.final and row.decided_at >= opened_at for row in rows):
        wrong.append("it is said to be open, and its final decision is on record")
    return wrong


def live_faults(connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
    """Kind and id of every subject whose live state is not what its last order left, or is gone though it was decided; and the words."""
    s, e = subjects.c, events.c
    same = sa.and_(e.subject_type == s.subject_type, e.subject_id == s.subject_id, ORDERED)
    newest = sa.select(e.body).where(same).order_by(e.seq.desc()).limit(1).correlate(subjects).scalar_subquery()
    columns = (s.subject_type, s.subject_id, s.state, s.version, s.round, s.step)
    for row in connection.execute(sa.select(*columns, newest.label("newest")).order_by(*columns[:2])):
        live = Live(row.subject_type, row.subject_id, row.state, row.version, row.round, row.step)
        if (said := _live_fault(live, row.newest)) is not None:
            yield row.subject_type, row.subject_id, said
    d = decisions.c
    here = sa.exists().where(s.subject_type == d.subject_type, s.subject_id == d.subject_id)
    lost = sa.select(d.subject_type, d.subject_id).distinct().where(~here)
    for subject_type, subject_id in connection.execute(lost):
        yield subject_type, subject_id, "it was decided, and its live state is gone"


def _live_fault(live: Live, newest: str | None) -> str | None:
    if newest is None:
        return f"no order left it {live.state}" if live.version else None
    told = _read(newest).get("after") or {}
    if live.version and all(told.get(name) == getattr(live, name) for name in ("state", "round", "step")):
        return None
    is_now = f"{live.state}, round {live.round}, step {live.step}" if live.version else "gone"
    return f"its last order left it {told.get('state')}, round {told.get('round')}, step {told.get('step')}; it is {is_now}"


def payload(decision: Mapping[str, Any], lines: Any) -> dict[str, Any]:
    """What is sent out of a final decision (a row of `decisions`); `lines` say who is paid what, or from which month it is taken back."""
    said = {name: decision[name] for name in SAID}
    said |= {"decided_by": decision["actor_id"], "role": decision["actor_role"]}
    return said | ({"lines": lines} if lines else {})


def message_fault(connection: sa.Connection, message: Any) -> str | None:
    """Why the message (a row of the outbox) must not go out: it is not what was decided; None where it is, or tells no decision."""
    if message.decision_id is None:
        return _unfounded(message)
    decision = connection.execute(sa.select(decisions).where(decisions.c.decision_id == message.decision_id))
    row = decision.mappings().one_or_none()
    if row is None:
        return f"nobody took the decision {message.decision_id}"
    found: dict[str, Any] = {**row}
    if wrong := faults_of(connection, found["subject_type"], found["subject_id"]):
        return "; ".join(wrong)
    if connection.execute(
        sa.select(decisions.c.step).where(decisions.c.decision_id == message.decision_id, undone())
    ).first():
        return f"the decision {message.decision_id} was undone"
    body = connection.execute(sa.select(events.c.body).where(events.c.event_id == message.decision_id)).scalar_one()
    return _difference(message, found, body)


def message_faults(connection: sa.Connection) -> Iterator[str]:
    """Every message of the outbox that tells another decision than was taken, and every one that a decision sent and that is gone."""
    for message in connection.execute(sa.select(outbox).where(outbox.c.decision_id.is_(None))):
        if (said := _unfounded(message)) is not None:
            yield f"message {message.outbox_id}: {said}"
    joined = outbox.join(decisions, outbox.c.decision_id == decisions.c.decision_id)
    told = sa.select(outbox, events.c.body.label("event")).select_from(
        joined.join(events, events.c.event_id == outbox.c.decision_id)
    )
    for message in connection.execute(told).all():
        query = sa.select(decisions).where(decisions.c.decision_id == message.decision_id)
        decision = connection.execute(query).mappings().one()
        if (said := _difference(message, {**decision}, message.event)) is not None:
            yield f"message {message.outbox_id}: {said}"
    yield from _unsent(connection)


def _unsent(connection: sa.Connection) -> Iterator[str]:
    """The messages that a decision says it sent, and that are not in the outbox."""
    there = set(connection.execute(sa.select(outbox.c.idempotency_key)).scalars())
    d = decisions.c
    query = sa.select(d.decision_id, d.subject_type, d.subject_id, events.c.body).join(
        events, events.c.event_id == d.decision_id
    )
    for row in connection.execute(query.where(d.final.is_(True), ~undone())):
        for name in (_read(row.body).get("after") or {}).get("sent_to", ()):
            if f"{row.decision_id}:{name}" not in there:
                yield f"the message of {row.subject_type} {row.subject_id} to {name} is gone from the outbox"


def _unfounded(message: Any) -> str | None:
    kind, _, word = message.kind.partition(".")
    if kind in subject_types() and word in SENT.values():
        return f"it says {message.kind} and names no decision"
    return None


def _difference(message: Any, decision: Mapping[str, Any], event: str) -> str | None:
    told = (_read(event).get("after") or {}).get("facts") or {}
    expected = payload(decision, told.get("facts.lines"))
    stated: Mapping[str, Any] = message.payload if isinstance(message.payload, Mapping) else {}
    wrong = [name for name in sorted({*expected, *stated}) if not _same(expected.get(name), stated.get(name))]
    envelope = {
        "kind": f"{decision['subject_type']}.{SENT.get(decision['decision'])}",
        "idempotency_key": f"{decision['decision_id']}:{message.destination}",
        "subject_type": decision["subject_type"],
        "subject_id": decision["subject_id"],
    }
    wrong += [name for name, value in envelope.items() if getattr(message, name) != value and name not in wrong]
    if not decision["final"]:
        wrong.append("final")
    return f"it does not say what was decided ({', '.join(wrong)})" if wrong else None


def _same(expected: Any, stated: Any) -> bool:
    """Amounts by value, since a message keeps the digits in which it was asked for; all else by its text."""
    if isinstance(expected, Decimal) and isinstance(stated, str):
        return plain(expected) == stated or _decimal(stated) == expected
    return canonical(expected) == canonical(stated)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def _read(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
