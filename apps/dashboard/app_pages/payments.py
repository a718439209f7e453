"""Payments: money in and out, how the providers do, and how long clients wait for their money."""

from collections.abc import Callable

import polars as pl
import streamlit as st

from apps.dashboard.kpis import Kpi
from apps.dashboard.queries import common, payments
from apps.dashboard.ui import charts, dictionary, figures, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.tiles import Tile, tiles

MART = payments.DAILY
TABS = {
    "flows": "Flows",
    "psp": "Providers",
    "settlement": "Settlement",
    "withdrawals": "Withdrawals",
    "rows": "Rows",
}
COUNTED = (("requests", "requested"), ("paid", "paid"), ("rejected", "rejected"), ("undecided", "undecided"))
Selected = tuple[str, str | None, str | None]


def select(page: Page) -> Selected:
    """The currency, and the provider and method or None for all."""
    choices = page.read(payments.choices)
    currencies = page.read(payments.currencies)["currency"].to_list()
    everything = {"all": "All"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        currency = filters.choose(
            "currency",
            "Currency",
            {payments.IN_USD: "All, in USD"} | {code: code for code in currencies},
            payments.IN_USD,
            help="Amounts of different currencies do not add: all of them together are shown in US dollars at the rate of each day.",
        )
        psp = filters.choose(
            "psp", "Provider", everything | {name: name for name in choices["psp"].unique().sort().drop_nulls()}, "all"
        )
        method = filters.choose(
            "method",
            "Method",
            everything | {name: name for name in choices["method"].unique().sort().drop_nulls()},
            "all",
        )
    return currency, None if psp == "all" else psp, None if method == "all" else method


def show_tiles(page: Page, selected: Selected) -> None:
    """Money in, out and net; approval, fees and chargebacks: each against the same elapsed part of the period before."""
    totals = {row["is_now"]: row for row in page.read(payments.totals, page.scope, *selected).iter_rows(named=True)}
    days = page.read(payments.by_day, page.scope, *selected)
    now, then = totals.get(True, {}), totals.get(False, {})
    shown = []
    for name, label, better in (
        ("deposits", "Deposits", "up"),
        ("withdrawals", "Withdrawals", "neither"),
        ("net", "Net", "up"),
    ):
        kpi = Kpi(name, f"{label}, {unit(selected)}", "count", "sum", better, 0)
        shown.append(
            Tile(
                kpi,
                now.get(name),
                then.get(name),
                days[name].cast(pl.Float64).to_list(),
                definition(page, name),
                {"tab": "rows"},
            )
        )
    rate = Kpi("approval_rate", "Approval rate", "fraction", "ratio", "up", 0)
    course = [row["approved"] / row["attempts"] for row in days.iter_rows(named=True) if row["attempts"]]
    shown.append(
        Tile(
            rate,
            ratio(now),
            ratio(then),
            [float(value) for value in course],
            definition(page, "approval_rate"),
            {"tab": "psp"},
        )
    )
    for name, label in (("chargebacks", "Chargebacks"), ("fees", f"Provider fees, {unit(selected)}")):
        kpi = Kpi(name, label, "count", "sum", "down", 0)
        course = days[name].cast(pl.Float64).to_list()
        shown.append(Tile(kpi, now.get(name), then.get(name), course, definition(page, name), {"tab": "psp"}))
    tiles(page, shown)
    if selected[0] == payments.IN_USD:
        for row in page.read(payments.without_rate, page.scope).iter_rows(named=True):
            st.warning(f"{row['currency']} is left out on {row['days']} days: there is no exchange rate for them.")


def unit(selected: Selected) -> str:
    """The currency that the amounts are in."""
    return "USD" if selected[0] == payments.IN_USD else selected[0]


def ratio(row: dict) -> float | None:
    """Approved ÷ attempts; None where nothing was tried."""
    return float(row["approved"]) / float(row["attempts"]) if row.get("attempts") else None


def definition(page: Page, column: str) -> str | None:
    """The dbt description of a column of the daily mart."""
    return dictionary.column(page.frame, MART, column)


def show_flows(page: Page, selected: Selected) -> None:
    """By day, and by method."""
    days = page.read(payments.by_day, page.scope, *selected)
    if days.is_empty():
        states.nothing_matches("payments")
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader(f"Money in and out, {unit(selected)}", anchor=False)
        figure = charts.flows(days, net="net", complete_until=page.complete_until, unit=unit(selected))
        st.plotly_chart(figure, alt="Deposits and withdrawals by day", key="flows")
    with right:
        st.subheader("By method", anchor=False)
        methods = page.read(payments.by_method, page.scope, *selected)
        chosen = table_with_export(page, methods, "by-method", mart=MART, what="methods", select=True)
        for row in chosen:
            method = methods["method"][row]
            st.page_link(
                page.file, label=f"Rows of {states.plain(method)}", query_params=filters.link(method=method, tab="rows")
            )
    table_with_export(page, days.sort("day", descending=True), "by-day", mart=MART, what="days", height=280)


def show_providers(page: Page, selected: Selected) -> None:
    """Approval rate by provider and by day, and why providers declined."""
    providers = page.read(payments.by_psp, page.scope, *selected)
    if providers.is_empty():
        states.nothing_matches("attempts")
        return
    left, right = st.columns([2, 3])
    with left:
        st.subheader("Approval rate by provider", anchor=False)
        tried = providers.filter(pl.col("attempts") > 0)
        figure = charts.ranked(
            tried["psp"].to_list(), tried["approval_rate"].cast(pl.Float64).to_list(), unit="", percent=True
        )
        st.plotly_chart(figure, alt="Approved of attempts, by provider", key="approval")
    with right:
        st.subheader("By day", anchor=False)
        daily = page.read(payments.approval_by_day, page.scope, *selected)
        figure = charts.lines(
            daily,
            series="psp",
            value="approval_rate",
            complete_until=page.complete_until,
            unit="approved of attempts",
            percent=True,
        )
        st.plotly_chart(figure, alt="Approval rate by day and provider", key="approval-days")
    table_with_export(page, providers, "by-provider", mart=MART, what="providers")
    st.subheader("Why providers declined", anchor=False)
    if states.available(page.frame, "Decline reasons", payments.EVENTS, "psp_transactions"):
        show_declines(page)


def show_declines(page: Page) -> None:
    """Decline reasons, the commonest first, with their table."""
    declines = page.read(payments.declines, page.scope)
    if declines.is_empty():
        states.nothing_matches("declined payments")
        return
    left, right = st.columns([3, 2])
    top = declines.head(10)
    left.plotly_chart(
        charts.ranked(top["reason"].to_list(), top["declines"].to_list(), unit="declined attempts"),
        alt="Declines by reason",
        key="declines",
    )
    with right:
        table_with_export(page, declines, "declines", mart=payments.EVENTS, what="reasons")


def show_settlement(page: Page, selected: Selected) -> None:
    """How long deposits take from the provider to our bank, and what is still with it."""
    if not states.available(page.frame, "Settlements", payments.MATCHES, "psp_transactions, bank_statement_lines"):
        return
    currency, psp, method = selected
    providers = page.read(payments.settlement, page.scope, currency, psp)
    if providers.is_empty():
        states.nothing_matches("completed deposits")
        return
    paid = providers.filter(pl.col("median_days_to_bank").is_not_null())
    left, right = st.columns([2, 3])
    with left:
        st.subheader("Days from deposit to our bank, median", anchor=False)
        if paid.is_empty():
            st.caption("No deposit of the period has reached the bank yet.")
        else:
            figure = charts.ranked(paid["psp"].to_list(), paid["median_days_to_bank"].to_list(), unit="days")
            st.plotly_chart(figure, alt="Median days from deposit to bank, by provider", key="settlement")
    with right:
        st.subheader("By provider", anchor=False)
        table_with_export(page, providers, "settlement", mart=payments.MATCHES, what="providers")
        st.caption(
            "Deposits made in the period, whenever they were settled"
            + ("; of all methods, since a settlement is of many." if method else ".")
        )


def show_withdrawals(page: Page, selected: Selected) -> None:
    """How long clients wait, against one day, and the requests themselves; choosing one opens its dossier."""
    if not states.available(page.frame, "Withdrawals", payments.WITHDRAWALS, "cash_requests"):
        return
    request = st.query_params.get("request")
    summary = page.read(payments.turnaround, page.scope).row(0, named=True)
    if summary["requests"]:
        left, right = st.columns([3, 2])
        with left:
            st.subheader("From request to payment", anchor=False)
            classes = page.read(payments.turnaround_classes, page.scope)
            st.plotly_chart(
                charts.histogram(classes, label="class", value="paid", unit="paid requests", mark="≤ 48 h"),
                alt="Paid by hours waited",
                key="turnaround",
            )
        with right:
            hours = {
                name: "—" if summary[name] is None else f"{figures.number(summary[name], 1)} h"
                for name in ("median_hours", "p90_hours")
            }
            st.metric(
                "Half are paid within",
                hours["median_hours"],
                help=dictionary.column(page.frame, payments.WITHDRAWALS, "turnaround_seconds"),
            )
            st.metric("Nine in ten within", hours["p90_hours"])
            st.metric(
                "Paid within 24 hours",
                figures.percent(summary["within_day"]),
                help="Of the requests of the period that are paid.",
            )
            counts = " · ".join(f"{summary[name]:,} {word}" for name, word in COUNTED)
            st.caption(f"{counts}; all currencies")
    rows = payments.withdrawals(page.scope, request)
    chosen = table_with_export(page, rows, "withdrawals", mart=payments.WITHDRAWALS, what="withdrawals", select=True)
    if chosen and "regulator_query" in page.frame.viewer.pages:
        identifier = page.read(common.one, rows, chosen[0])["request_id"][0]
        st.page_link(
            page.file.with_name("regulator_query.py"),
            label=f"Who approved {states.plain(identifier)}, and what was checked",
            query_params=filters.kept() | {"id": identifier},
        )


def show_rows(page: Page, selected: Selected) -> None:
    """The daily rows behind every number of this page, with all its filters."""
    table_with_export(
        page, payments.daily_rows(page.scope, *selected), "payments-daily", mart=MART, what="payment days"
    )


PARTS: dict[str, Callable[[Page, Selected], None]] = {
    "flows": show_flows, "psp": show_providers, "settlement": show_settlement, "withdrawals": show_withdrawals, "rows": show_rows,
}  # fmt: skip
page = header(
    "payments", "Payments", "Deposits and withdrawals by provider and method, approval rates, and how long clients wait.",
    names=("currency", "psp", "method", "request"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "Payments", MART, "psp_transactions"):
    selected = select(page)
    with states.panel():
        show_tiles(page, selected)
    opened, tabs = filters.open_tab(TABS, "payments")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page, selected)
