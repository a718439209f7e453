"""Linked persons: which records are one person, and who shares what with whom, drawn and explained edge by edge."""

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import alerts, common
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.network import network
from apps.dashboard.ui.table import table_with_export

# more links than this are a table alone: a drawing of them shows nothing
MOST = 60


def show_client(page: Page, client: str) -> None:
    """The client’s network, each link with what it rests on."""
    links = page.read(common.whole, alerts.around(client))
    if links.is_empty():
        st.info(f"**No link.** Client {states.plain(client)} shares nothing with anybody, or is not known.")
        return
    persons = pl.concat([links["from_person_id"], links["to_person_id"]]).n_unique()
    records = pl.concat([links["from_id"], links["to_id"]]).n_unique()
    st.caption(f"{records} records, {persons} persons, within two steps of client {states.plain(client)}.")
    if links.height <= MOST:
        ids = pl.concat([links["from_id"], links["to_id"]]).unique().sort().to_list()
        found = page.read(alerts.alerts_of, ids)
        raised = dict(zip(found["client_id"].to_list(), found["scenarios"].to_list(), strict=True))
        figure = network(links.to_dicts(), client, raised)
        st.plotly_chart(figure, alt=f"Who client {client} is linked to", key="network")
        st.caption(
            "Solid: one person (an equal name and birth date, an equal document, or a staff record). Dotted: something shared. "
            "A diamond has open alerts."
        )
    else:
        st.caption(f"{links.height} links are too many to draw; the table below has them all.")
    table_with_export(page, links, "links", mart=alerts.LINKS, what="links")
    if "alerts" in page.frame.viewer.pages:
        st.page_link(
            navigation.page_file("alerts"), label=f"Alerts on client {states.plain(client)}",
            query_params=filters.kept() | {"client": client, "state": "all"},
        )  # fmt: skip


def show_list(page: Page) -> None:
    """Who is linked the most, to choose from."""
    rows = alerts.most_linked()
    chosen = table_with_export(page, rows, "linked", mart=alerts.LINKS, what="linked clients", select=True)
    if chosen:
        client = page.read(common.one, rows, chosen[0])["client_id"][0]
        st.page_link(page.file, label=f"Draw {states.plain(client)}", query_params=filters.link(client=client))


page = header(
    "linked_persons",
    "Linked persons",
    "Which records are one person, and who shares what with whom.",
    names=("client",),
)
if states.available(page.frame, "Links", alerts.LINKS, "clients"):
    with states.panel():
        client = filters.ask("client", "Client id", "the client’s id")
        if client:
            show_client(page, client)
            st.page_link(page.file, label="Back to the list", query_params=filters.link(client=None))
        else:
            show_list(page)
