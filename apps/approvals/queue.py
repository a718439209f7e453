"""The inbox as a read model: what awaits a decision at the newest publish, joined with the store's live state.

The marts' part is asked once per publish, the store's on every call and in a fixed number of queries, so a subject that was decided
anywhere a moment ago is gone from the next list.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from apps.approvals import policies
from apps.approvals.calendars import add_business_hours
from apps.approvals.entitlement import Ties, refusals
from apps.approvals.live import opens_again
from apps.approvals.marts import MartReader
from apps.approvals.people import Person
from apps.approvals.policies import NoPolicy, Policy, Step
from apps.approvals.subject import Subject, open_subjects, proposed, subject_types, to_subject
from apps.approvals.tables import CLOSED_STATES, OPEN_STATES, decisions, subjects

READS_ALL = frozenset({"auditor"})
FAR = datetime(9999, 12, 31)


@dataclass(frozen=True)
class Filters:
    """What of the queue is wanted; an empty set is no condition."""

    types: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    client_id: str | None = None
    mine_to_decide: bool = False
    claimed_by_me: bool = False
    breached: bool = False
    unusual: bool = False
    with_snoozed: bool = False


class QueueRow(NamedTuple):
    """One open subject as a viewer sees it; a tuple, since a list holds thousands. Times are naive UTC; `step` of `steps` is the next one.

    `next` says in words who must act and by when, `why_not` every reason why this viewer may not take the step.
    """

    subject: Subject
    policy: Policy | None
    state: str
    version: int
    step: int
    steps: int
    claimed_by: str | None
    claimed_until: datetime | None
    snoozed_until: datetime | None
    due_at: datetime | None
    expires_at: datetime | None
    breached: bool
    waiting_for: tuple[str, ...]
    why_not: tuple[str, ...]

    @property
    def next(self) -> str:
        due = f", due {self.due_at:%Y-%m-%d %H:%M} UTC" if self.due_at is not None else ""
        of = f" (step {self.step} of {self.steps})" if self.steps > 1 else ""
        return f"Waiting for {' or '.join(self.waiting_for) or 'nobody'}{of}{due}"

    @property
    def key(self) -> tuple[str, str]:
        return self.subject.subject_type, self.subject.subject_id

    @property
    def may_decide(self) -> bool:
        return not self.why_not


@dataclass(frozen=True)
class Handover:
    """What the next shift must know. A row may stand in more than one list."""

    open: tuple[QueueRow, ...]
    claimed: tuple[QueueRow, ...]
    breached: tuple[QueueRow, ...]
    snoozed: tuple[QueueRow, ...]


@dataclass(frozen=True)
class Request:
    """Something the viewer asked for: where it stands, who must act next or how it ended."""

    subject_type: str
    subject_id: str
    title: str
    asked_at: datetime
    state: str
    says: str


def inbox(
    reader: MartReader, connection: sa.Connection, viewer: Person, now: datetime, filters: Filters | None = None
) -> list[QueueRow]:
    """The open subjects this viewer may see, most urgent first: those in breach, then by when they are due."""
    wanted = filters or Filters()
    seen = (row for row in _rows(reader, connection, viewer, now, wanted.types) if may_see(viewer, row))
    return sorted((row for row in seen if _matches(row, wanted, viewer, now)), key=_urgency)


def candidates(
    reader: MartReader, connection: sa.Connection, viewer: Person, now: datetime, filters: Filters | None = None
) -> list[QueueRow]:
    """What `take next` may hand this viewer, in that order: theirs to decide, held by nobody else, neither snoozed nor waiting for a client."""
    return [
        row
        for row in inbox(reader, connection, viewer, now, filters)
        if row.may_decide and row.claimed_by in (None, viewer.staff_id) and row.state != "info_requested"
        and (row.snoozed_until is None)
    ]  # fmt: skip


def handover(reader: MartReader, connection: sa.Connection, viewer: Person, now: datetime) -> Handover:
    """What is open, claimed, in breach and snoozed, for the shift that takes over."""
    rows = inbox(reader, connection, viewer, now, Filters(with_snoozed=True))
    return Handover(
        open=tuple(row for row in rows if row.snoozed_until is None and row.claimed_by is None),
        claimed=tuple(row for row in rows if row.claimed_by is not None),
        breached=tuple(row for row in rows if row.breached),
        snoozed=tuple(row for row in rows if row.snoozed_until is not None),
    )


def my_requests(reader: MartReader, connection: sa.Connection, viewer: Person, now: datetime) -> list[Request]:
    """What this person asked for, under any of their accounts, newest first: open ones with who acts next, proposals also with their end."""
    ended_too = proposed(connection, subject_types(), makers=viewer.accounts, closed_too=True)
    asked = set(subject_types()) - _nobodys()
    mine = {
        (one.subject_type, one.subject_id): one
        for one in (*open_subjects(reader, connection, asked), *(to_subject(reader, row) for row in ended_too))
        if one.maker_person == viewer.person_key or one.maker in viewer.accounts
    }
    waiting = {row.key: row for row in _rows(reader, connection, viewer, now, ()) if row.key in mine}
    ended = _endings(connection, viewer)
    found = []
    for key, one in mine.items():
        row = waiting.get(key)
        state, says = (row.state, row.next) if row else ended.get(key, ("open", "It needs nobody's approval."))
        found.append(Request(*key, one.title, one.opened_at, state, says))
    return sorted(found, key=lambda one: one.asked_at, reverse=True)


def row_of(reader: MartReader, connection: sa.Connection, subject: Subject, viewer: Person, now: datetime) -> QueueRow:
    """One subject as this viewer sees it, for its own page."""
    key = (subject.subject_type, subject.subject_id)
    live = _live(connection, None, key).get(key)
    book = policies.book(connection, now)
    return _row(subject, live, book, _deciders(connection), viewer, Ties(reader, viewer), now)


def _rows(
    reader: MartReader, connection: sa.Connection, viewer: Person, now: datetime, types: Iterable[str]
) -> list[QueueRow]:
    """Every subject that nobody closed, with its live state; of the kinds that are nobody's, those that concern the viewer."""
    book = policies.book(connection, now)
    concerned = {one.subject_type for one in book.policies if viewer.role in READS_ALL or viewer.role in one.concerned}
    hidden = set() if types else _nobodys() - concerned
    found = open_subjects(reader, connection, types or set(subject_types()) - hidden)
    # what this person proposed of such a kind is their own all the same
    found += [to_subject(reader, row) for row in proposed(connection, hidden, makers=viewer.accounts)]
    live = _live(connection, min((one.opened_at for one in found), default=now))
    deciders, ties = _deciders(connection), Ties(reader, viewer)
    rows = []
    for one in found:
        state = live.get((one.subject_type, one.subject_id))
        if _is_closed(one, state):
            continue
        row = _row(one, state, book, deciders, viewer, ties, now)
        if row.policy is None or row.steps:
            rows.append(row)
    return rows


