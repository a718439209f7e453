"""The other ways to look at the queue: what I asked for, who is waited for, and what the next shift must know."""

from collections import Counter

import polars as pl
import streamlit as st

from apps.approvals import queue
from apps.approvals.queue import Filters, QueueRow
from apps.approvals.store import reading
from apps.dashboard.inbox import words
from apps.dashboard.inbox.seat import Seat
from apps.dashboard.ui import filters
from apps.dashboard.ui.states import plain
from apps.dashboard.ui.table import table_with_export

SHOWN = 100


def show_requests(seat: Seat) -> None:
    """What the viewer asked for, under any of their accounts: where it stands and who must act next."""
    with reading(seat.engine) as connection:
        found = queue.my_requests(seat.reader, connection, seat.person, seat.now)
    if not found:
        st.info(
            "**You asked for nothing yet.** What you propose here, or ask for in a source system under your id, appears here."
        )
        return
    for one in found[:SHOWN]:
        with st.container(border=True, key=f"request-{one.subject_type}-{one.subject_id}", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                _link(seat, one.subject_type, one.subject_id, one.title)
                said, colour = words.STATES[one.state]
                st.badge(said, color=colour, width="content")
            st.caption(f"{plain(one.says)} · asked {words.when(one.asked_at)}")
    _of(len(found))


def show_waiting(seat: Seat) -> None:
    """Everything that waits, by whom it waits for and by when."""
    rows = _rows(seat)
    if not rows:
        st.info("**Nothing waits.** Nothing that you may see awaits anybody.")
        return
    counts = Counter(role for row in rows for role in row.waiting_for)
    late = Counter(role for row in rows if row.breached for role in row.waiting_for)
    st.dataframe(
        [{"waiting for": role, "subjects": count, "breached": late[role]} for role, count in counts.most_common()],
        hide_index=True, key="waiting-roles", alt="Subjects by the role they wait for", height="content", width=420,
    )  # fmt: skip
    for row in rows[:SHOWN]:
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"waiting-{row.key[0]}-{row.key[1]}"
        ):
            said, colour = words.due(row.due_at, seat.now)
            st.badge(said, color=colour, width="content")
            _link(seat, *row.key, row.subject.title)
            st.caption(plain(row.next), width="content")
    _of(len(rows))
    with st.expander("As a table, and as a file"):
        table_with_export(seat.page, _table(rows), "waiting", mart="approvals", what="subjects")


def _table(rows: list[QueueRow]) -> pl.DataFrame:
    """The rows of a queue, one line a subject."""
    lines = [
        {
            "subject_type": row.key[0], "subject_id": row.key[1], "title": row.subject.title, "entity": row.subject.entity,
            "client_id": row.subject.client_id, "amount": row.subject.amount, "currency": row.subject.currency,
            "amount_eur": row.subject.amount_eur, "state": row.state, "step": row.step, "steps": row.steps,
            "waiting_for": " or ".join(row.waiting_for), "opened_at": row.subject.opened_at, "due_at": row.due_at, "breached": row.breached,
            "claimed_by": row.claimed_by, "snoozed_until": row.snoozed_until,
        }
        for row in rows
    ]  # fmt: skip
    money, moment = pl.Decimal(38, 8), pl.Datetime("us")
    exact = {
        "amount": money,
        "amount_eur": money,
        "opened_at": moment,
        "due_at": moment,
        "snoozed_until": moment,
        "claimed_by": pl.Utf8,
    }
    return pl.DataFrame(lines, infer_schema_length=None, schema_overrides=exact)


def show_handover(seat: Seat) -> None:
    """For the shift that takes over: claimed, in breach, snoozed, and open, with who is on it."""
    with reading(seat.engine) as connection:
        found = queue.handover(seat.reader, connection, seat.person, seat.now)
    holders = Counter(row.claimed_by for row in found.claimed)
    on = ", ".join(f"{plain(who)} holds {count}" for who, count in holders.most_common()) or "nobody holds anything"
    st.markdown(
        f"**{len(found.open)}** open · **{len(found.claimed)}** claimed · **{len(found.breached)}** breached · "
        f"**{len(found.snoozed)}** snoozed; {on}."
    )
    sections = (
        ("Breached", found.breached, "Nothing is late."), ("Claimed", found.claimed, "Nobody holds anything."),
        ("Snoozed", found.snoozed, "Nothing sleeps."), ("Open", found.open, "Nothing is open that nobody holds."),
    )  # fmt: skip
    for title, rows, nothing in sections:
        st.subheader(f"{title} · {len(rows)}", anchor=False)
        if not rows:
            st.caption(nothing)
        for row in rows[:SHOWN]:
            _line(seat, row, title)
        if len(rows) > SHOWN:
            _of(len(rows))


def _line(seat: Seat, row: QueueRow, section: str) -> None:
    held = words.held(row, seat.person.staff_id)
    asleep = f"snoozed until {words.when(row.snoozed_until)}" if row.snoozed_until else ""
    said, colour = words.due(row.due_at, seat.now)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"shift-{section}-{row.key[0]}-{row.key[1]}"
    ):
        st.badge(said, color=colour, width="content")
        _link(seat, *row.key, row.subject.title)
        st.caption(
            " · ".join(
                one for one in (held, asleep, f"for {' or '.join(row.waiting_for)}" if row.waiting_for else "") if one
            ),
            width="content",
        )


def _rows(seat: Seat) -> list[QueueRow]:
    with st.container(width=320):
        entity = filters.entity(seat.page.frame)
    wanted = Filters(with_snoozed=True, entities=frozenset() if entity is None else frozenset({entity}))
    with reading(seat.engine) as connection:
        return queue.inbox(seat.reader, connection, seat.person, seat.now, wanted)


def _link(seat: Seat, subject_type: str, subject_id: str, title: str) -> None:
    st.page_link(
        seat.page.file,
        label=plain(title),
        width="content",
        query_params=filters.link(subject=f"{subject_type}:{subject_id}", tab=None),
    )


def _of(count: int) -> None:
    st.caption(f"{min(count, SHOWN)} of {count}" + ("; narrow them in the inbox" if count > SHOWN else ""))
