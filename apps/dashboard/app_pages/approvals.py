"""Approvals: one inbox for everything that somebody must decide, with the evidence beside the decision."""

from collections.abc import Callable

import streamlit as st

from apps.approvals.subject import subject_types
from apps.dashboard.inbox import case, letters, listing, new_subject, repairs, rules, views
from apps.dashboard.inbox.seat import Seat, take_seat
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import header

ABOUT = "Everything that waits for a decision: the evidence on the left, the decision on the right."
TABS = {
    "inbox": "Inbox", "requests": "My requests", "waiting": "Waiting for whom", "shift": "Shift hand-over", "deliveries": "Deliveries",
    "policies": "Policies",
    "repairs": "Repairs", "propose": "Propose",
}  # fmt: skip
PARTS: dict[str, Callable[[Seat], None]] = {
    "inbox": listing.show_inbox, "requests": views.show_requests, "waiting": views.show_waiting, "shift": views.show_handover,
    "deliveries": letters.show_deliveries, "policies": rules.show_policies, "repairs": repairs.show_repairs,
    "propose": new_subject.show_new_subject,
}  # fmt: skip


def opened() -> tuple[str, str] | None:
    """The subject that the address names (`subject=withdrawal:W-1`), or None; an address that can be none is refused."""
    said = st.query_params.get("subject")
    if said is None:
        return None
    kind, _, identifier = said.partition(":")
    if kind not in subject_types() or not identifier:
        states.refused(
            f"“{states.plain(said)}” is no subject. Write `subject=withdrawal:W-1`; kinds: {', '.join(subject_types())}."
        )
        st.stop()
    return kind, identifier


page = header(
    "approvals", "Approvals", "" if "subject" in st.query_params else ABOUT, names=listing.NAMES, tabs=TABS, live=True
)
subject = opened()
with states.panel():
    seat = take_seat(page)
    if seat is not None and subject is not None:
        case.show_case(seat, subject)
    elif seat is not None:
        tab, tabs = filters.open_tab(TABS, "approvals")
        with tabs[list(TABS).index(tab)], states.panel():
            PARTS[tab](seat)
