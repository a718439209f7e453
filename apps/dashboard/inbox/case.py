"""One subject: its evidence on the left, the decision on the right, both of the same moment."""

from datetime import timedelta
from typing import Any

import streamlit as st

from apps.approvals import queue, undoing
from apps.approvals.chain import new_id
from apps.approvals.checks import CheckResult, run_checks
from apps.approvals.live import load, opens_again
from apps.approvals.orders import CHANGED, Answer, Order
from apps.approvals.queue import Filters, QueueRow
from apps.approvals.store import reading
from apps.approvals.subject import NoSuchSubject, Subject, find
from apps.approvals.tables import CLOSED_STATES
from apps.dashboard.inbox import evidence, form, listing, words
from apps.dashboard.inbox.form import Case
from apps.dashboard.inbox.seat import Seat, remembered, send
from apps.dashboard.queries import approvals_store
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.states import plain

POLL_SECONDS = 4
Key = tuple[str, str]


def show_case(seat: Seat, key: Key) -> None:
    """The whole screen of a subject; words where there is none, or none for this viewer."""
    _way_back(seat)
    case = look(seat, key)
    if case is None:
        return
    with reading(seat.engine) as connection:
        live = approvals_store.state(connection, key)
    _head(case, live)
    with st.container(key="case"):
        left, right = st.columns([1.7, 1], gap="medium")
        with left:
            evidence.show_evidence(case)
        with right, st.container(key="decision"):
            _decision(seat, key, _drawn(case, live))


def look(seat: Seat, key: Key) -> Case | None:
    """The subject as it is now, with the checks run for this viewer; None (and words) where they may not see it."""
    with reading(seat.engine) as connection:
        try:
            subject = find(seat.reader, connection, *key, closed_too=True)
        except NoSuchSubject as error:
            st.warning("**No such subject.**")
            st.text(str(error))
            return None
        row = queue.row_of(seat.reader, connection, subject, seat.person, seat.now)
        if not queue.may_see(seat.person, row):
            states.refused(
                f"This {words.label(key[0]).lower()} is for {_roles(row)}; your role is {seat.role or 'none'}. "
                "What you asked for yourself stands under *My requests*."
            )
            return None
        live = approvals_store.state(connection, key)
        aside = approvals_store.set_aside(connection, key, live.round) if live is not None else {}
        return Case(seat, subject, row, _checked(seat, subject, row, connection), aside)


def _roles(row: QueueRow) -> str:
    return " or ".join(sorted(row.policy.concerned)) if row.policy else "nobody"


def _checked(seat: Seat, subject: Subject, row: QueueRow, connection: Any) -> list[CheckResult]:
    """The policy's checks, run now; for one who could take the step also the check of their own limit."""
    if row.policy is None:
        return []
    step = row.policy.step_due(row.step - 1, row.state)
    decides = step is not None and seat.role in step.roles
    approver = seat.person if decides else None
    return run_checks(row.policy, subject, seat.reader, connection, seat.now, approver=approver, step=step)


def _way_back(seat: Seat) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="way-back"):
        st.page_link(seat.page.file, label="← Inbox", query_params=filters.link(subject=None), width="content")
        if seat.role not in queue.READS_ALL:
            listing.take_next_button(seat, Filters(), primary=False)


def _head(case: Case, live: Any) -> None:
    """What it is, its state and its deadline, in one line each."""
    row, subject = case.row, case.subject
    closed = live is not None and live.state in CLOSED_STATES
    state = str(live.state) if live is not None and closed else row.state
    st.subheader(plain(subject.title), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="case-head"):
        said, colour = words.STATES[state]
        st.badge(said, color=colour, width="content")
        if not closed and subject.is_open:
            late, colour = words.due(row.due_at, case.seat.now)
            st.badge(
                late,
                color=colour,
                width="content",
                help=f"By {words.when(row.due_at)}; business hours of {subject.entity or 'UTC'}",
            )
            if row.steps > 1:
                st.badge(f"step {row.step} of {row.steps}", color="violet", width="content")
            if row.snoozed_until is not None:
                st.badge(f"snoozed until {words.when(row.snoozed_until)}", color="violet", width="content")
            held = words.held(row, case.seat.person.staff_id)
            if held:
                st.badge(held, color="blue", width="content")
        if row.policy is not None:
            st.caption(words.limits(row.policy, subject), width="content")


