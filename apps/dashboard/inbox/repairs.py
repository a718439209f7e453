"""Repairs: an open row of the quarantine, edited with a reason; a subject that others approve, and that the next run loads."""

from typing import Any

import sqlalchemy as sa
import streamlit as st

from apps import repairs
from apps.approvals.marts import rows
from apps.approvals.proposing import propose
from apps.approvals.subject import Subject, masked_facts, subject_types
from apps.dashboard.inbox.listing import open_subject
from apps.dashboard.inbox.proposing import answer_of, raised
from apps.dashboard.inbox.seat import Seat, may_decide_now
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui.states import plain
from warehouse.engine import WarehouseError

PROPOSE = "repair.propose"
SHOWN = 200
OPEN = f"""
select load_id, row_number, feed, path, rules, row from quality.fct_quarantine where status = 'open' order by load_id desc, row_number limit {SHOWN}
"""


def show_repairs(seat: Seat) -> None:
    """The open rows, and for those who may propose a repair the form of one."""
    found = rows(seat.reader, OPEN) if "quality.fct_quarantine" in seat.reader.marts else []
    if not found:
        st.success("**No row is in quarantine.** There is nothing to repair.")
        return
    shown = [{**masked_facts(one, seat.role), "rules": "; ".join(one["rules"])} for one in found]
    st.dataframe(shown, hide_index=True, key="repairs", alt="Open rows of the quarantine", height=280)
    st.caption(f"The newest {SHOWN} at most; `daybook quarantine list` shows all.")
    may = subject_types()[repairs.SUBJECT].proposed_by
    if seat.role not in may:
        st.caption(f"A repair is proposed by {' or '.join(may)}, and approved by others.")
        return
    by_name = {f"{one['load_id']}:{one['row_number']} {one['feed']}": one for one in found}
    chosen = st.selectbox("Row", list(by_name), key="repair.row", index=None, placeholder="Choose one to repair it")
    if chosen is not None:
        _form(seat, by_name[chosen])


def _form(seat: Seat, row: dict[str, Any]) -> None:
    text = st.text_area("Changes, one COLUMN=VALUE a line; an empty value removes", key="repair.changes", height=120)
    why = st.text_input("Why, and how you know what is right", key="repair.why", max_chars=500)
    try:
        changes = repairs.changes_of([line for line in text.splitlines() if line.strip()])
        edited = repairs.edited(row["load_id"], row["row_number"], row["feed"], row["row"], changes)
    except WarehouseError as error:
        st.warning(plain(str(error)))
        return
    for rule in edited.broken:
        st.warning(plain(f"It still breaks: {rule}"))
    if not may_decide_now():
        require_fresh_authentication()
    st.button(
        f"Propose repair of {row['load_id']}:{row['row_number']}", type="primary", key=PROPOSE,
        disabled=bool(edited.broken) or not changes or not why.strip(), on_click=_propose, args=(seat, repairs.payload(edited, changes, why)),
    )  # fmt: skip
    if isinstance(said := answer_of(PROPOSE), str):
        st.error(plain(said))


def _propose(seat: Seat, payload: dict[str, Any]) -> None:
    """Raises it and turns the page to it."""

    def make(connection: sa.Connection) -> Subject:
        return propose(connection, seat.reader, repairs.SUBJECT, seat.person.staff_id, payload, now=seat.now)

    made = raised(seat, PROPOSE, make)
    if made is not None:
        open_subject(made.subject_type, made.subject_id)
