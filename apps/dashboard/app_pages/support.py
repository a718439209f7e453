"""Support: how many ask, how long they wait, and which complaints have a clock running."""

from collections.abc import Callable

import streamlit as st

from apps.dashboard.queries import support as queries
from apps.dashboard.ui import charts, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.metric_tiles import metric_tiles
from apps.dashboard.ui.table import table_with_export

MART = queries.TICKETS
TABS = {"tickets": "Tickets", "waiting": "Open now", "complaints": "Complaints", "rows": "Rows"}
TILES = (
    "tickets_opened", "first_response_business_hours", "ticket_sla", "first_response_hours", "first_contact_resolution", "reopen_rate", "complaints",
    "complaints_per_thousand",
)  # fmt: skip


def show_tickets(page: Page) -> None:
    """Tickets by day and channel, how long the first answer took, and the target by priority."""
    days = page.read(queries.by_day, page.scope)
    if days.is_empty():
        states.nothing_matches("tickets")
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Opened, by channel", anchor=False)
        figure = charts.stacked_bars(
            days, series="channel", value="tickets", complete_until=page.complete_until, unit="tickets"
        )
        st.plotly_chart(figure, alt="Tickets by day and channel", key="tickets")
    with right:
        st.subheader("First answer by a person", anchor=False)
        classes = page.read(queries.response_classes, page.scope)
        figure = charts.histogram(
            classes, label="class", value="tickets", unit="tickets, by business hours waited", mark="≤ 27 h"
        )
        st.plotly_chart(figure, alt="Tickets by business hours to the first answer", key="responses")
    st.subheader("By priority, in business hours of the client’s entity", anchor=False)
    table_with_export(
        page, page.read(queries.by_priority, page.scope), "by-priority", mart=queries.TIMES, what="priorities"
    )
    table_with_export(page, days.sort("day", descending=True), "tickets-by-day", mart=MART, what="days", height=240)


def show_waiting(page: Page) -> None:
    """What is open now; whatever the period."""
    st.caption("Past its target and the oldest first; the period does not narrow this list.")
    rows = queries.waiting(page.scope)
    _open_client(page, rows, table_with_export(page, rows, "open-tickets", mart=MART, what="open tickets", select=True))


def show_complaints(page: Page) -> None:
    """Complaints with their clocks."""
    rows = queries.complaints(page.scope)
    _open_client(page, rows, table_with_export(page, rows, "complaints", mart=MART, what="complaints", select=True))


def _open_client(page: Page, rows: queries.Rows, chosen: list[int]) -> None:
    if chosen and "clients" in page.frame.viewer.pages:
        from apps.dashboard.queries import common

        client_id = page.read(common.one, rows, chosen[0])["client_id"][0]
        if client_id:
            parameters = filters.kept() | {"id": client_id, "part": "contact"}
            st.page_link(
                page.file.with_name("clients.py"), label=f"Open {states.plain(client_id)}", query_params=parameters
            )


def show_rows(page: Page) -> None:
    """The tickets of the period with both clocks."""
    table_with_export(page, queries.tickets(page.scope), "tickets", mart=MART, what="tickets")


PARTS: dict[str, Callable[[Page], None]] = {
    "tickets": show_tickets, "waiting": show_waiting, "complaints": show_complaints, "rows": show_rows,
}  # fmt: skip
page = header(
    "support", "Support", "How many ask, how long they wait, and which complaints have a clock running.", tabs=TABS
)
if states.available(page.frame, "Tickets", queries.TIMES, "tickets"):
    with states.panel():
        metric_tiles(
            page, TILES, {name: {"tab": "complaints" if name.startswith("complaints") else "rows"} for name in TILES}
        )
    opened, tabs = filters.open_tab(TABS, "support")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page)
