"""The list of what waits: filters in the address, tiles that are filters, one row a subject, take next, and safe bulk."""

from dataclasses import replace
from decimal import Decimal

import sqlalchemy as sa
import streamlit as st

from apps.approvals import policies, queue
from apps.approvals.chain import new_id
from apps.approvals.orders import Order
from apps.approvals.queue import READS_ALL, Filters, QueueRow
from apps.approvals.reasons import reasons
from apps.approvals.store import reading
from apps.approvals.subject import find, subject_types
from apps.dashboard.inbox import words
from apps.dashboard.inbox.seat import Seat, may_decide_now, remember, send_all, take_next
from apps.dashboard.queries import approvals_store
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.filters import ALL
from apps.dashboard.ui.states import plain

POLL_SECONDS = 4
ROWS = 15
MOST_IN_BULK = 50
STATES = {ALL: "Any state"} | {
    name: words.STATES[name][0] for name in ("open", "waiting", "info_requested", "escalated", "expired")
}
WHOSE = {ALL: "Everybody's", "mine": "Mine to decide", "held": "Held by me"}
SHOW = {ALL: "Everything", "breached": "Breached", "unusual": "Unusual", "snoozed": "Snoozed too"}
NAMES = ("type", "state", "whose", "show", "subject")
TICKED = "inbox.ticked"
RESULTS = "inbox.bulk"


def select(seat: Seat) -> Filters:
    """The filters of the address, drawn as widgets."""
    kinds = {ALL: "All subjects"} | {name: kind.label for name, kind in subject_types().items()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="inbox-filters"):
        entity = filters.entity(seat.page.frame)
        kind = filters.choose("type", "Subject", kinds, ALL)
        state = filters.choose("state", "State", STATES, ALL)
        whose = filters.choose("whose", "Whose", WHOSE, ALL)
        show = filters.choose("show", "Show", SHOW, ALL)
    return Filters(
        types=frozenset() if kind == ALL else frozenset({kind}),
        entities=frozenset() if entity is None else frozenset({entity}),
        states=frozenset() if state == ALL else frozenset({state}),
        mine_to_decide=whose == "mine",
        claimed_by_me=whose == "held",
        breached=show == "breached",
        unusual=show == "unusual",
        with_snoozed=show == "snoozed",
    )


def has_queue(seat: Seat) -> bool:
    """Whether any policy in force asks this person's role, or they audit."""
    with reading(seat.engine) as connection:
        return bool(asked_kinds(seat, connection))


def asked_kinds(seat: Seat, connection: sa.Connection) -> set[str]:
    """The kinds of subject on which a policy in force lets this person's role act, or look."""
    book = policies.book(connection, seat.now)
    return {one.subject_type for one in book.policies if seat.role in READS_ALL or seat.role in one.concerned}


def show_inbox(seat: Seat) -> None:
    """The whole list: who has no queue is told whom to ask."""
    if not has_queue(seat):
        st.info(
            f"**You have no queue.** No policy asks the role {seat.role} to decide anything; *My requests* shows what you asked for. "
            "Who should decide asks compliance for a change of policy, or the admin for another role."
        )
        return
    wanted = select(seat)
    _take_next(seat, wanted)
    _live_list(seat, wanted)
    _bulk_results()


def take_next_button(seat: Seat, wanted: Filters, *, primary: bool = True) -> None:
    """Claims the most urgent subject that nobody holds and opens it; the filters of the list hold for it too."""
    key = st.session_state.setdefault("inbox.next", new_id())

    def take() -> None:
        answer = take_next(seat, key, wanted)
        st.session_state["inbox.next"] = new_id()
        if answer.done and answer.subject_id:
            open_subject(answer.subject_type, answer.subject_id)
        remember(answer)

    st.button(
        "Take next", key="take-next", type="primary" if primary else "secondary", shortcut="Alt+N", on_click=take,
        disabled=seat.role in READS_ALL, help="Claims the most urgent one that you may decide and nobody holds",
    )  # fmt: skip


def open_subject(subject_type: str, subject_id: str) -> None:
    """Turns the page to this subject; the filters of the list stay."""
    st.query_params["subject"] = f"{subject_type}:{subject_id}"
    st.query_params.pop("tab", None)


