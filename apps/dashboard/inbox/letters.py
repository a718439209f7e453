"""Deliveries: what decisions sent to the outside, and the dead letters that wait for somebody to try them again."""

from typing import Any

import streamlit as st

from apps.approvals import chain, outbox
from apps.approvals.store import reading, writing
from apps.approvals.subject import subject_types
from apps.dashboard import session
from apps.dashboard.inbox import words
from apps.dashboard.inbox.listing import asked_kinds
from apps.dashboard.inbox.seat import Seat
from apps.dashboard.queries import approvals_store
from apps.dashboard.ui.states import plain

MAY_RETRY = ("payments", "finance", "compliance", "mlro", "data")
NEWEST = 50
KEEPERS = ("data",)
KEEPERS_SEE = sorted(set(subject_types()) - {"alert", "erasure"})
"""Whoever keeps the deliveries running sees all of them, but for those whose mere existence is for compliance."""


def show_deliveries(seat: Seat) -> None:
    """Counts, the dead letters with their way back, and the newest messages."""
    with reading(seat.engine) as connection:
        kinds = KEEPERS_SEE if seat.role in KEEPERS else sorted(asked_kinds(seat, connection))
        counts = approvals_store.message_counts(connection, kinds)
        dead = [one for one in outbox.dead_letters(connection) if one.subject_type in kinds]
        newest = approvals_store.messages(connection, NEWEST, kinds)
    if not kinds:
        st.info(f"**Nothing of yours is sent.** No policy asks the role {seat.role} to decide anything.")
        return
    st.markdown(" · ".join(f"**{counts.get(name, 0)}** {name}" for name in ("pending", "delivered", "dead")))
    st.subheader(f"Dead letters · {len(dead)}", anchor=False)
    if not dead:
        st.caption("Every message was delivered, or is still being tried.")
    for one in dead[:NEWEST]:
        _dead(seat, one)
    if len(dead) > NEWEST:
        st.caption(f"{NEWEST} of {len(dead)}; `daybook outbox` lists all.")
    st.subheader("Newest messages", anchor=False)
    if not newest:
        st.caption("No decision was sent yet.")
        return
    st.dataframe(
        [
            {
                "created (UTC)": one.created_at, "what": f"{one.subject_type} {one.subject_id}", "kind": one.kind, "to": one.destination,
                "status": one.status, "attempts": one.attempts, "delivered (UTC)": one.delivered_at, "next attempt (UTC)": one.next_attempt_at,
                "last error": one.last_error,
            }
            for one in newest
        ],
        hide_index=True, key="messages", alt="Newest messages", height="content" if len(newest) < 12 else 420,
    )  # fmt: skip


def _dead(seat: Seat, one: Any) -> None:
    with st.container(border=True, key=f"dead-{one.outbox_id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(
                f"**{plain(one.subject_type)} {plain(one.subject_id)}** to {plain(one.destination)} · {one.attempts} attempts",
                width="content",
            )
            if seat.role in MAY_RETRY:
                st.button("Try again", key=f"retry-{one.outbox_id}", on_click=_retry, args=(seat, one.outbox_id))
        st.text(str(one.last_error or "")[:400])
        with st.expander("Every attempt"):
            with reading(seat.engine) as connection:
                attempts = approvals_store.attempts(connection, one.outbox_id)
            st.dataframe(
                [
                    {
                        "attempt": each.attempt, "started (UTC)": each.started_at, "outcome": each.outcome, "status": each.status_code,
                        "error": each.error,
                    }
                    for each in attempts
                ],
                hide_index=True, key=f"attempts-{one.outbox_id}", alt="Attempts",
            )  # fmt: skip
            st.caption(
                f"Message {plain(one.outbox_id)}, created {words.when(one.created_at)}; the receiver knows it by `{one.idempotency_key}`."
            )


def _retry(seat: Seat, outbox_id: str) -> None:
    if seat.role not in MAY_RETRY:
        return
    with writing(seat.engine) as connection:
        outbox.retry(connection, outbox_id, session.actor(seat.page.frame.viewer), chain.now())