def _drawn(case: Case, live: Any) -> tuple[Any, ...]:
    """What the screen was drawn from; when it is other than that now, everything is drawn again."""
    return case.subject.facts_hash, live.version if live else 0, live.state if live else "", case.row.claimed_by


def _renewed(case: Case) -> bool:
    """Holds the claim longer while its holder has the subject open and signed in; true where that was due, in the last third of its time."""
    row, seat = case.row, case.seat
    if row.policy is None or row.claimed_until is None or row.claimed_by not in seat.person.accounts:
        return False
    if row.claimed_until - seat.now > timedelta(minutes=row.policy.claim_minutes) / 3:
        return False
    return send(seat, Order("claim", *case.key, seat.person.staff_id, new_id(), version=row.version)).done


@st.fragment(run_every=POLL_SECONDS)
def _decision(seat: Seat, key: Key, drawn: tuple[Any, ...]) -> None:
    """The right side, looked at again every few seconds: what somebody decides elsewhere is told here at once."""
    case = look(seat, key)
    if case is None:
        return
    with reading(seat.engine) as connection:
        live = approvals_store.state(connection, key)
    if _renewed(case) or _drawn(case, live) != drawn:
        st.rerun()
    _answer(key)
    _undo(case)
    here = (
        live is not None and live.state in CLOSED_STATES and not opens_again(case.subject, live.state, live.updated_at)
    )
    if here or not case.subject.is_open:
        _over(case, live)
        return
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(words.what(case.subject))}**  \n:gray[{plain(case.row.next)}]")
        form.show_claim(case)
        form.show_form(case)
    _steps(case)


def _answer(key: Key) -> None:
    """What became of the last order on this subject, and who must act next by when."""
    said = remembered()
    answer: Answer | None = said["answer"] if said else None
    if answer is None or (answer.subject_type, answer.subject_id) != key:
        return
    if answer.done:
        st.success(plain(answer.said))
    elif answer.status == CHANGED:
        form.show_difference(answer.difference)
    else:
        lines = "\n".join(f"- {plain(one)}" for one in answer.reasons) or plain(answer.said)
        st.error(f"**Refused, and recorded.**\n{lines}")


def _undo(case: Case) -> None:
    """The way back for whoever decided just now, for as long as nothing of it has gone out."""
    seat = case.seat
    with reading(seat.engine) as connection:
        live = load(connection, *case.key)
        found = undoing.undoable(connection, live, seat.person, seat.now, seat.desk.undo)
    if found is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="undo"):
        form.order_button(case, "undo", f"Undo the {undoing.WORDS[found.decision]}", "Alt+Y")
        st.caption(f"Until {found.until:%H:%M:%S} UTC; nothing of it goes out before.", width="content")


def _over(case: Case, live: Any) -> None:
    """A subject that is closed: by whom, when, why, and what went out."""
    key = case.key
    with reading(case.seat.engine) as connection:
        taken = approvals_store.taken(connection, key)
        sent = approvals_store.sent(connection, key)
    state = live.state if live is not None else str(case.subject.facts.get("status") or "closed")
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(state).capitalize()}.** Nothing is left to decide.")
        if not taken and live is None:
            st.caption("It was decided elsewhere; the source reports it.")
        for one in reversed(taken):
            st.markdown(
                f"{_did(one)} by **{plain(one.actor_id)}** ({plain(one.actor_role)}), {words.when(one.decided_at)}  \n"
                f":gray[{plain(one.reason_code)}{f' · {plain(one.note)}' if one.note else ''} · publish {one.publish_id}]"
            )
        for one in sent:
            st.caption(
                f"To {plain(one.destination)}: {one.status}{f', {words.when(one.delivered_at)}' if one.delivered_at else ''}"
            )
        if status := case.subject.facts.get("status"):
            st.caption(f"The source says: {plain(status)}.")


def _steps(case: Case) -> None:
    """The steps of this round that others took already."""
    with reading(case.seat.engine) as connection:
        taken = approvals_store.taken(connection, case.key)
    for one in reversed(taken):
        st.caption(
            f"{_did(one)} by **{plain(one.actor_id)}** ({plain(one.actor_role)}), {words.when(one.decided_at)}: {plain(one.reason_code)}"
            + (f" · {plain(one.note)}" if one.note else "")
        )


def _did(one: approvals_store.Taken) -> str:
    """The decision in a word, struck out where it was undone."""
    return f"~~{plain(one.decision)}~~ (undone)" if one.undone else plain(one.decision)
