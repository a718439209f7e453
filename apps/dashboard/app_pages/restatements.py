"""Restatements: which figures changed after they were published, by how much, and which event caused it."""

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import common, restatements
from apps.dashboard.ui import charts, filters, states, theme
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = restatements.MART
PERIODS = {"all": "All", "closed": "Of closed periods"}
Selected = tuple[str | None, bool]


def select(page: Page) -> Selected:
    """The figure, None for all, and whether only closed periods are wanted."""
    names = {
        row["kpi"]: f"{account_of(row)} · {row['kpi_name']}" if account_of(row) else row["kpi_name"]
        for row in page.read(restatements.figures).iter_rows(named=True)
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kpi = filters.choose("kpi", "Figure", {"all": "All figures"} | names, "all")
        which = filters.choose(
            "which",
            "Days",
            PERIODS,
            "all",
            help="A late event of a closed period is booked in the open one, with its own value date.",
        )
    return None if kpi == "all" else kpi, which == "closed"


def account_of(row: dict) -> str | None:
    """The ledger account whose movement the figure is; None for a key figure."""
    return row["kpi"].removeprefix("ledger_") if row["kpi"].startswith("ledger_") else None


def show(page: Page, selected: Selected) -> None:
    """When figures were restated, which, and every change with its cause."""
    found = page.read(restatements.by_figure, page.scope, *selected)
    if found.is_empty():
        states.nothing_matches("restatements")
        return
    st.caption(
        "The period is when a change was learned. A day’s figure is published by the first build after the day; what came later restates it."
    )
    table_with_export(page, found, "by-figure", mart=MART, what="figures", height=theme.HEIGHT)
    show_course(page, selected)
    rows = restatements.changes(page.scope, *selected)
    chosen = table_with_export(page, rows, "restatements", mart=MART, what="changes", select=True)
    for number in chosen:
        show_link(page, page.read(common.one, rows, number).row(0, named=True))


def show_course(page: Page, selected: Selected) -> None:
    """How many figures were restated on each day, where there is more than one such day."""
    days = page.read(restatements.by_day, page.scope, *selected)
    if days["day"].n_unique() > 1:
        counted = days.with_columns(pl.col("restated").cast(pl.Float64))
        figure = charts.stacked_bars(
            counted, series="series", value="restated", complete_until=page.complete_until, unit="figures",
            names={"open": "of open periods", "closed": "of closed periods"},
        )  # fmt: skip
        st.plotly_chart(figure, alt="Figures restated, by the day it was learned", key="restated")


def show_link(page: Page, row: dict) -> None:
    """From a change to the lines of that account and day, or to the key figure by day."""
    account, day, seen = account_of(row), str(row["as_of"]), page.frame.viewer.pages
    if account is None and "overview" in seen:
        st.page_link(
            navigation.page_file("overview"), label=f"{row['kpi_name']} by day",
            query_params=filters.kept() | {"tab": "rows", "kpi": row["kpi"], "period": "custom", "from": day, "to": day},
        )  # fmt: skip
    elif account and "ledger" in seen and not row["is_booked_later"]:
        st.page_link(
            navigation.page_file("ledger"), label=f"Lines of {account} in {row['currency']} on {day}",
            query_params=filters.kept() | {
                "tab": "entries", "account": account, "currency": row["currency"], "period": "custom", "from": day, "to": day,
            },
        )  # fmt: skip


page = header(
    "restatements",
    "Restatements",
    "What late and corrected events changed in figures already published.",
    names=("kpi", "which"),
)
if states.available(page.frame, "Restatements", MART, "any, a day late"):
    with states.panel():
        show(page, select(page))
