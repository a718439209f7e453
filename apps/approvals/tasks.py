"""How an order begins: who orders, on what, in which state, by which policy; and what every handler refuses alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from apps.approvals import policies
from apps.approvals.calendars import add_business_hours
from apps.approvals.canonical import moment
from apps.approvals.chain import newest_moment
from apps.approvals.entitlement import Ties, refusals
from apps.approvals.live import Live, Overtaken, load, opened_again, save
from apps.approvals.marts import MartReader
from apps.approvals.orders import DONE, Answer, Desk, Order, Refusal, Task
from apps.approvals.people import Person, UnknownPerson
from apps.approvals.policies import NoPolicy, Step
from apps.approvals.reasons import BadReason, require_reason
from apps.approvals.subject import NoSuchSubject, differences
from apps.approvals.tables import decisions

CLOCK_MAY_LAG = timedelta(minutes=1)
"""How far the clocks of several servers may be apart."""


def handled(
    handler: Callable[[Task], Answer], *, closed_too: bool = False
) -> Callable[[Desk, Order, sa.Connection, MartReader], Answer]:
    """The handler as `carry_out` calls it: with the task looked up, and overtaking told as a refusal."""

    def run(desk: Desk, order: Order, connection: sa.Connection, reader: MartReader) -> Answer:
        try:
            return handler(begin(desk, order, connection, reader, closed_too=closed_too))
        except Overtaken as error:
            raise Refusal("overtaken", "Somebody else changed this at the same moment. Open it again.") from error

    return run


def begin(desk: Desk, order: Order, connection: sa.Connection, reader: MartReader, *, closed_too: bool = False) -> Task:
    """Looks up everything the order is about. Raises Refusal where there is no such person, subject or policy, or it is closed.

    With `closed_too` the live state is given as it stands, for the order that undoes what closed it.
    """
    at = desk.clock()
    _refuse_wrong_clock(connection, reader, at)
    try:
        person = desk.person(reader, order.actor_id)
    except UnknownPerson as error:
        raise Refusal("unknown_person", str(error)) from error
    if not person.is_active:
        raise Refusal("inactive", f"Your staff record ({person.staff_id}) is not active.")
    live = load(connection, order.subject_type, order.subject_id)
    if order.version is not None and order.version != live.version and not live.closed:
        seen = f"you saw version {order.version}, it is at {live.version}"
        raise Refusal("version", f"This was changed since you opened it ({seen}): {_standing(live)}.")
    try:
        found = desk.find(reader, connection, order.subject_type, order.subject_id, closed_too=closed_too)
    except NoSuchSubject as error:
        raise Refusal("closed" if error.closed or live.closed else "no_such_subject", str(error)) from error
    was, live = live, live if closed_too else opened_again(live, found)
    if live.closed and not closed_too:
        raise Refusal("closed", f"This is {live.state} already{_by_whom(connection, was)}; nothing is left to decide.")
    try:
        policy = desk.policy_for(connection, found, at)
    except NoPolicy as error:
        raise Refusal("no_policy", str(error)) from error
    if live.version == 0:
        due = add_business_hours(found.entity, found.opened_at, policy.sla_hours)
        live = replace(live, opened_at=found.opened_at, due_at=due)
    live = replace(live, entity=found.entity, client_id=found.client_id, maker_person=found.maker_person)
    return Task(desk, order, connection, reader, at, person, live, found, policy)


def _refuse_wrong_clock(connection: sa.Connection, reader: MartReader, at: datetime) -> None:
    """Raises Refusal where this server's clock is behind what was recorded already: old data would look fresh, and a claim would not end."""
    publish = reader.publish
    known = (newest_moment(connection), publish.loaded_at or publish.published_at)
    newest = max((one for one in known if one is not None), default=at)
    if at < newest - CLOCK_MAY_LAG:
        raise Refusal(
            "clock",
            f"This server's clock says {at:%Y-%m-%d %H:%M} UTC, and something was recorded at {newest:%Y-%m-%d %H:%M} already. "
            "Set the clock right; nobody decides before.",
        )


def settle(task: Task, after: Live) -> Live:
    """Writes the new live state, compared with the one the order found."""
    return save(task.connection, task.live, after, task.at)


def answer(live: Live, said: str, event_id: str, **more: object) -> Answer:
    """The answer of an order that was carried out: what it did, and who must act next by when."""
    waiting = live.waiting_for or ()
    due = moment(live.due_at) if live.due_at else None
    by = f", due {live.due_at:%Y-%m-%d %H:%M} UTC" if live.due_at else ""
    then = "" if live.closed or not waiting else f" Waiting for {' or '.join(waiting)}{by}."
    whole = Answer(
        DONE, f"{said}{then}", state=live.state, version=live.version, waiting_for=waiting, due_at=due, event_id=event_id,
        subject_type=live.subject_type, subject_id=live.subject_id,
    )  # fmt: skip
    return replace(whole, **more)  # type: ignore[arg-type]


