"""Client money: what is owed and what is held by each regime's formula, what must be moved by when, and the sign-off by two."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard.books import proposals
from apps.dashboard.queries import client_money
from apps.dashboard.ui import charts, dictionary, figures, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

MART = client_money.DAILY
TABS = {"day": "The day", "course": "Course", "signed": "Sign-offs", "rows": "Rows"}
FORMULAS = {
    "CASS 7": "Each wallet, and each trading account with its floating result and without credit, floored at zero, plus unidentified receipts.",
    "DI87-01": "Each client balance floored at zero, plus unidentified receipts.",
    "Client Money Reporting Rules 2017": "Each client balance floored at zero, plus unidentified receipts, at the nominated time.",
}
STATUS = {
    "balanced": ("✓", "held is what is owed"), "due": ("!", "not due yet"),
    "funded": ("✓", "moved in time"), "shortfall_not_funded": ("✗", "short, and not topped up in time"),
    "excess_not_withdrawn": ("✗", "too much, and not taken out in time"),
}  # fmt: skip


def chosen_day(page: Page) -> date | None:
    """The day of the address if it was calculated, else the newest one of the period; None where there is none."""
    newest = page.read(client_money.newest, page.scope)["day"][0]
    said = st.query_params.get("day")
    if said is None or newest is None:
        return newest
    try:
        return date.fromisoformat(said)
    except ValueError:
        states.refused(f"“{states.plain(said)}” is no day. Write `day=2026-01-31`.")
        st.stop()


def show_day(page: Page) -> None:
    """One day: each entity and currency with its funding instruction; choosing one shows who is floored and asks for the sign-off."""
    day = chosen_day(page)
    found = page.read(client_money.on_day, page.entity, day) if day else pl.DataFrame()
    if day is None or found.is_empty():
        states.nothing_matches("client-money days")
        return
    st.subheader(f"At the close of {day:%A %d %B %Y}", anchor=False)
    show_formulas(found)
    with st.container(border=True, gap="xsmall"):
        for row in found.filter(pl.col("funding_instruction") != 0).iter_rows(named=True):
            show_instruction(row)
    choice = table_with_export(page, found, "client-money-day", mart=MART, what="entities and currencies", select=True)
    if not choice:
        st.caption("Choose a row to see whose balance is floored at zero, and to sign the day off.")
    for number in choice:
        show_chosen(page, found.row(number, named=True), day)


def show_formulas(found: pl.DataFrame) -> None:
    """The formula of each regime in the table, those with the same words together."""
    said: dict[str, list[str]] = {}
    for regime in found["regime"].drop_nulls().unique().sort():
        words = next((words for name, words in FORMULAS.items() if name in regime), "")
        said.setdefault(words, []).append(f"**{states.plain(regime)}**")
    for words, regimes in said.items():
        st.caption(f"{', '.join(regimes)}: {words}")
    st.caption("No client is ever netted against another.")


def show_instruction(row: dict[str, Any]) -> None:
    """What to move into or out of the client accounts, and whether it was."""
    mark, words = STATUS[row["status"]]
    amount = figures.number(abs(row["funding_instruction"]), 2)
    does = "Pay in" if row["funding_instruction"] > 0 else "Take out"
    with_providers = f" · {row['currency']} {figures.number(row['psp_gap'], 2)} are credited and still with providers"
    st.markdown(
        f"{mark} **{states.plain(row['entity'])} · {does} {row['currency']} {amount}** by the close of {row['fund_by']} · {words}"
        + (with_providers if row["psp_gap"] > 0 else "")
    )


def show_chosen(page: Page, row: dict[str, Any], day: date) -> None:
    """Requirement and resource of one entity and currency, who is floored, and the sign-off."""
    left, right = st.columns([2, 3])
    with left, st.container(border=True):
        for name, label in (
            ("requirement", "Owed to clients"),
            ("resource", "Held in client accounts"),
            ("difference", "Held less owed"),
        ):
            st.metric(
                f"{label}, {row['currency']}",
                figures.number(row[name], 2),
                help=dictionary.column(page.frame, MART, name),
            )
        said = {"entity": row["entity"], "currency": row["currency"], "day": day.isoformat()}
        stated = {name: f"{row[name]:f}" for name in ("requirement", "resource")}
        proposals.offer(
            page, "client_money_sign_off", f"Propose the sign-off of {row['entity']} {row['currency']} on {day}",
            payload=stated | {"day": said["day"]}, entity=row["entity"], currency=row["currency"],
        )  # fmt: skip
    with right:
        st.subheader("Floored at zero", anchor=False)
        if states.available(page.frame, "Client balances", client_money.BALANCES, "psp_transactions"):
            negative = client_money.floored(row["entity"], row["currency"], day)
            table_with_export(
                page, negative, "floored", mart=client_money.BALANCES, what="balances below zero", height=300
            )


def show_course(page: Page) -> None:
    """Requirement, resource and what providers owe, day by day."""
    day = chosen_day(page)
    found = page.read(client_money.on_day, page.entity, day) if day else pl.DataFrame()
    if found.is_empty():
        states.nothing_matches("client-money days")
        return
    pairs = {
        f"{row['entity']}:{row['currency']}": f"{row['entity']} · {row['currency']}"
        for row in found.iter_rows(named=True)
    }
    entity, _, currency = filters.choose("pair", "Entity and currency", pairs, next(iter(pairs))).partition(":")
    series = page.read(client_money.course, page.scope, entity, currency)
    names = {"requirement": "Owed to clients", "resource": "Held in client accounts", "psp_gap": "With providers"}
    figure = charts.lines(
        series, series="part", value="amount", complete_until=page.complete_until, unit=currency, names=names
    )
    st.plotly_chart(figure, alt=f"Owed, held and with providers, {entity} {currency}", key="client-money-course")
    wide = series.pivot(on="part", index="day", values="amount").sort("day", descending=True)
    table_with_export(page, wide, "client-money-course", mart=MART, what="days")


def show_signed(page: Page) -> None:
    """What was signed off here, by whom; a sign-off proposed since the last run stands in Approvals."""
    if states.available(page.frame, "Sign-offs", client_money.APPROVALS, "operational_events"):
        table_with_export(
            page, client_money.sign_offs(page.scope), "sign-offs", mart=client_money.APPROVALS, what="sign-offs"
        )


def show_rows(page: Page) -> None:
    """Every day of the period."""
    table_with_export(page, client_money.rows(page.scope), "client-money", mart=MART, what="days", height=560)


PARTS: dict[str, Callable[[Page], None]] = {
    "day": show_day, "course": show_course, "signed": show_signed, "rows": show_rows,
}  # fmt: skip
page = header(
    "client_money", "Client money", "What is owed and what is held by each regime’s formula, what to move by when, and the sign-off by two.",
    names=("day", "pair"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "Client money", MART, "psp_transactions, bank_statement_lines"):
    opened, tabs = filters.open_tab(TABS, "client_money")
    with tabs[list(TABS).index(opened)], states.panel():
        PARTS[opened](page)
