"""The orders that decide nothing yet: who works on a subject, what it waits for, and its maker taking it back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from apps.approvals import queue
from apps.approvals.chain import append
from apps.approvals.live import Live, Overtaken
from apps.approvals.marts import MartReader
from apps.approvals.orders import DONE, Answer, Desk, Order, Refusal, Task, carry_out
from apps.approvals.people import UnknownPerson
from apps.approvals.reasons import letters
from apps.approvals.store import reading
from apps.approvals.tasks import (
    answer,
    begin,
    claim_ends,
    next_step,
    refuse_claimed,
    refuse_unentitled,
    refuse_without_reason,
    roles_of_next,
    settle,
)

LONGEST_SNOOZE = timedelta(days=30)


def take_next(desk: Desk, actor_id: str, key: str, filters: Any = None) -> Answer:
    """Claims the most urgent subject that this person may decide and nobody holds; the answer names it, or says the queue is clear.

    The list is read before the transaction, each claim is compared with the live state within it, so two who take at once get two.
    """
    reader = desk.reader()
    with reading(desk.engine) as connection:
        person = desk.person(reader, actor_id)
        rows = queue.candidates(reader, connection, person, desk.clock(), filters)
        waiting = [row.key for row in rows if row.claimed_by is None]

    def take(desk: Desk, order: Order, connection: sa.Connection, reader: MartReader) -> Answer:
        for subject_type, subject_id in waiting:
            one = replace(order, action="claim", subject_type=subject_type, subject_id=subject_id)
            try:
                return claim(begin(desk, one, connection, reader), only_free=True)
            except (Refusal, Overtaken):
                continue
        return Answer(DONE, "The queue is clear: nothing waits for you.")

    return carry_out(desk, Order("take_next", "queue", "next", actor_id, key), take)


def claim(task: Task, *, only_free: bool = False) -> Answer:
    """Holds the subject for this person until the policy's time is over; the holder may renew it."""
    refuse_claimed(task)
    if only_free and task.live.claimed(task.at):
        raise Refusal("claimed", "You hold this already.")
    refuse_unentitled(task, next_step(task))
    until = task.at + claim_ends(task)
    after = replace(task.live, claimed_by=task.person.staff_id, claimed_until=until)
    return _moved(task, after, "claimed", f"Yours until {until:%H:%M} UTC: {task.subject.title}.")


def release(task: Task) -> Answer:
    """Gives the subject back to the queue: its holder, or a supervisor (a role the policy escalates to)."""
    _refuse_unless_holder(task)
    return _moved(task, _let_go(task.live), "released", "Back in the queue.")


def hand_over(task: Task) -> Answer:
    """Gives the claim to a colleague who may decide it too."""
    _refuse_unless_holder(task)
    try:
        colleague = task.desk.person(task.reader, task.order.to or "")
    except UnknownPerson as error:
        raise Refusal("unknown_person", str(error)) from error
    try:
        refuse_unentitled(task, next_step(task), colleague)
    except Refusal as refusal:
        said = (f"{colleague.staff_id} may not decide this: {one}" for one in refusal.reasons)
        raise Refusal("not_entitled", *said) from refusal
    after = replace(task.live, claimed_by=colleague.staff_id, claimed_until=task.at + claim_ends(task))
    return _moved(task, after, "handed_over", f"Handed over to {colleague.name}.", to=colleague.staff_id)


def request_information(task: Task) -> Answer:
    """Asks whoever asked for more; nobody approves until it is given."""
    refuse_claimed(task)
    _refuse_other_roles(task)
    refuse_without_reason(task)
    after = replace(_let_go(task.live), state="info_requested", waiting_for=None)
    return _moved(task, after, "information_requested", "Information requested.")


def give_information(task: Task) -> Answer:
    """What was asked for, told in the note, by whoever asked or by a colleague on their behalf; the subject goes on."""
    if task.live.state != "info_requested":
        raise Refusal("state", "Nobody asked for information about this.")
    if not letters(task.order.note):
        raise Refusal("reason", "Say what the information is.")
    if not _is_maker(task):
        _refuse_other_roles(task)
    after = replace(task.live, state="waiting" if task.live.step else "open")
    after = replace(after, waiting_for=roles_of_next(task, after) or None)
    return _moved(task, after, "information_given", "Information given.")


def escalate(task: Task) -> Answer:
    """Puts the subject before the roles the policy escalates to; whoever escalates lets go of it."""
    refuse_claimed(task)
    _refuse_other_roles(task)
    refuse_without_reason(task)
    if not task.policy.escalation_roles:
        raise Refusal("escalation", f"{task.policy.label} names nobody to escalate to.")
    after = replace(_let_go(task.live), state="escalated", waiting_for=task.policy.escalation_roles)
    return _moved(task, after, "escalated", "Escalated.")


def snooze(task: Task) -> Answer:
    """Takes the subject out of the list until a time; its deadline runs on."""
    refuse_claimed(task)
    _refuse_other_roles(task)
    refuse_without_reason(task)
    until = task.order.until
    if until is None or not task.at < until <= task.at + LONGEST_SNOOZE:
        raise Refusal("until", f"Snooze until a time within {LONGEST_SNOOZE.days} days.")
    after = replace(_let_go(task.live), snoozed_by=task.person.staff_id, snoozed_until=until)
    return _moved(task, after, "snoozed", f"Snoozed until {until:%Y-%m-%d %H:%M} UTC.", until=until)


def withdraw(task: Task) -> Answer:
    """Whoever asked takes it back; nothing was decided, and nothing is removed."""
    if not _is_maker(task):
        raise Refusal("not_entitled", "Only whoever asked for this may withdraw it; another may reject it.")
    refuse_without_reason(task)
    after = replace(_let_go(task.live), state="withdrawn", waiting_for=None, snoozed_by=None, snoozed_until=None)
    return _moved(task, after, "withdrawn", f"Withdrawn: {task.subject.title}.")


def _moved(task: Task, after: Live, kind: str, said: str, **more: Any) -> Answer:
    """Writes the new live state with its event."""
    settled = settle(task, after)
    told = {**settled.said(), **settled.clocks(), "claimed_until": settled.claimed_until, **more}
    event = task.event(kind, {name: value for name, value in told.items() if value is not None})
    append(task.connection, [event], task.at)
    return answer(settled, said, event.event_id)


def _let_go(live: Live) -> Live:
    return replace(live, claimed_by=None, claimed_until=None)


def _is_maker(task: Task) -> bool:
    return task.subject.maker_person == task.person.person_key or task.subject.maker in task.person.accounts


def _refuse_other_roles(task: Task) -> None:
    """Raises Refusal for a role that neither takes a step of this policy nor is escalated to."""
    roles = {role for step in task.policy.steps for role in step.roles} | set(task.policy.escalation_roles)
    if task.person.role not in roles:
        wanted = ", ".join(sorted(roles))
        raise Refusal("not_entitled", f"This is for {wanted}; your role is {task.person.role or 'none'}.")


def _refuse_unless_holder(task: Task) -> None:
    live = task.live
    if not live.claimed(task.at):
        raise Refusal("claimed", "Nobody holds this.")
    if live.claimed_by not in task.person.accounts and task.person.role not in task.policy.escalation_roles:
        raise Refusal("claimed", f"{live.claimed_by} holds this; they or a supervisor may give it back.")


ORDERS: Mapping[str, Callable[[Task], Answer]] = {
    "claim": claim,
    "release": release,
    "hand_over": hand_over,
    "request_information": request_information,
    "give_information": give_information,
    "escalate": escalate,
    "snooze": snooze,
    "withdraw": withdraw,
}