def next_step(task: Task) -> Step | None:
    """The step that is due by the task's policy and live state."""
    return task.policy.step_due(task.live.step, task.live.state)


def roles_of_next(task: Task, live: Live) -> tuple[str, ...]:
    """The roles of which one must act on the subject in this live state."""
    step = next_step(replace(task, live=live))
    return step.roles if step and not live.closed else ()


def deciders(connection: sa.Connection, live: Live) -> list[str]:
    """Who took a step, or overrode a check, in the round under way, and for whom: a delegate's step is the principal's too."""
    table = decisions.c
    query = sa.select(table.actor_id, table.on_behalf_of).where(
        table.subject_type == live.subject_type, table.subject_id == live.subject_id, table.round == live.round
    )
    return [who for row in connection.execute(query) for who in row if who is not None]


def refuse_unentitled(
    task: Task, step: Step | None, person: Person | None = None, earlier: tuple[str, ...] = ()
) -> None:
    """Raises Refusal with every reason why the person (the actor, unless given) may not take the step, on their own or for another."""
    who = person or task.person
    decided = [*deciders(task.connection, task.live), *earlier]
    said = refusals(who, task.subject, task.policy, step, decided, Ties(task.reader, who))
    principal = task.order.on_behalf_of
    if principal is not None and person is None:
        try:
            for_whom = task.desk.person(task.reader, principal)
        except UnknownPerson as error:
            raise Refusal("delegation", str(error)) from error
        reasons = refusals(for_whom, task.subject, task.policy, step, decided, Ties(task.reader, for_whom))
        said += tuple(f"{principal}, for whom you act, may not: {one}" for one in reasons)
    if said:
        raise Refusal("not_entitled", *said)


def refuse_claimed(task: Task) -> None:
    """Raises Refusal while a colleague holds the subject."""
    live = task.live
    if live.claimed(task.at) and live.claimed_by not in task.person.accounts:
        raise Refusal("claimed", f"{live.claimed_by} is working on this until {live.claimed_until:%H:%M} UTC.")


def refuse_stale(task: Task) -> None:
    """Raises Refusal where the publish, or what the actor saw of the subject, is not the newest enough to decide on."""
    old = policies.too_old(task.policy, task.reader.publish, task.at, simulated=task.desk.simulated)
    if old is not None:
        raise Refusal("stale_publish", old)
    expires = policies.expires_at(task.policy, task.subject.opened_at)
    if expires is not None and expires <= task.at:
        raise Refusal(
            "expired",
            f"This request expired on {expires:%Y-%m-%d %H:%M} UTC without being executed. It must be asked for anew.",
        )
    seen = task.order.seen_hash
    if seen is None:
        raise Refusal("unseen", "A decision names the facts it was taken on. Open the subject first.")
    if seen != task.subject.facts_hash:
        changed = differences(task.order.seen, task.subject) if task.order.seen is not None else {}
        fields = ", ".join(changed) or "its facts"
        difference = {name: {"seen": then, "now": now} for name, (then, now) in changed.items()}
        raise Refusal(
            "facts_changed", f"This changed since you opened it: {fields}. Nothing was decided.",
            difference=difference or {"facts_hash": {"seen": seen, "now": task.subject.facts_hash}},
        )  # fmt: skip


def refuse_without_reason(task: Task) -> None:
    """Raises Refusal without a reason code that this action on this subject may give."""
    try:
        require_reason(task.order.subject_type, task.order.action, task.order.reason_code, task.order.note, task.at)
    except BadReason as error:
        raise Refusal("reason", str(error)) from error


def claim_ends(task: Task) -> timedelta:
    """How long a claim holds under the policy."""
    return timedelta(minutes=task.policy.claim_minutes)


def _standing(live: Live) -> str:
    held = f", held by {live.claimed_by}" if live.claimed_by else ""
    return f"it is {live.state}{held}"


def _by_whom(connection: sa.Connection, live: Live) -> str:
    """By whom and when, for the sentence of a closed subject."""
    table = decisions.c
    final = connection.execute(
        sa.select(table.actor_id, table.decided_at).where(
            table.subject_type == live.subject_type,
            table.subject_id == live.subject_id,
            table.round == live.round,
            table.final.is_(True),
        )
    ).one_or_none()
    return f" by {final.actor_id} on {final.decided_at:%Y-%m-%d %H:%M} UTC" if final else ""
