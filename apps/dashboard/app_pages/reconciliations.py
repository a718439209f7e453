"""Reconciliations: what our ledger and the other side do not agree on, since when, who has it, and both sides beside each other."""

from collections.abc import Callable

import polars as pl
import streamlit as st

from apps.dashboard.books import breaks as book
from apps.dashboard.queries import common, reconciliations
from apps.dashboard.queries.reconciliations import Wanted
from apps.dashboard.ui import charts, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = reconciliations.BREAKS
NAMES = {
    "psp": "Providers", "platform": "Platforms", "bank": "Banks", "client_money": "Client money", "partners": "Partners",
}  # fmt: skip
TABS = {"breaks": "Breaks", "calendar": "Calendar"} | NAMES
STATUSES = {"open": "Open", "resolved": "Resolved", "gone": "Gone", "all": "All"}


def select(page: Page) -> Wanted:
    """Which breaks: of which reconciliation, class and status."""
    kinds = {name: name.replace("_", " ") for name in page.read(reconciliations.classes)["class"].to_list()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reconciliation = filters.choose("reconciliation", "Reconciliation", {"all": "All five"} | NAMES, "all")
        status = filters.choose("status", "Status", STATUSES, "open")
        kind = filters.choose("class", "Class", {"all": "All classes"} | kinds, "all")
    chosen = [None if one == "all" else one for one in (reconciliation, status, kind)]
    return Wanted(page.entity, *chosen)


def show_counts(page: Page) -> None:
    """The five reconciliations with what is open in each; each is a filter."""
    found = {
        row["reconciliation"]: row
        for row in page.read(reconciliations.open_by_reconciliation, page.entity).iter_rows(named=True)
    }
    for column, (name, label) in zip(st.columns(5), NAMES.items(), strict=True):
        with column, st.container(border=True, gap="xxsmall", height="stretch"):
            row = found.get(name)
            st.metric(
                label,
                f"{row['open_breaks']:,}" if row else "0",
                help="Open breaks now, whatever the period.",
            )
            st.caption(f"open, oldest {row['oldest']} business days" if row else "✓ both sides agree")
            st.page_link(
                page.file, label="Breaks", query_params=filters.link(reconciliation=name, tab=None, status=None)
            )


def show_breaks(page: Page) -> None:
    """Breaks by class and age, then each of them; choosing one opens both its sides."""
    wanted = select(page)
    ageing = page.read(reconciliations.ageing, wanted)
    if ageing.is_empty():
        if wanted == Wanted(page.entity):
            st.success("**No break is open.** Both sides agree in all five reconciliations.")
        else:
            states.nothing_matches("breaks")
        return
    rows = reconciliations.breaks(wanted)
    chosen = table_with_export(page, rows, "breaks", mart=MART, what="breaks", select=True, height=420)
    for number in chosen:
        found = page.read(common.one, rows, number)["break_id"][0]
        st.page_link(
            page.file, label=f"Both sides of {states.plain(found)}", query_params=filters.link(**{"break": found})
        )
    st.subheader("By age, in business days", anchor=False)
    table_with_export(page, ageing, "ageing", mart=MART, what="classes")


def show_calendar(page: Page) -> None:
    """How many breaks began each day, and how many stood at its end."""
    wanted = select(page)
    found = page.read(reconciliations.calendar, page.scope, wanted)
    if found.is_empty():
        states.nothing_matches("breaks")
        return
    sums = found.group_by("day").agg(pl.col("first_seen").sum(), pl.col("open_at_close").sum())
    columns = st.columns(2)
    for column, (title, value) in zip(
        columns, (("First seen", "first_seen"), ("Standing at the end of the day", "open_at_close")), strict=True
    ):
        with column:
            st.subheader(title, anchor=False)
            figure = charts.calendar(sums, value=value, unit="breaks")
            st.plotly_chart(figure, alt=f"Breaks {title.lower()}, week by week", key=f"calendar-{value}")
    days = found.pivot(on="reconciliation", index="day", values="open_at_close").sort("day", descending=True)
    table_with_export(page, days, "calendar", mart=MART, what="days")


def show_psp(page: Page) -> None:
    """How the provider's rows were matched, what it still owes, what it holds back, and every row."""
    if not states.available(page.frame, "Provider matches", reconciliations.MATCHES, "psp_transactions"):
        return
    left, right = st.columns([3, 2])
    with left:
        st.subheader("How rows were matched", anchor=False)
        table_with_export(
            page,
            page.read(reconciliations.match_rules, page.scope),
            "match-rules",
            mart=reconciliations.MATCHES,
            what="rules",
        )
    with right:
        st.subheader("Not settled yet, and held back", anchor=False)
        table_with_export(
            page,
            page.read(reconciliations.settlement_gap, page.entity),
            "gap",
            mart=reconciliations.SETTLED,
            what="providers",
        )
    st.subheader("Reserve lots by maturity", anchor=False)
    table_with_export(
        page, reconciliations.reserves(page.entity), "reserves", mart=reconciliations.RESERVES, what="lots", height=240
    )
    st.subheader("Provider, request, ledger, batch and bank line", anchor=False)
    table_with_export(
        page, reconciliations.psp_matches(page.scope), "psp-matches", mart=reconciliations.MATCHES, what="provider rows"
    )


def daily(name: str, feed: str) -> Callable[[Page], None]:
    """The tab of a reconciliation by the day: both sides and their difference."""

    def show(page: Page) -> None:
        mart = reconciliations.DAILY[name][0]
        if not states.available(page.frame, NAMES[name], mart, feed):
            return
        shown = filters.choose("days", "Days", {"differing": "That differ", "all": "All"}, "differing")
        rows = reconciliations.daily(name, page.scope, differing=shown == "differing")
        if shown == "differing" and page.read(common.count, rows)["rows"][0] == 0:
            st.success("**Both sides agree** on every day of this period.")
            return
        table_with_export(page, rows, f"{name}-daily", mart=mart, what="days", height=560)

    return show


def show_break(page: Page, break_id: str) -> None:
    """One break: what it is, both sides beside each other, what was said about it, and what to do."""
    st.page_link(page.file, label="← Breaks", query_params=filters.link(**{"break": None}))
    rows = page.read(reconciliations.one, break_id)
    if rows.is_empty():
        st.warning("**No such break.**")
        st.text(f"There is no break {break_id} in publish {page.manifest('break').publish_id}.")
        return
    found = rows.row(0, named=True)
    book.show_head(found)
    with states.panel():
        book.show_sides(page, found)
    with states.panel():
        book.show_handling(page, found)


PARTS: dict[str, Callable[[Page], None]] = {
    "breaks": show_breaks, "calendar": show_calendar, "psp": show_psp, "platform": daily("platform", "account_snapshots"),
    "bank": daily("bank", "bank_statements"), "client_money": daily("client_money", "bank_statement_lines"),
    "partners": daily("partners", "commission_decisions"),
}  # fmt: skip
page = header(
    "reconciliations", "Reconciliations", "Where our ledger and the other side differ: since when, by how much, and who has it.",
    names=("reconciliation", "status", "class", "days", "break"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "Reconciliations", reconciliations.MATCHES, "psp_transactions"):
    opened_break = st.query_params.get("break")
    with states.panel():
        if opened_break is not None:
            show_break(page, opened_break)
        else:
            show_counts(page)
            opened, tabs = filters.open_tab(TABS, "reconciliations")
            with tabs[list(TABS).index(opened)], states.panel():
                PARTS[opened](page)
