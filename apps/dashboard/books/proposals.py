"""Asking for what somebody else decides: a sign-off, a close, a reopening. The proposal is made here and decided in Approvals."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import streamlit as st

from apps.approvals.proposing import propose
from apps.approvals.subject import Subject, subject_types
from apps.dashboard.inbox.proposing import answer_of, approvals_link, raise_now
from apps.dashboard.inbox.seat import may_decide_now, take_seat
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import states
from apps.dashboard.ui.header import Page


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

    def make(connection: sa.Connection) -> Subject:
        return propose(
            connection, seat.reader, subject_type, seat.person.staff_id, dict(payload), now=seat.now, entity=entity, currency=currency
        )  # fmt: skip

    st.button(
        label, key=name, type="primary", disabled=bool(missing), help=missing or None, on_click=raise_now, args=(seat, name, make)
    )  # fmt: skip


def _answer(name: str) -> None:
    """What became of the click on this button."""
    made = answer_of(name)
    if isinstance(made, Subject):
        st.success("**Proposed.** Somebody else decides now.")
        approvals_link(made, "Open it in Approvals")
    elif made is not None:
        st.error(states.plain(made))