def _take_next(seat: Seat, wanted: Filters) -> None:
    if seat.role not in READS_ALL:
        take_next_button(seat, replace(wanted, states=frozenset(), mine_to_decide=False, claimed_by_me=False))
    said = st.session_state.get("inbox.answer")
    if said and not said["answer"].subject_id:
        st.info(said["answer"].said)


@st.fragment(run_every=POLL_SECONDS)
def _live_list(seat: Seat, wanted: Filters) -> None:
    """Asked again every few seconds: what was decided elsewhere is gone."""
    with states.panel():
        with reading(seat.engine) as connection:
            everything = queue.inbox(
                seat.reader,
                connection,
                seat.person,
                seat.now,
                replace(wanted, with_snoozed=True, breached=False, unusual=False),
            )
        rows = [row for row in everything if _shown(row, wanted)]
        _tiles(seat, everything)
        if rows:
            _rows(seat, rows)
            _bulk(seat, rows)
        else:
            _nothing(seat, wanted, bool(everything))


def _shown(row: QueueRow, wanted: Filters) -> bool:
    return all((
        wanted.with_snoozed or row.snoozed_until is None,
        not wanted.breached or row.breached,
        not wanted.unusual or bool(row.subject.unusual),
    ))  # fmt: skip


def _tiles(seat: Seat, rows: list[QueueRow]) -> None:
    """Four counts; each is a filter."""
    awake = [row for row in rows if row.snoozed_until is None]
    counts = (
        ("Mine to decide", sum(row.may_decide for row in awake), {"whose": "mine", "show": None}),
        ("Breached", sum(row.breached for row in awake), {"show": "breached"}),
        ("Unusual", sum(bool(row.subject.unusual) for row in awake), {"show": "unusual"}),
        ("In all", len(awake), {"whose": None, "show": None, "state": None}),
    )
    with st.container(horizontal=True, key="inbox-tiles", gap="small"):
        for label, count, change in counts:
            st.page_link(
                seat.page.file,
                label=f"**{count}** {label.lower()}",
                query_params=filters.link(**change),
                width="content",
            )


def _rows(seat: Seat, rows: list[QueueRow]) -> None:
    pages = -(-len(rows) // ROWS)
    number = min(st.session_state.get("inbox.at", 1), pages)
    with st.container(gap="xsmall"):
        for row in rows[(number - 1) * ROWS : number * ROWS]:
            _row(seat, row)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, key="inbox.at")
        first = (number - 1) * ROWS
        st.caption(f"{first + 1}–{min(first + ROWS, len(rows))} of {len(rows)}, the most urgent first", width="content")