def _nobodys() -> set[str]:
    return {kind.name for kind in subject_types().values() if kind.nobodys}


def _is_closed(subject: Subject, live: Any) -> bool:
    """Decided here, and not opened anew since (an identification case comes back under the same id)."""
    if live is None or live.state not in CLOSED_STATES:
        return False
    return not opens_again(subject, live.state, live.updated_at)


@dataclass(frozen=True)
class _Live:
    """The store's part of a row, with claims and snoozes that ran out left out."""

    state: str = "open"
    version: int = 0
    step: int = 0
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    snoozed_until: datetime | None = None
    due_at: datetime | None = None
    waiting_for: tuple[str, ...] = ()


_UNTOUCHED = _Live()


def _now_live(stored: Any, now: datetime) -> _Live:
    if stored is None:
        return _UNTOUCHED
    if stored.state in CLOSED_STATES:  # it opened anew: nothing of the round before holds but the number of its version
        return _Live(version=stored.version)
    claimed = stored.claimed_until is not None and stored.claimed_until > now
    snoozed = stored.snoozed_until is not None and stored.snoozed_until > now
    return _Live(
        state=stored.state,
        version=stored.version,
        step=stored.step,
        claimed_by=stored.claimed_by if claimed else None,
        claimed_until=stored.claimed_until if claimed else None,
        snoozed_until=stored.snoozed_until if snoozed else None,
        due_at=stored.due_at,
        waiting_for=tuple(stored.waiting_for or ()),
    )


