"""Sources: which databases answer, and whether each source holds what was loaded of it."""

from datetime import UTC, datetime

import polars as pl
import streamlit as st

from apps.dashboard.queries import data
from apps.dashboard.ui import charts, filters, states, theme
from apps.dashboard.ui.header import Page, moment
from apps.dashboard.ui.table import table_with_export
from ingestion.sources import sources, state_of
from warehouse.engine import WarehouseError

STATES = {"all": "All", "differs": "Differs", "explained": "Explained", "agrees": "Agrees"}
FEW = 10
"""Totals a day up to which the axis counts one by one."""
COLOURS = {"agrees": theme.BLUE, "explained": theme.SKY, "differs": theme.VERMILION}


def show_sources(page: Page) -> None:
    """The databases that are read on a schedule, then counts and control totals by source and day."""
    st.subheader("Databases that are read on a schedule", anchor=False)
    show_databases(page)
    st.subheader("What a source holds against what was loaded of it", anchor=False)
    if not states.available(page.frame, "Totals that sources state", data.SOURCE_TOTALS, "source_totals"):
        return
    old = page.read(data.sources_that_differ, page.scope).row(0, named=True)
    if old["days"]:
        st.warning(
            f"**{old['days']} days before this period differ** without a cause, the oldest {old['oldest']:%d %b %Y}. "
            "Choose a longer period to see them."
        )
    days = page.read(data.source_states, page.scope)
    if days.is_empty():
        states.nothing_matches("days that a source counted")
        return
    figure = charts.stacked_bars(
        days, series="status", value="totals", complete_until=page.complete_until, unit="totals", colours=COLOURS
    )
    if days.group_by("day").agg(pl.col("totals").sum())["totals"].max() <= FEW:  # type: ignore[operator]
        figure.update_yaxes(dtick=1)
    st.plotly_chart(figure, alt="Totals that agree, are explained or differ, by day", key="sources")
    left, right = st.columns(2)
    names = page.read(data.source_names)["source"].to_list()
    with left:
        source = filters.choose("source", "Source", {"all": "All sources"} | {name: name for name in names}, "all")
    with right:
        status = filters.choose("status", "Comparison", STATES, "all")
    rows = data.source_totals(page.scope, None if source == "all" else source, None if status == "all" else status)
    table_with_export(page, rows, "sources", mart=data.SOURCE_TOTALS, what="totals")
    st.caption(
        "A difference is source less raw: rows in quarantine, rows that came after the count, rows found deleted since, and rows of a file that "
        "earlier files had brought explain it; what is left is lost or too many, and a warning of the run."
    )


def show_databases(page: Page) -> None:
    """Each SQL source with its last answer; one that is stale says since when, and why."""
    try:
        known = sources(page.frame.settings)
    except WarehouseError as error:
        st.warning(f"**The list of databases cannot be used.** {states.plain(error)}")
        return
    if not known:
        st.caption("None. `sources.yml` in the home lists them; their addresses stand in the environment.")
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    found = [(one, state_of(page.frame.settings, one.name)) for one in known]
    for one, state in found:
        if state.is_stale(now, one.stale_after_minutes):
            since = f"since {moment(state.answered)}" if state.answered else "it never answered"
            said = f" {states.plain(state.error)}" if state.error else ""
            st.warning(f"**{states.plain(one.name)} is stale**, {since}; {state.failures} failures in a row.{said}")
    rows = [
        {
            "database": one.name,
            "kind": one.kind,
            "platform": one.platform,
            "state": "stale" if state.is_stale(now, one.stale_after_minutes) else "fresh",
            "last answer (UTC)": state.answered,
            "failures": state.failures,
            "asked again (UTC)": state.asked_again,
            "schedule": one.every,
        }
        for one, state in found
    ]
    st.dataframe(
        pl.DataFrame(rows, infer_schema_length=None),
        hide_index=True,
        height="content",
        alt=f"databases, {len(rows)} rows",
    )
