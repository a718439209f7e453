"""Alerts: what the monitoring scenarios found, each with the events it rests on, the rule that found it and the other clients concerned."""

import json
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import alerts, common
from apps.dashboard.ui import charts, figures, filters, states, theme
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

OPEN = {"NEW", "ASSIGNED", "INVESTIGATING"}
STATES = {"open": "Open", "closed": "Closed", "all": "All"}
COLOURS = {"critical": theme.VERMILION, "high": theme.ORANGE, "medium": theme.SKY}


def show_list(page: Page) -> None:
    """Findings by day, then every alert of the period to choose from."""
    catalogue = page.read(alerts.scenarios)
    names = {row["scenario"]: f"{row['scenario']} {row['title']}" for row in catalogue.iter_rows(named=True)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scenario = filters.choose("scenario", "Scenario", {"all": "All scenarios"} | names, "all")
        state = filters.choose("state", "Status", STATES, "open")
    client = st.query_params.get("client")
    wanted = (None if scenario == "all" else scenario, state, client)
    if client:
        label = f"Of client {states.plain(client)} alone. Show all clients"
        st.page_link(page.file, label=label, query_params=filters.link(client=None))
    show_not_evaluated(catalogue)
    days = page.read(alerts.by_day, page.scope, *wanted)
    if days["day"].n_unique() > 1:
        figure = charts.stacked_bars(
            days, series="series", value="alerts", complete_until=page.complete_until, unit="findings", colours=COLOURS
        )
        st.plotly_chart(figure, alt="Findings by the day they became complete", key="by-day")
    rows = alerts.alerts(page.scope, *wanted)
    chosen = table_with_export(page, rows, "alerts", mart=alerts.ALERTS, what="alerts", select=True)
    if chosen:
        identifier = page.read(common.one, rows, chosen[0])["alert_id"][0]
        st.page_link(page.file, label=f"Open {states.plain(identifier)}", query_params=filters.link(id=identifier))


def show_not_evaluated(catalogue: pl.DataFrame) -> None:
    """The scenarios whose silence says nothing."""
    blind = catalogue.filter(pl.col("evaluation") == "not_evaluated")
    if not blind.is_empty():
        said = "; ".join(f"{row['scenario']} (no {row['missing_feeds']})" for row in blind.iter_rows(named=True))
        st.warning(f"**Not evaluated:** {states.plain(said)}. No alert of theirs means nothing.")


def show_alert(page: Page, identifier: str) -> None:
    """One alert: what was found in words, its rule, its evidence and the other clients concerned."""
    found = page.read(alerts.alert, identifier)
    if found.is_empty():
        st.warning(f"**No such alert.** Nothing is published under {states.plain(identifier)}.")
        return
    row = found.row(0, named=True)
    st.subheader(f"{row['scenario']} on client {states.plain(row['client_id'])}", anchor=False)
    with st.container(border=True):
        st.text(f"{row['detail'] or ''}.")
        if row["evaluated_on"]:
            st.caption(f"Evaluated on: {states.plain(row['evaluated_on'])}")
    show_facts(row)
    st.subheader("Evidence", anchor=False)
    table_with_export(page, alerts.evidence(identifier), "evidence", mart=alerts.EVENTS, what="pieces of evidence")
    st.subheader("Clients concerned by this finding", anchor=False)
    table_with_export(page, alerts.group(row["group_id"]), "group", mart=alerts.ALERTS, what="clients")
    show_parameters(row)
    with st.container(horizontal=True):
        if "approvals" in page.frame.viewer.pages and row["status"] in OPEN:
            st.page_link(
                navigation.page_file("approvals"), label="Decide it under Approvals",
                query_params=filters.kept() | {"subject": f"alert:{row['alert_id']}"},
            )  # fmt: skip
        if "linked_persons" in page.frame.viewer.pages:
            st.page_link(
                navigation.page_file("linked_persons"), label="Who this client is linked to",
                query_params=filters.kept() | {"client": row["client_id"]},
            )  # fmt: skip
        if "rules" in page.frame.viewer.pages:
            st.page_link(
                navigation.page_file("rules"), label=f"The rule {row['scenario']}",
                query_params=filters.kept() | {"scenario": row["scenario"]},
            )  # fmt: skip


def show_facts(row: dict[str, Any]) -> None:
    """Status, strength, money, and both clocks."""
    amount = row["amount_eur"]
    said = (
        ("Status", row["status"].replace("_", " ") + (" · re-opened" if row["is_reopened"] else "")),
        ("Severity", row["severity"]),
        ("Score", f"{row['score']:.2f}"),
        ("Money, EUR", "—" if amount is None else figures.number(amount, 2)),
    )
    for column, (label, value) in zip(st.columns(len(said)), said, strict=True):
        column.metric(label, value, border=True)
    st.caption(
        f"From {row['window_start']:%d %b %Y %H:%M} to {row['window_end']:%d %b %Y %H:%M}, raised {row['created_at']:%d %b %Y %H:%M} UTC."
        f"{' It holds withdrawals while it is open.' if row['holds_money'] else ''}"
    )


def show_parameters(row: dict[str, Any]) -> None:
    """The numbers of the rule as they were in force at the finding."""
    parameters = json.loads(row["parameters"] or "{}")
    if parameters:
        said = ", ".join(f"{name.replace('_', ' ')} {float(value):g}" for name, value in parameters.items())
        st.caption(f"Rule {row['scenario']} version {row['scenario_version']}: {states.plain(said)}.")


page = header(
    "alerts", "Alerts", "What the monitoring scenarios found, and on what evidence.", names=("id", "scenario", "state", "client"),
)  # fmt: skip
if states.available(page.frame, "Scenarios", alerts.SCENARIOS, "any"):
    with states.panel():
        identifier = st.query_params.get("id")
        if identifier:
            st.page_link(page.file, label="Back to the list", query_params=filters.link(id=None))
            show_alert(page, identifier)
        else:
            show_list(page)
