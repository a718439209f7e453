"""Verification of the chain over its stored bytes: what was edited, removed, inserted, reordered, cut off or written anew, and where."""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from apps.approvals.anchors import Anchor, Trail
from apps.approvals.attested import attested_by, differences
from apps.approvals.chain import GENESIS
from apps.approvals.soundness import live_faults, message_faults
from apps.approvals.store import HEAD, MIGRATIONS, reading
from apps.approvals.tables import chain_head, decisions, events, outbox, subjects

SHOWN = 50
BATCH = 200
# the hashed bytes as one value: the driver neither decodes nor joins a million texts
ROWS = {
    "sqlite": "select seq, prev_hash, hash, cast(prev_hash || body as blob) from events order by seq",
    "postgresql": "select seq, prev_hash, hash, convert_to(prev_hash || body, 'UTF8') from events order by seq",
}
MARK = b'"attests":['


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was written. `seq` is the event it concerns; None where it concerns the store or the anchors."""

    kind: str
    seq: int | None
    said: str


@dataclass(frozen=True)
class Verdict:
    """Whether the chain is whole. At most SHOWN faults are listed of all `fault_count`."""

    events: int
    head: str
    anchors: int
    fingerprints: tuple[str, ...]
    faults: tuple[Fault, ...]
    fault_count: int
    seconds: float

    @property
    def whole(self) -> bool:
        return self.fault_count == 0


@dataclass
class _Walk:
    """Where the walk along the chain stands. `instead` is the hash an edited event had before, which the next may follow too."""

    seq: int = 0
    hash: str = GENESIS
    before: str = ""
    instead: str = ""
    faults: list[Fault] = field(default_factory=list)
    at_anchor: dict[int, str] = field(default_factory=dict)
    attested: dict[tuple[str, int], list[str]] = field(default_factory=dict)


def verify(engine: sa.Engine, anchored: Trail | None = None) -> Verdict:
    """Walks the whole chain, compares it with its head, with the anchors and with the rows it attests. Changes nothing."""
    started = time.monotonic()
    walk = _Walk()
    trail = anchored or Trail((), (), ())
    with reading(engine) as connection:
        walked = _follow(connection, walk, {one.seq for one in trail.anchors})
        head = connection.execute(sa.select(chain_head.c.seq, chain_head.c.hash)).one_or_none()
        walk.faults += _against_head(walk, head)
        if not walk.faults:
            walk.faults += _out_of_place(connection, walk.seq)
        walk.faults += [Fault("anchor", None, said) for said in trail.faults]
        walk.faults += _against_anchors(walk, trail.anchors)
        walk.faults += [Fault("attested", seq, said) for seq, said in differences(connection, walk.attested)]
        walk.faults += _unfounded(connection)
        walk.faults += _guards(connection)
    return Verdict(
        events=walked,
        head=walk.hash,
        anchors=len(trail.anchors),
        fingerprints=trail.fingerprints,
        faults=tuple(walk.faults[:SHOWN]),
        fault_count=len(walk.faults),
        seconds=time.monotonic() - started,
    )


def _follow(connection: sa.Connection, walk: _Walk, wanted: set[int]) -> int:
    """The walk itself. A batch is compared as columns, which is all that a whole chain needs; only in a broken one row by row.

    Gives the number of events walked.
    """
    walked = 0
    for batch in _batches(connection):
        walked += len(batch)
        seqs, prevs, seals, texts = zip(*batch, strict=True)
        whole = (
            seqs == tuple(range(walk.seq + 1, walk.seq + 1 + len(batch)))
            and prevs == (walk.hash, *seals[:-1])
            and seals == tuple([hashlib.sha256(text).hexdigest() for text in texts])
        )
        if whole:
            walk.before = seals[-2] if len(batch) > 1 else walk.hash
            walk.seq, walk.hash = seqs[-1], seals[-1]
        else:
            _row_by_row(walk, batch)
        for seq, prev, sealed, text in batch:
            if seq in wanted:
                walk.at_anchor[seq] = sealed
            if MARK in text:
                walk.attested.update(attested_by(seq, _body(prev, text)))
    return walked


def _row_by_row(walk: _Walk, batch: Sequence[Any]) -> None:
    """Finds what is wrong in a batch, and where."""
    for seq, prev, sealed, hashed in batch:
        if seq != walk.seq + 1 or prev != walk.hash or hashlib.sha256(hashed).hexdigest() != sealed:
            _diagnose(walk, seq, prev, sealed, hashed)
        walk.before = walk.hash
        walk.seq, walk.hash = seq, sealed


def _batches(connection: sa.Connection) -> Iterator[list[Any]]:
    """Rows straight from the driver, in bounded memory: SQLAlchemy's rows would cost more than the hashing."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    name = connection.dialect.name
    cursor: Any = driver.cursor("verify", binary=True) if name == "postgresql" else driver.cursor()  # type: ignore[call-arg]
    try:
        cursor.execute(ROWS[name])
        while batch := cursor.fetchmany(BATCH):
            yield batch
    finally:
        cursor.close()


