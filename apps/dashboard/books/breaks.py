"""A reconciliation break on its page: what it is, both sides beside each other, who has it, what was said, and the way to resolve it."""

from typing import Any

import polars as pl
import streamlit as st

from apps.approvals import breaks
from apps.approvals.breaks import BreakRefused
from apps.approvals.store import reading, writing
from apps.dashboard import navigation, session
from apps.dashboard.inbox import words
from apps.dashboard.inbox.seat import Seat, may_decide_now, take_seat
from apps.dashboard.queries import approvals_store, reconciliations
from apps.dashboard.queries.reconciliations import Side
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import figures, filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export

SAID = "books.break.said"
COLOURS: dict[str, words.Colour] = {"open": "orange", "resolved": "violet", "gone": "green"}


def show_head(found: dict[str, Any]) -> None:
    """Which break it is, since when, and how large: ledger less the other side."""
    money = f"{found['currency'] or ''} {figures.number(found['amount'], 2)}".strip()
    st.subheader(f"{found['class'].replace('_', ' ')} · {states.plain(found['reference'])}", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(found["status"], color=COLOURS.get(found["status"], "gray"), width="content")
        st.markdown(f"**{money}** ledger less the other side", width="content")
        st.caption(
            f"{found['reconciliation'].replace('_', ' ')} · first seen {found['first_seen_on']} · last seen {found['last_seen_on']} · "
            f"{found['age_business_days']} business days · {states.plain(found['entity'] or 'no entity')}",
            width="content",
        )


def show_sides(page: Page, found: dict[str, Any]) -> None:
    """Our ledger left, the other side right."""
    for column, side in zip(st.columns(2), reconciliations.sides(page.reader, found), strict=True):
        with column:
            _side(page, side)


def _side(page: Page, side: Side) -> None:
    st.subheader(side.title, anchor=False)
    if side.rows.is_empty():
        st.info("**Nothing on this side.** That is the break: the other side knows of it, this one does not.")
        return
    name = side.title.lower().replace(" ", "-")
    chosen = table_with_export(page, side.rows, f"side-{name}", mart=side.mart, what="rows", select=True, height=300)
    for number in chosen:
        entry = side.rows[number].to_dicts()[0].get("entry_id")
        if entry and "ledger" in page.frame.viewer.pages:
            st.page_link(
                navigation.page_file("ledger"), label=f"Open entry {states.plain(entry)}",
                query_params=filters.kept() | {"entry": entry},
            )  # fmt: skip


def show_handling(page: Page, found: dict[str, Any]) -> None:
    """Who has it, what was written about it, and its resolution; what this viewer may do about it."""
    st.subheader("What is done about it", anchor=False)
    seat = take_seat(page)
    if seat is None:
        return
    with reading(seat.engine) as connection:
        told = breaks.said(connection, found["break_id"])
        taken = approvals_store.taken(connection, (breaks.SUBJECT, found["break_id"]))
    now_owner = next(
        (one.text.removeprefix("given to ") for one in reversed(told) if one.kind == "assigned"), found["owner"]
    )
    st.caption(
        f"With **{states.plain(now_owner)}**"
        + (f" · resolution {states.plain(found['resolution'])}" if found["resolution"] else "")
    )
    if told:
        rows = [
            {"at (UTC)": one.at[:19].replace("T", " "), "who": one.actor_id, "role": one.actor_role, "what": one.text}
            for one in told
        ]
        st.dataframe(
            pl.DataFrame(rows), hide_index=True, height="content", key="break-said", alt="What was said about the break"
        )
    for one in reversed(taken):
        st.caption(
            f"{states.plain(one.decision)} by **{states.plain(one.actor_id)}** ({states.plain(one.actor_role)}), {words.when(one.decided_at)}: "
            f"{states.plain(one.reason_code)}{f' · {states.plain(one.note)}' if one.note else ''}"
        )
    if found["status"] == "gone":
        return
    _forms(page, seat, found)


def _forms(page: Page, seat: Seat, found: dict[str, Any]) -> None:
    if said := st.session_state.pop(SAID, None):
        st.error(states.plain(said)) if said.startswith("!") else st.success(states.plain(said))
    if found["status"] == "open" and "approvals" in page.frame.viewer.pages:
        user = {"user": st.query_params["user"]} if "user" in st.query_params else {}
        st.page_link(
            navigation.page_file("approvals"), label="Resolve it, or sign its resolution off",
            query_params={"subject": f"{breaks.SUBJECT}:{found['break_id']}"} | user,
        )  # fmt: skip
        st.caption("One person resolves with a reason, a second signs off; both stand in the audit trail.")
    if not breaks.may_handle(seat.person):
        handlers = " or ".join(breaks.handlers())
        st.caption(f"Breaks are taken and explained by {handlers}; you are {seat.role or 'nobody there'}.")
        return
    if not may_decide_now():
        require_fresh_authentication()
    _handle(seat, found)


def _handle(seat: Seat, found: dict[str, Any]) -> None:
    people = {one.staff_id: f"{one.name} · {one.role}" for one in breaks.owners(seat.reader)}
    left, right = st.columns(2)
    with left.form("break.assign", clear_on_submit=True):
        owner = st.selectbox(
            "Give it to",
            list(people),
            format_func=lambda one: people[one],
            index=None,
            placeholder="Choose who has it",
            key="break.owner",
        )
        if st.form_submit_button("Assign", key="break.assign.go") and owner:
            _order(seat, found, owner=owner)
    with right.form("break.comment", clear_on_submit=True):
        text = st.text_area("What it is", max_chars=breaks.LONGEST, height=80, key="break.text")
        entry = st.text_input("Journal entry that settles it, where one does", key="break.entry")
        if st.form_submit_button("Comment", key="break.comment.go") and text.strip():
            _order(seat, found, text=text, entry=entry.strip() or None)


def _order(
    seat: Seat, found: dict[str, Any], *, owner: str | None = None, text: str = "", entry: str | None = None
) -> None:
    """Writes the event and draws the page anew; a refusal is said in words."""
    actor = session.actor(seat.page.frame.viewer)
    try:
        with writing(seat.engine) as connection:
            said = (connection, seat.reader, found["break_id"])
            if owner is not None:
                breaks.assign(*said, owner, seat.person, actor, seat.now)
            else:
                breaks.comment(*said, text, seat.person, actor, seat.now, entry_id=entry)
    except BreakRefused as error:
        st.session_state[SAID] = f"! {error}"
    else:
        st.session_state[SAID] = "Written. The next run brings it into the marts."
    st.rerun()
