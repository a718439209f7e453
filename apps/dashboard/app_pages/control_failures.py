"""Control failures: approvals that a control should have stopped, by what was known then and by what is known only now."""

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import common
from apps.dashboard.queries import control_failures as queries
from apps.dashboard.ui import charts, filters, states, theme
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = queries.MART
CLOCKS = {"all": "Both", "then": "Known at the approval", "later": "Only known since"}


def show(page: Page) -> None:
    """How many of which control, on which days, and each of them."""
    found = page.read(queries.by_control, page.scope)
    if found.is_empty():
        st.success("**No control failed** in this period.")
        return
    table_with_export(page, found, "by-control", mart=MART, what="controls", height=theme.HEIGHT)
    days = page.read(queries.by_day, page.scope)
    if days["day"].n_unique() > 1:
        figure = charts.stacked_bars(
            days.with_columns(pl.col("failures").cast(pl.Float64)), series="series", value="failures",
            complete_until=page.complete_until, unit="failures",
            names={"known_then": "known at the approval", "discovered_later": "only known since"},
        )  # fmt: skip
        st.plotly_chart(figure, alt="Control failures by the day of the approval", key="days")
    labels = {name: name.replace("_", " ").capitalize() for name in page.read(queries.controls)["control"].to_list()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        control = filters.choose("control", "Control", {"all": "All controls"} | labels, "all")
        clock = filters.choose(
            "clock", "Known", CLOCKS, "all",
            help="What was known then was enough to stop it; or only what was learned afterwards shows it.",
        )  # fmt: skip
    rows = queries.failures(page.scope, None if control == "all" else control, clock)
    for number in table_with_export(page, rows, "failures", mart=MART, what="failures", select=True, height=480):
        row = page.read(common.one, rows, number).row(0, named=True)
        if row["subject_type"] == "withdrawal" and "regulator_query" in page.frame.viewer.pages:
            st.page_link(
                navigation.page_file("regulator_query"), label=f"Everything about {states.plain(row['subject_id'])}",
                query_params=filters.kept() | {"id": row["subject_id"]},
            )  # fmt: skip


page = header(
    "control_failures",
    "Control failures",
    "Approvals that a control should have stopped.",
    names=("control", "clock"),
)
if states.available(page.frame, "Control failures", MART, "cash_requests"):
    with states.panel():
        show(page)
