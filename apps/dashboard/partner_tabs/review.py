"""Finance review: what a month cost against the one before and why, what share of revenue it is, and clients that stand out."""

from datetime import date, timedelta

import polars as pl
import streamlit as st

from apps.dashboard.partner_tabs.statements import choose_month
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.ui import charts, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export

EFFECTS = ("volume", "rate", "mix", "tree")
"""Why a month cost more or less; columns of the review with `_usd` behind them."""


def show_review(page: Page, partner: str | None) -> None:
    """The change by cause, the flags, and what was computed anew."""
    for what, mart in (("Statements", accounts.STATEMENTS), ("Flags", accounts.FLAGS), ("The deals", accounts.DEALS)):
        if not states.available(page.frame, what, mart, "deals"):
            return
    month = choose_month(page)
    if month is None:
        return
    before = (date.fromisoformat(f"{month}-01") - timedelta(days=1)).strftime("%Y-%m")
    rows = page.read(accounts.review, page.entity, month, before)
    if partner is not None:
        rows = rows.filter(pl.col("partner_id") == partner)
    if rows.is_empty():
        states.nothing_matches("commission")
        return
    st.subheader(f"{month} against {before}, USD", anchor=False)
    left, right = st.columns([2, 3])
    with left:
        effects = [float(rows[f"{name}_usd"].sum()) for name in EFFECTS]
        figure = charts.ranked([name.capitalize() for name in EFFECTS], effects, unit="USD")
        st.plotly_chart(figure, alt="Change of commission by cause", key="effects")
    right.caption(
        "Volume: more or fewer lots at the average rate before. Mix: other symbol groups at their rates before. Rate: the same lots at other rates. "
        "Tree: clients who traded in both months and stood under the partner in one of them. The four add up to the change."
    )
    table_with_export(page, rows, "review", mart=accounts.STATEMENTS, what="partners")
    st.subheader("Held: flags on clients", anchor=False)
    table_with_export(page, accounts.flags(page.entity, partner), "flags", mart=accounts.FLAGS, what="flags")
    st.subheader(
        f"Turned over: at least {accounts.CHURNED_LOTS} lots, most of them held under two minutes", anchor=False
    )
    churned = page.read(accounts.churning, page.entity, month, before)
    churned = churned if partner is None else churned.filter(pl.col("partner_id") == partner)
    table_with_export(page, churned, "churning", mart=accounts.FLAGS, what="clients")
    st.subheader("Computed anew: first line, reversal, new line, difference", anchor=False)
    corrected = page.read(accounts.corrections, page.entity, month)
    corrected = corrected if partner is None else corrected.filter(pl.col("partner_id") == partner)
    table_with_export(page, corrected, "corrections", mart=accounts.ACCRUALS, what="corrected lines")
