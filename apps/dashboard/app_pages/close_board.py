"""Close board: where a day or a month stands in each entity, what blocks its close, and the proposal to close or reopen it."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any

import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.books import proposals
from apps.dashboard.queries import close_board
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = close_board.BALANCES
TABS = {"board": "Board", "periods": "Closed periods"}
DAYS, MONTHS = 14, 12
BLOCKING = {
    "open_breaks": ("open break", "open breaks"), "not_posted": ("event not posted", "events not posted"),
    "days_short": ("day of client money short", "days of client money short"),
    "statements_missing": ("bank statement missing", "bank statements missing"),
}  # fmt: skip


def choices(newest: date) -> dict[str, str]:
    """The days and months that could be closed, the newest whole day first: code → label."""
    days = [newest - timedelta(days=back) for back in range(1, DAYS + 1)]
    months, month = [], newest.replace(day=1)
    for _ in range(MONTHS):
        month = (month - timedelta(days=1)).replace(day=1)
        months.append(month)
    return {f"{day}": f"{day:%a %d %b %Y}" for day in days} | {f"{one:%Y-%m}": f"{one:%B %Y}" for one in months}


def span(period: str) -> tuple[date, date]:
    """First and last day of a period.

    >>> span("2026-02"), span("2026-02-03")[0] == span("2026-02-03")[1]
    ((datetime.date(2026, 2, 1), datetime.date(2026, 2, 28)), True)
    """
    if len(period) == 10:
        return date.fromisoformat(period), date.fromisoformat(period)
    first = date.fromisoformat(f"{period}-01")
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def show_board(page: Page) -> None:
    """Each entity with what is in the way; then one of them in full."""
    options = choices(page.frame.last_day)
    period = filters.choose(
        "close",
        "Period to close",
        options,
        next(iter(options)),
        help="Breaks that began by its last day count, whenever they began.",
    )
    first, last = span(period)
    board = page.read(close_board.board, period, first, last)
    if board.is_empty():
        states.nothing_matches("entities")
        return
    ready = [row["entity"] for row in board.iter_rows(named=True) if row["status"] == "open" and not _blocked(row)]
    if ready:
        st.success(f"**Nothing blocks the close** of {options[period]} in {', '.join(ready)}.")
    for column, row in zip(st.columns(board.height), board.iter_rows(named=True), strict=True):
        with column, st.container(border=True, height="stretch", gap="xxsmall"):
            show_card(page, row)
    table_with_export(page, board, "board", mart=MART, what="entities")
    names = {row["entity"]: row["entity"] for row in board.iter_rows(named=True)}
    entity = filters.choose("of", "What blocks", names, next(iter(names)))
    show_entity(page, next(row for row in board.iter_rows(named=True) if row["entity"] == entity), period)


def _blocked(row: dict[str, Any]) -> bool:
    return any(row[name] for name in BLOCKING)


def show_card(page: Page, row: dict[str, Any]) -> None:
    """One entity: its state and what is in the way, each a count."""
    st.markdown(f"**{states.plain(row['entity'])}**")
    st.badge(row["status"], color="green" if row["status"] == "closed" else "orange" if _blocked(row) else "blue")
    for name, (one, many) in BLOCKING.items():
        if row[name]:
            st.caption(f"✗ {row[name]:,} {one if row[name] == 1 else many}")
    if not _blocked(row):
        st.caption("✓ nothing blocks it")
    st.caption(f"closed until {row['closed_until']}" if row["closed_until"] else "never closed yet")
    st.page_link(page.file, label="What blocks it", query_params=filters.link(of=row["entity"]))


def show_entity(page: Page, row: dict[str, Any], period: str) -> None:
    """Every blocker of one entity with whose it is, and the close or the reopening."""
    entity, (first, last) = row["entity"], span(period)
    left, right = st.columns([3, 2])
    with left:
        st.subheader(f"{states.plain(entity)}: open breaks", anchor=False)
        found = page.read(close_board.blocking_breaks, entity, last)
        if found.is_empty():
            st.success("**No break is open.**")
        else:
            chosen = table_with_export(
                page, found, "blocking-breaks", mart=close_board.BREAKS, what="classes", select=True, height=300
            )
            for number in chosen:
                show_breaks_link(found.row(number, named=True), entity)
        table = page.read(close_board.differing, entity, last)
        st.subheader("Bank accounts, ledger and statement", anchor=False)
        table_with_export(page, table, "bank-accounts", mart=close_board.BANK, what="bank accounts", height=240)
    with right:
        show_rest(page, row, period)
        st.subheader("The period", anchor=False)
        show_proposal(page, row, period)
    if row["not_posted"]:
        st.subheader("Events not posted", anchor=False)
        table_with_export(
            page, close_board.not_posted(entity, first, last), "not-posted", mart=close_board.UNPOSTED, what="events"
        )


def show_breaks_link(row: dict[str, Any], entity: str) -> None:
    """From a class of breaks to the breaks, and to the largest of them."""
    for label, query in (
        (
            f"All {row['class'].replace('_', ' ')} of {entity}",
            {"class": row["class"], "reconciliation": row["reconciliation"]},
        ),
        (f"The largest: {row['largest_break_id']}", {"break": row["largest_break_id"]}),
    ):
        st.page_link(
            navigation.page_file("reconciliations"),
            label=states.plain(label),
            query_params=filters.kept() | query | {"entity": entity},
        )


def show_rest(page: Page, row: dict[str, Any], period: str) -> None:
    """Statements that have not come, and days on which client money was short."""
    entity, (first, last) = row["entity"], span(period)
    if row["statements_missing"]:
        st.subheader("Bank statements missing", anchor=False)
        late = page.read(close_board.missing_statements, entity, last)
        table_with_export(page, late, "statements-missing", mart=close_board.BANK, what="bank accounts", height=200)
    if row["days_short"]:
        st.subheader("Client money short", anchor=False)
        short = page.read(close_board.short_days, entity, first, last)
        table_with_export(page, short, "client-money-short", mart=close_board.MONEY, what="days", height=200)


def show_proposal(page: Page, row: dict[str, Any], period: str) -> None:
    """Closing it, or opening it again with an explanation; both are decided by somebody else."""
    entity = row["entity"]
    if row["status"] == "closed":
        st.caption(
            f"Closed, approved by **{states.plain(row['approved_by'])}** at {row['changed_at']:%Y-%m-%d %H:%M} UTC. A late event is booked after it."
        )
        why = st.text_input("Why it must be opened again", key="reopen.why", max_chars=500)
        proposals.offer(
            page, "period_reopening", f"Propose to reopen {entity} {period}", payload={"period": period, "explanation": why.strip()},
            entity=entity, missing="" if why.strip() else "Say why first.",
        )  # fmt: skip
        return
    if _blocked(row):
        st.warning(
            "**Something still blocks it.** The policy's checks run again when it is decided; leadership may override them with a reason."
        )
    proposals.offer(
        page, "period_close", f"Propose to close {entity} {period}", payload={"period": period}, entity=entity
    )


def show_periods(page: Page) -> None:
    """Every period that was ever closed."""
    if not page.frame.loaded(close_board.PERIODS):
        st.info("**No period was closed yet.** A close is proposed on the board and decided in Approvals.")
        return
    table_with_export(page, close_board.periods(), "periods", mart=close_board.PERIODS, what="periods")


page = header(
    "close_board", "Close board", "Where a day or a month stands in each entity, what blocks its close, and who has it.",
    names=("close", "of"), tabs=TABS, live=True,
)  # fmt: skip
if states.available(page.frame, "The ledger", MART, "psp_transactions, cash_requests, deals, bank_statement_lines"):
    opened, tabs = filters.open_tab(TABS, "close_board")
    with tabs[list(TABS).index(opened)], states.panel():
        {"board": show_board, "periods": show_periods}[opened](page)
