"""Asking for what somebody else decides: a sign-off, a close, a reopening. The proposal is made here and decided in Approvals."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from apps.approvals.people import UnknownPerson
from apps.approvals.proposing import ProposalRefused, propose
from apps.approvals.store import writing
from apps.approvals.subject import Subject, subject_types
from apps.dashboard import navigation
from apps.dashboard.inbox.seat import Seat, may_decide_now, take_seat
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import states
from apps.dashboard.ui.header import Page

SAID = "books.proposal.said"


def offer(
    page: Page,
    subject_type: str,
    label: str,
    *,
    payload: Mapping[str, Any],
    entity: str,
    currency: str | None = None,
    missing: str = "",
) -> None:
    """The button that proposes it, for those who may; words and the way to it afterwards. `missing` says what is not filled in yet."""
    kind = subject_types()[subject_type]
    seat = take_seat(page)
    if seat is None:
        return
    if seat.role not in kind.proposed_by:
        st.caption(f"{kind.label}: proposed by {' or '.join(kind.proposed_by)}, and decided by others in Approvals.")
        return
    name = f"propose.{subject_type}.{entity}.{currency or ''}"
    _answer(name)
    if not may_decide_now():
        require_fresh_authentication()
    st.button(
        label, key=name, type="primary", disabled=bool(missing), help=missing or None,
        on_click=_propose, args=(seat, name, subject_type, dict(payload), entity, currency),
    )  # fmt: skip


def _propose(
    seat: Seat, name: str, subject_type: str, payload: dict[str, Any], entity: str, currency: str | None
) -> None:
    if not may_decide_now():
        return
    try:
        with writing(seat.engine) as connection:
            made = propose(
                connection,
                seat.reader,
                subject_type,
                seat.person.staff_id,
                payload,
                now=seat.now,
                entity=entity,
                currency=currency,
            )
    except (ProposalRefused, UnknownPerson) as error:
        st.session_state[SAID] = (name, str(error))
    else:
        st.session_state[SAID] = (name, made)


def _answer(name: str) -> None:
    """What became of the click on this button."""
    kept = st.session_state.get(SAID)
    if kept is None or kept[0] != name:
        return
    del st.session_state[SAID]
    made = kept[1]
    if not isinstance(made, Subject):
        st.error(states.plain(made))
        return
    st.success("**Proposed.** Somebody else decides now.")
    user = {"user": st.query_params["user"]} if "user" in st.query_params else {}
    st.page_link(
        navigation.page_file("approvals"), label="Open it in Approvals",
        query_params={"subject": f"{made.subject_type}:{made.subject_id}"} | user,
    )  # fmt: skip
