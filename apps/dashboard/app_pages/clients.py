"""Clients: find one, see everything about them; and how clients come, stay and go."""

import streamlit as st

from apps.dashboard.client_tabs import growth
from apps.dashboard.client_tabs.record import show_record
from apps.dashboard.queries import clients as queries
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

TABS = {"search": "Search", "funnel": "Funnel", "cohorts": "Cohorts", "segments": "Segments", "triggers": "Triggers"}


def show_search(page: Page) -> None:
    """Who was meant, the best first; the only one that fits exactly is a click away."""
    if not states.available(page.frame, "Clients", queries.CLIENTS, "clients"):
        return
    asked = filters.ask("q", "Client", "id, name, e-mail, login, or a card’s fingerprint", most=100)
    if not asked:
        st.caption("Part of a name or address is enough, and so is one that is a letter off.")
        return
    found = page.read(queries.search, asked)
    if found.is_empty():
        states.nothing_matches("clients")
        st.caption("Looked at ids, logins and cards, and at names and addresses as far as your role may see them.")
        return
    chosen = table_with_export(page, found, "search", mart=queries.CLIENTS, what="clients", select=True)
    for client_id in found["client_id"].to_list()[:5] if not chosen else [found["client_id"][chosen[0]]]:
        st.page_link(page.file, label=f"Open {states.plain(client_id)}", query_params=filters.link(id=client_id))


PARTS = {
    "search": show_search, "funnel": growth.show_funnel, "cohorts": growth.show_cohorts, "segments": growth.show_segments,
    "triggers": growth.show_triggers,
}  # fmt: skip
page = header(
    "clients", "Clients", "Find a client and see everything about them; and how clients come, stay and go.",
    names=("q", "id", "part", "since", "shade", "segment", "rule"), tabs=TABS,
)  # fmt: skip
wanted = st.query_params.get("id")
if wanted:
    if states.available(page.frame, "Clients", queries.CLIENTS, "clients"):
        with states.panel():
            show_record(page, wanted)
    st.page_link(page.file, label="Back to all clients", query_params=filters.link(id=None, part=None))
else:
    opened, tabs = filters.open_tab(TABS, "clients")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page)
