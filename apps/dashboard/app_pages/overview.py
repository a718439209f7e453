"""Overview: one page of numbers that can be trusted, what changed, and why."""

import polars as pl
import streamlit as st

from apps.dashboard.kpis import Kpi, kpis
from apps.dashboard.queries import overview
from apps.dashboard.queries.common import Rows
from apps.dashboard.ui import charts, dictionary, filters, states, theme
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.tiles import Tile, tiles

MART = overview.KPI
TABS = {"money": "Money", "revenue": "Revenue and volume", "drivers": "What changed", "rows": "Rows"}


def show_tiles(page: Page) -> None:
    """One tile a KPI that the publish holds; a KPI without data says so instead of showing a zero."""
    totals = {row["kpi"]: row for row in page.read(overview.totals, page.scope).iter_rows(named=True)}
    series = page.read(overview.by_day, page.scope, tuple(totals))
    shown = []
    for kpi in kpis():
        now, then = value(kpi, totals, "now"), value(kpi, totals, "then")
        course = series.filter(pl.col("kpi") == kpi.kpi).sort("day")["value"].cast(pl.Float64).to_list()
        shown.append(
            Tile(
                kpi,
                now,
                then,
                course,
                definition(page, kpi),
                {"tab": "rows", "kpi": kpi.kpi} if kpi.kpi in totals else None,
            )
        )
    tiles(page, shown)


def value(kpi: Kpi, totals: dict, when: str) -> float | None:
    """The KPI over the period: a sum, a mean of days, the last level, or a ratio of two sums."""
    if kpi.how == "ratio" and all(name in totals for name in kpi.of):
        upper, lower = (totals[name][f"{when}_sum"] for name in kpi.of)
        return None if upper is None or not lower else upper / lower
    if kpi.kpi not in totals:
        return None
    return totals[kpi.kpi][f"{when}_{'mean' if kpi.how == 'ratio' else kpi.how}"]


def definition(page: Page, kpi: Kpi) -> str | None:
    """What the dbt description says of it, and how it adds up."""
    words = dictionary.column(page.frame, MART, kpi.kpi) or dictionary.column(page.frame, MART, "value")
    how = {
        "sum": "Sum over the period.",
        "mean": "Mean of the period's days.",
        "last": "On the period's last day.",
        "ratio": "Ratio of the period's sums.",
    }
    return f"{words + ' ' if words else ''}{how[kpi.how]}"


def show_money(page: Page) -> None:
    """Deposits, withdrawals and net by day, beside their table."""
    flows = page.read(overview.by_day, page.scope, ("deposits", "withdrawals", "net_deposits"))
    if flows.is_empty():
        states.nothing_matches("daily flows")
        return
    names = [name for name in ("deposits", "withdrawals", "net_deposits") if name in flows["kpi"].unique()]
    wide = flows.pivot(on="kpi", index="day", values="value").sort("day").select("day", *names)
    left, right = st.columns([3, 2])
    with left:
        st.subheader("Net deposits, USD", anchor=False)
        if {"deposits", "withdrawals"} <= set(names):
            shown, bucket = charts.bucketed_wide(wide)
            figure = charts.flows(
                shown["day"].to_list(), shown["deposits"].to_list(), shown["withdrawals"].to_list(),
                complete_until=page.complete_until, unit="USD", bucket=bucket,
            )  # fmt: skip
        else:
            figure = charts.stacked_bars(
                flows, series="kpi", value="value", complete_until=page.complete_until, unit="USD"
            )
        st.plotly_chart(figure, alt="Deposits, withdrawals and their net by day", key="net")
    with right:
        table_with_export(
            page, wide.sort("day", descending=True), "net-deposits", mart=MART, what="days", height=theme.HEIGHT
        )


def show_revenue(page: Page) -> None:
    """Revenue by kind and book, and volume by book, stacked by day."""
    for prefix, title in (("revenue_", "Revenue by kind and book, USD"), ("volume_", "Volume by book, USD")):
        series = page.read(overview.starting_with, page.scope, prefix)
        st.subheader(title, anchor=False)
        if series.is_empty():
            states.nothing_matches("daily figures")
            continue
        names = {name: name.removeprefix(prefix).replace("_", " ") for name in series["kpi"].unique().to_list()}
        left, right = st.columns([3, 2])
        with left:
            figure = charts.stacked_bars(
                series, series="kpi", value="value", complete_until=page.complete_until, unit="USD", names=names
            )
            st.plotly_chart(figure, alt=title, key=f"chart.{prefix}")
        with right:
            wide = series.pivot(on="kpi", index="day", values="value").sort("day", descending=True)
            table_with_export(
                page, wide, f"{prefix}by-day".replace("_", "-"), mart=MART, what="days", height=theme.HEIGHT
            )


def show_drivers(page: Page) -> None:
    """Which entities moved a KPI against the same elapsed part of the period before."""
    names = {kpi.kpi: kpi.label for kpi in kpis() if kpi.how == "sum"}
    chosen = filters.choose("kpi", "Figure", names, "net_deposits")
    drivers = page.read(overview.drivers, page.scope, chosen)
    if drivers.is_empty():
        states.nothing_matches("figures")
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader(f"What moved {names[chosen].lower()} against {page.period.previous_label}", anchor=False)
        labels = [f"{row['driver']}" for row in drivers.head(8).iter_rows(named=True)]
        figure = charts.ranked(labels, drivers.head(8)["change"].cast(pl.Float64).to_list(), unit="change", signed=True)
        st.plotly_chart(figure, alt="Largest changes first", key="drivers")
    with right:
        table_with_export(page, drivers, "drivers", mart=MART, what="drivers", height=theme.HEIGHT)


def show_rows(page: Page) -> None:
    """The daily rows behind every tile, of one KPI or all."""
    names = {"all": "All figures"} | {
        name: name.replace("_", " ") for name in page.read(overview.names)["kpi"].to_list()
    }
    chosen = filters.choose("kpi", "Figure", names, "all")
    sql, parameters = overview.rows(page.scope, None if chosen == "all" else chosen)
    table_with_export(page, Rows(sql, parameters), "kpi-daily", mart=MART, what="daily figures")


page = header(
    "overview",
    "Overview",
    "The broker in eight numbers, against the same elapsed part of the period before.",
    names=("kpi",),
    tabs=TABS,
)
if states.available(page.frame, "Daily figures", MART, "deals, psp_transactions, kyc_events"):
    with states.panel():
        show_tiles(page)
    opened, tabs = filters.open_tab(TABS, "overview")
    parts = {"money": show_money, "revenue": show_revenue, "drivers": show_drivers, "rows": show_rows}
    with tabs[list(TABS).index(opened)], states.panel():
        parts[opened](page)