def _row(
    subject: Subject,
    stored: Any,
    book: policies.PolicyBook,
    deciders: dict[tuple[str, str], list[str]],
    viewer: Person,
    ties: Ties,
    now: datetime,
) -> QueueRow:
    live = _now_live(stored, now)
    policy, step, due_at, expires_at, why_not = None, None, live.due_at, None, ()
    try:
        policy = book.policy_for(subject)
    except NoPolicy as error:
        why_not = (str(error),)
    if policy is not None:
        step = policy.step_due(live.step, live.state)
        due_at = due_at or add_business_hours(subject.entity, subject.opened_at, policy.sla_hours)
        expires_at = policies.expires_at(policy, subject.opened_at)
        decided_by = deciders.get((subject.subject_type, subject.subject_id), ())
        why_not = refusals(viewer, subject, policy, step, decided_by, ties)
    expired = expires_at is not None and expires_at <= now
    if expired:
        why_not = (f"It expired on {expires_at:%Y-%m-%d %H:%M} UTC and is not executed.", *why_not)
    waiting_for = _waiting_for(live, step)
    steps = len(policy.steps) if policy is not None else 0
    return QueueRow(
        subject=subject,
        policy=policy,
        state="expired" if expired else live.state,
        version=live.version,
        step=live.step + 1,
        steps=steps,
        claimed_by=live.claimed_by,
        claimed_until=live.claimed_until,
        snoozed_until=live.snoozed_until,
        due_at=due_at,
        expires_at=expires_at,
        breached=due_at is not None and due_at < now,
        waiting_for=waiting_for,
        why_not=why_not,
    )


def _waiting_for(live: _Live, step: Step | None) -> tuple[str, ...]:
    if live.waiting_for:
        return live.waiting_for
    if live.state == "info_requested":
        return ("whoever asked",)
    return step.roles if step is not None else ()


def may_see(viewer: Person, row: QueueRow) -> bool:
    """Whoever may take a step, is escalated to, overrides or audits sees a subject; everybody sees their own."""
    if not viewer.is_active:
        return False
    if row.subject.maker_person == viewer.person_key or viewer.role in READS_ALL:
        return True
    if row.policy is None:
        return False
    return viewer.role in row.policy.concerned


def _matches(row: QueueRow, wanted: Filters, viewer: Person, now: datetime) -> bool:
    subject = row.subject
    return all((
        not wanted.entities or subject.entity in wanted.entities,
        not wanted.states or row.state in wanted.states,
        wanted.client_id is None or subject.client_id == wanted.client_id,
        not wanted.mine_to_decide or row.may_decide,
        not wanted.claimed_by_me or row.claimed_by == viewer.staff_id,
        not wanted.breached or row.breached,
        not wanted.unusual or bool(subject.unusual),
        wanted.with_snoozed or row.snoozed_until is None,
    ))  # fmt: skip


def _urgency(row: QueueRow) -> tuple[Any, ...]:
    return row.due_at or FAR, -(row.subject.amount_eur or Decimal(0)), row.key


def _live(connection: sa.Connection, since: datetime | None, key: tuple[str, str] | None = None) -> dict[Any, Any]:
    """The live state of every open subject, and of the closed ones that a list as old as `since` could show, still or again."""
    table = subjects.c
    if key is not None:
        chosen = sa.and_(table.subject_type == key[0], table.subject_id == key[1])
    else:
        again = [kind.name for kind in subject_types().values() if kind.reopens]
        chosen = sa.or_(table.state.in_(OPEN_STATES), table.updated_at >= since, table.subject_type.in_(again))
    return {(row.subject_type, row.subject_id): row for row in connection.execute(sa.select(subjects).where(chosen))}


def _deciders(connection: sa.Connection) -> dict[tuple[str, str], list[str]]:
    """Who took a step of the round under way, and for whom, of every open subject."""
    query = (
        sa.select(decisions.c.subject_type, decisions.c.subject_id, decisions.c.actor_id, decisions.c.on_behalf_of)
        .join(
            subjects,
            sa.and_(*(subjects.c[name] == decisions.c[name] for name in ("subject_type", "subject_id", "round"))),
        )
        .where(subjects.c.state.in_(OPEN_STATES))
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(query):
        who = [one for one in (row.actor_id, row.on_behalf_of) if one is not None]
        found.setdefault((row.subject_type, row.subject_id), []).extend(who)
    return found


def _endings(connection: sa.Connection, viewer: Person) -> dict[tuple[str, str], tuple[str, str]]:
    """How what this person asked for was closed here: the state, and by whom, when and why."""
    query = (
        sa.select(subjects.c.subject_type, subjects.c.subject_id, subjects.c.state, subjects.c.updated_at)
        .add_columns(decisions.c.actor_id, decisions.c.reason_code)
        .outerjoin(
            decisions,
            sa.and_(
                *(subjects.c[name] == decisions.c[name] for name in ("subject_type", "subject_id", "round")),
                decisions.c.final.is_(True),
            ),
        )
        .where(subjects.c.maker_person == viewer.person_key, subjects.c.state.in_(CLOSED_STATES))
    )
    found = {}
    for row in connection.execute(query):
        by = f" by {row.actor_id} ({row.reason_code})" if row.actor_id else ""
        found[row.subject_type, row.subject_id] = (
            row.state, f"{row.state.capitalize()}{by} on {row.updated_at:%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip
    return found
