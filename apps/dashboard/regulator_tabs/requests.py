"""Requests R2 to R10: choose one, see its rows, take them away with their manifest."""

from datetime import datetime, time, timedelta
from typing import Any

import streamlit as st

from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export
from apps.dossier.questions import question
from apps.dossier.requests import RequestRefused, offered, respond


def show_requests(page: Page, client: str) -> None:
    """The request of the address with the page's entity and period; only those that the role may ask are offered."""
    choices = {one.name: f"{one.name} {one.title}" for one in offered(page.reader)}
    if not choices:
        states.not_granted("requests", page.reader.role)
        return
    name = filters.choose("request", "Request", choices, next(iter(choices)))
    asked = next(one for one in offered(page.reader) if one.name == name)
    given = {key: value for key, value in _given(page, client).items() if key in (*asked.needs, *asked.may)}
    if "client_id" in asked.needs and not client:
        st.info("**Which client?** This request is about one client: write the id above.")
        return
    try:
        found = respond(page.reader, name, given, f"{page.frame.viewer.name} ({page.frame.viewer.user})")
    except RequestRefused as error:
        states.refused(states.plain(str(error)))
        return
    mart = min(question(asked.sql[0]).marts)
    table_with_export(page, found.rows, f"request-{name}", mart=mart, what="rows", manifest=found.manifest)
    if asked.not_carried:
        st.caption(f"No feed carries: {', '.join(asked.not_carried)}.")
    st.caption(f"SHA-256 of the rows as CSV: `{found.sha256}`. It stands in the manifest of both files.")


def _given(page: Page, client: str) -> dict[str, Any]:
    """The page's filters as parameters: the period's days, and its last day for a state at a date."""
    period = page.period
    return {
        "client_id": client or None,
        "entity": page.entity,
        "from": datetime.combine(period.start, time()),
        "until": datetime.combine(period.until, time()),
        "at": datetime.combine(period.until - timedelta(days=1), time()),
    }
