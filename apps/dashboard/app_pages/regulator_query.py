"""Regulator query: one id and everything that happened to it, or one of a regulator's requests for many rows."""

import streamlit as st

from apps.dashboard.queries import common
from apps.dashboard.queries import regulator_query as queries
from apps.dashboard.regulator_tabs.answer import answer, show_answer
from apps.dashboard.regulator_tabs.requests import show_requests
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dossier import DossierNotFound
from apps.dossier.subjects import kinds

TABS = {"dossier": "One id", "requests": "Requests R2–R10"}
WANTED = {"all": "All withdrawals", "failures": "With a control failure"}


def show_dossier(page: Page) -> None:
    """The subject and id that were asked for, answered; without an id the withdrawals to choose from."""
    subject = filters.choose(
        "subject", "What is asked about", {one.name: one.label for one in kinds().values()}, "withdrawal"
    )
    identifier = filters.ask(
        "id", f"{kinds()[subject].label}: its id", "the id as the CRM, the provider or the regulator writes it"
    )
    with states.panel():
        if identifier:
            found = answer(page, subject, identifier)
            if isinstance(found, DossierNotFound):
                say_unknown(page, found)
            else:
                show_answer(page, found)
            st.page_link(page.file, label="Back to the list", query_params=filters.link(id=None))
        elif subject == "withdrawal":
            show_list(page)
        else:
            st.caption("Write an id; one that does not exist is answered with the nearest that do.")


def say_unknown(page: Page, error: DossierNotFound) -> None:
    """What was searched, up to when, and the ids most like it, as links."""
    st.warning(f"**No such {kinds()[error.subject].label.lower()}.**")
    st.text(str(error))
    for near in error.nearest:
        st.page_link(page.file, label=states.plain(near), query_params=filters.link(id=near))


def show_list(page: Page) -> None:
    """The withdrawals of the period to choose from."""
    if not states.available(page.frame, "Withdrawals", queries.WITHDRAWALS, "cash_requests"):
        return
    wanted = filters.choose("show", "Show", WANTED, "all")
    rows = queries.withdrawals(page.scope, wanted == "failures")
    chosen = table_with_export(page, rows, "withdrawals", mart=queries.WITHDRAWALS, what="withdrawals", select=True)
    if chosen:
        identifier = page.read(common.one, rows, chosen[0])["request_id"][0]
        st.page_link(page.file, label=f"Open {states.plain(identifier)}", query_params=filters.link(id=identifier))


page = header(
    "regulator_query", "Regulator query", "Who approved this, what was checked before, and what was the client’s status at the time?",
    names=("id", "show", "subject", "client", "request"), tabs=TABS,
)  # fmt: skip
opened, places = filters.open_tab(TABS, page.name)
with places[list(TABS).index(opened)]:
    if opened == "dossier":
        show_dossier(page)
    else:
        client = filters.ask("client", "Client id, for what is about one client", "the client’s id")
        with states.panel():
            show_requests(page, client)