def _diagnose(walk: _Walk, seq: int, prev: str, sealed: str, hashed: bytes) -> None:
    """Says what is wrong with this event or with the place before it, and lets the walk go on behind it."""
    actual = hashlib.sha256(hashed).hexdigest()
    follows = prev in (walk.hash, walk.instead)
    said: list[Fault] = []
    if seq > walk.seq + 1:
        said.append(Fault("missing", walk.seq + 1, f"{_range(walk.seq + 1, seq - 1)} gone from before event {seq}"))
    elif seq <= walk.seq:
        said.append(Fault("inserted", seq, f"event {seq} stands there twice"))
    written = _body(prev, hashed).get("seq")
    if actual != sealed:
        said.append(Fault("edited", seq, f"event {seq} was edited: what it says is not what was sealed"))
    elif written != seq:
        said.append(
            Fault(
                "moved",
                seq,
                f"at place {seq} stands what was written as event {written}: moved, or others were removed",
            )
        )
    elif not follows and seq == walk.seq + 1:
        if prev == walk.before:
            said.append(
                Fault("inserted", walk.seq, f"event {walk.seq} was inserted: event {seq} follows the one before it")
            )
        else:
            said.append(
                Fault("rewritten", walk.seq, f"event {walk.seq} was written anew: event {seq} follows another one")
            )
    walk.instead = actual if actual != sealed else ""
    walk.faults += said


def _body(prev: str, hashed: bytes) -> dict[str, Any]:
    """The event's body as written; empty where somebody made it no JSON at all."""
    try:
        body = json.loads(hashed[len(prev.encode()) :])
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _against_head(walk: _Walk, head: Any) -> list[Fault]:
    if head is None:
        return [Fault("head", None, "the chain has lost its head (table chain_head is empty)")]
    if head.seq > walk.seq:
        return [
            Fault(
                "cut",
                walk.seq + 1,
                f"{_range(walk.seq + 1, head.seq)} cut off: the head says the chain ends at {head.seq}",
            )
        ]
    if (head.seq, head.hash) != (walk.seq, walk.hash):
        return [
            Fault("head", walk.seq, f"the head names event {head.seq}, the chain ends otherwise, at event {walk.seq}")
        ]
    return []


def _out_of_place(connection: sa.Connection, last: int) -> list[Fault]:
    """The first event of a whole chain that says it was written as another: something before it was removed and all sealed again."""

    def written_as(seq: int) -> int | None:
        body = connection.execute(sa.select(events.c.body).where(events.c.seq == seq)).scalar_one()
        return _body("", body.encode()).get("seq")

    if last == 0 or written_as(last) == last:
        return []
    place, found = 1, last
    while place < found:
        middle = (place + found) // 2
        if written_as(middle) == middle:
            place = middle + 1
        else:
            found = middle
    said = f"at place {found} stands what was written as event {written_as(found)}, and the chain was sealed anew"
    return [Fault("moved", found, said)]


def _against_anchors(walk: _Walk, anchors: tuple[Anchor, ...]) -> list[Fault]:
    """The first anchor the chain contradicts, with the last one it agrees with: what lies between was cut or written anew."""
    agreed = 0
    for one in anchors:
        here = GENESIS if one.seq == 0 else walk.at_anchor.get(one.seq)
        if here == one.hash:
            agreed = one.seq
        elif one.seq > walk.seq:
            gone = _range(walk.seq + 1, one.seq)
            return [
                Fault(
                    "cut",
                    walk.seq + 1,
                    f"{gone} cut off: anchor {one.number} of {one.at} saw the chain up to {one.seq}",
                )
            ]
        else:
            between = f"between event {agreed + 1} and event {one.seq}"
            return [
                Fault(
                    "rewritten",
                    agreed + 1,
                    f"the chain was written anew {between}: anchor {one.number} of {one.at} saw another",
                )
            ]
    return []


def _unfounded(connection: sa.Connection) -> list[Fault]:
    """Closed subjects without the decision that closed them, live states that nobody ordered, and messages that tell what nobody decided."""
    s, d, o = subjects.c, decisions.c, outbox.c
    same = sa.and_(
        *(s[name] == d[name] for name in ("subject_type", "subject_id", "round")),
        d.final.is_(True),
        sa.case((d.decision == "approve", "approved"), else_="rejected") == s.state,
    )
    closed = (
        sa.select(s.subject_type, s.subject_id, s.state)
        .select_from(subjects.outerjoin(decisions, same))
        .where(s.state.in_(("approved", "rejected")), d.decision_id.is_(None))
    )
    sent = (
        sa.select(o.outbox_id, o.decision_id)
        .select_from(outbox.outerjoin(decisions, o.decision_id == d.decision_id))
        .where(o.decision_id.is_not(None), d.decision_id.is_(None))
    )
    undecided = connection.execute(closed).all()
    known = {(row.subject_type, row.subject_id) for row in undecided}
    return [
        *(
            Fault("unfounded", None, f"{kind} {subject_id} is said to be {state}, and no decision says so")
            for kind, subject_id, state in undecided
        ),
        *(
            Fault("unfounded", None, f"{kind} {subject_id}: {said}")
            for kind, subject_id, said in live_faults(connection)
            if (kind, subject_id) not in known
        ),
        *(Fault("unfounded", None, said) for said in message_faults(connection)),
    ] + [
        Fault("unfounded", None, f"delivery {outbox_id} names decision {decision_id}, which nobody took")
        for outbox_id, decision_id in connection.execute(sent)
    ]


def _guards(connection: sa.Connection) -> list[Fault]:
    """The database's own guards: a trigger that is gone or switched off is how an edit begins."""
    wanted: set[str] = set()
    for script in (MIGRATIONS / "versions").glob(f"*_{connection.dialect.name}.sql"):
        if script.name[:4] <= HEAD:
            wanted |= set(re.findall(r"CREATE TRIGGER (\w+)", script.read_text(encoding="utf-8")))
    enabled = (
        "select tgname from pg_trigger where not tgisinternal and tgenabled in ('O', 'A')"
        if connection.dialect.name == "postgresql"
        else "select name from sqlite_master where type = 'trigger'"
    )
    found = set(connection.execute(sa.text(enabled)).scalars())
    return [Fault("guard", None, f"the guard {name} is gone or switched off") for name in sorted(wanted - found)]


def _range(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"
