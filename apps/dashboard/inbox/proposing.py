"""Proposing from any page: the click that raises a subject, what became of it, and the way to it in Approvals."""

from collections.abc import Callable

import sqlalchemy as sa
import streamlit as st

from apps.approvals.people import UnknownPerson
from apps.approvals.proposing import ProposalRefused, recorded
from apps.approvals.subject import Subject
from apps.dashboard import navigation
from apps.dashboard.inbox.seat import Seat, may_decide_now

SAID = "proposal.said"
Raise = Callable[[sa.Connection], Subject]
"""Raises the proposal inside the write transaction it is given; ProposalRefused says why it cannot be."""


def raise_now(seat: Seat, name: str, make: Raise) -> None:
    """The click on the button `name` of a page that says what became of it."""
    raised(seat, name, make)


def raised(seat: Seat, name: str, make: Raise) -> Subject | None:
    """The click on the button `name`: raises the proposal and keeps the answer for `answer_of`; None where it was refused.

    Nothing happens for one who proved too long ago who they are: the button stands below the form that asks for it again.
    """
    if not may_decide_now():
        return None
    try:
        made = recorded(seat.engine, seat.person.staff_id, seat.now, make)
    except (ProposalRefused, UnknownPerson) as error:
        st.session_state[SAID] = (name, str(error))
        return None
    st.session_state[SAID] = (name, made)
    return made


def answer_of(name: str) -> Subject | str | None:
    """What became of the last click on this button, told once: the subject, or the refusal in words; None where it was not clicked."""
    kept = st.session_state.get(SAID)
    if kept is None or kept[0] != name:
        return None
    del st.session_state[SAID]
    return kept[1]


def approvals_link(subject: Subject, label: str) -> None:
    """The way to the subject on the page Approvals; a demo user stays who they are."""
    user = {"user": st.query_params["user"]} if "user" in st.query_params else {}
    st.page_link(
        navigation.page_file("approvals"), label=label,
        query_params={"subject": f"{subject.subject_type}:{subject.subject_id}"} | user,
    )  # fmt: skip