def _row(seat: Seat, row: QueueRow) -> None:
    subject = row.subject
    late, colour = words.due(row.due_at, seat.now)
    name = f"{subject.subject_type}-{subject.subject_id}"
    with st.container(border=True, key=f"inbox-row-{name}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                if in_bulk(seat, row):
                    st.checkbox("Select for bulk", key=f"tick.{name}", label_visibility="collapsed", width="content")
                st.page_link(
                    seat.page.file, label=f"**{plain(subject.title)}**", width="content",
                    query_params=filters.link(subject=f"{subject.subject_type}:{subject.subject_id}", tab=None),
                )  # fmt: skip
            st.badge(late, color=colour, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            for said in subject.unusual:
                st.badge(plain(said), color="orange", width="content")
            if row.state != "open":
                said, colour = words.STATES[row.state]
                st.badge(said, color=colour, width="content")
            if row.snoozed_until is not None:
                st.badge(f"snoozed until {words.when(row.snoozed_until)}", color="violet", width="content")
            st.caption(_about(seat, row), width="content")


def _about(seat: Seat, row: QueueRow) -> str:
    """The second line of a row: for whom, since when, whose turn."""
    subject = row.subject
    step = f"step {row.step} of {row.steps}" if row.steps > 1 else ""
    turn = "yours to decide" if row.may_decide else f"for {' or '.join(row.waiting_for)}" if row.waiting_for else ""
    asked = f"asked {words.span(seat.now - subject.opened_at)} ago" if subject.opened_at <= seat.now else ""
    client = f"client {plain(subject.client_id)}" if subject.client_id else ""
    said = (client, subject.entity or "", asked, step, turn, words.held(row, seat.person.staff_id))
    return " · ".join(one for one in said if one)


def in_bulk(seat: Seat, row: QueueRow) -> bool:
    """Whether the row may be decided together with equal ones: small, one approver, nothing unusual, nobody on it."""
    policy, amount = row.policy, row.subject.amount_eur
    return (
        row.may_decide and policy is not None and amount is not None and len(policy.steps) == 1 and abs(amount) < policy.bulk_below_eur
        and not row.subject.unusual and row.state in ("open", "escalated") and row.claimed_by in (None, seat.person.staff_id)
    )  # fmt: skip


def _nothing(seat: Seat, wanted: Filters, others: bool) -> None:
    if others or wanted != Filters(entities=wanted.entities):
        states.nothing_matches("subjects")
        return
    with reading(seat.engine) as connection:
        last = approvals_store.taken(connection, kinds=sorted(asked_kinds(seat, connection)), limit=1)
    said = (
        f" Last item {words.when(last[0].decided_at)} by {last[0].actor_id}."
        if last
        else " Nothing was decided here yet."
    )
    st.success(f"**Queue clear.**{said}")


def _bulk(seat: Seat, rows: list[QueueRow]) -> None:
    """Approves the ticked rows, each in its own transaction, with a result for each; only equal ones."""
    ticked = [row for row in rows if st.session_state.get(f"tick.{row.subject.subject_type}-{row.subject.subject_id}")]
    if not ticked:
        return
    kinds = {row.subject.subject_type for row in ticked}
    with st.container(border=True, key="inbox-bulk"):
        if len(kinds) > 1 or len(ticked) > MOST_IN_BULK:
            st.warning(
                f"In bulk only one kind of subject, and at most {MOST_IN_BULK}. You chose {len(ticked)} of {len(kinds)} kinds."
            )
            return
        kind = kinds.pop()
        label = f"Approve {len(ticked)} × {words.label(kind).lower()}, {_sum(ticked)}"
        codes = {one.code: one.text for one in reasons(kind, "approve", seat.now) if not one.needs_note}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            reason = st.selectbox(
                "Reason for all", list(codes), format_func=lambda code: codes[code], key="bulk.reason"
            )
            if not may_decide_now():
                require_fresh_authentication()
            key = st.session_state.setdefault("bulk.key", new_id())
            st.button(
                label,
                type="primary",
                key="bulk.go",
                on_click=_decide_all,
                args=(seat, _orders(seat, ticked, reason, key)),
            )


def _sum(rows: list[QueueRow]) -> str:
    """The amounts of the rows, added up by currency."""
    totals: dict[str | None, Decimal] = {}
    for row in rows:
        amount = abs(row.subject.amount or Decimal(0))
        totals[row.subject.currency] = totals.get(row.subject.currency, Decimal(0)) + amount
    return " + ".join(words.money(total, currency) for currency, total in totals.items())


def _orders(seat: Seat, rows: list[QueueRow], reason: str, key: str) -> list[tuple[str, Order]]:
    """What each ticked row would be decided on: its facts with the evidence, as they are while the button is on screen."""
    orders = []
    with reading(seat.engine) as connection:
        for row in rows:
            subject = find(seat.reader, connection, *row.key, closed_too=True)
            order = Order(
                "approve", *row.key, seat.person.staff_id, f"{key}.{row.subject.subject_id}", version=row.version,
                facts_hash=subject.facts_hash, reason_code=reason,
            )  # fmt: skip
            orders.append((subject.title, order))
    return orders


def _decide_all(seat: Seat, orders: list[tuple[str, Order]]) -> None:
    if not may_decide_now():
        return
    answers = send_all(seat, [order for _, order in orders])
    st.session_state[RESULTS] = [
        (title, answer.done, answer.said) for (title, _), answer in zip(orders, answers, strict=True)
    ]
    st.session_state["bulk.key"] = new_id()


def _bulk_results() -> None:
    """One line a row of the last bulk order, until the next one."""
    results = st.session_state.get(RESULTS)
    if not results:
        return
    done = sum(ok for _, ok, _ in results)
    with st.container(border=True, key="bulk-results"):
        st.markdown(f"**{done} of {len(results)} approved.**")
        st.dataframe(
            [{"what": title, "result": "✓ done" if ok else "✗ refused", "said": said} for title, ok, said in results],
            hide_index=True, key="bulk.results", alt="One result a row of the bulk order",
        )  # fmt: skip
        st.button("Close", key="bulk.close", on_click=lambda: st.session_state.pop(RESULTS, None))
