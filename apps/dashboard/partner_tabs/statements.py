"""Statements: every partner's account of a month, and one partner's with its lines, as page, workbook and PDF."""

import streamlit as st

from apps.dashboard import trail
from apps.dashboard.queries import common
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.statement_pdf import Statement, as_pdf, file_name
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export


def choose_month(page: Page) -> str | None:
    """A month that has statements; None (and words) where there is none."""
    periods = page.read(accounts.months)["period"].to_list()
    if not periods:
        states.nothing_matches("statements")
        return None
    return filters.choose("month", "Month", {one: one for one in periods}, periods[0])


def show_statements(page: Page, partner: str | None) -> None:
    """The accounts of the month; of one partner the lines too, with its PDF."""
    if not states.available(page.frame, "Statements", accounts.STATEMENTS, "deals, commission_decisions"):
        return
    month = choose_month(page)
    if month is None:
        return
    rows = page.read(accounts.statements, page.entity, partner, month)
    st.subheader(f"Accounts in {month}", anchor=False)
    st.caption(
        "Opening + accrued + adjustments − paid = closing. Closing is the ledger's balance of the partner's accounts, to the last decimal."
    )
    table_with_export(page, rows, "statements", mart=accounts.STATEMENTS, what="statements")
    if partner is None:
        st.caption("Choose a partner above for the lines of a statement and its PDF.")
        return
    for account in rows.iter_rows(named=True):
        _lines(page, partner, month, account)


def _lines(page: Page, partner: str, month: str, account: dict) -> None:
    currency = account["currency"]
    st.subheader(f"Lines in {currency}", anchor=False)
    rows = accounts.lines(partner, month, currency)
    name = f"statement-{month}-{currency}"
    table_with_export(page, rows, name, mart=accounts.ACCRUALS, what="lines")
    manifest = page.manifest(name)
    file = f"{file_name(['daybook', partner, month, currency])}.pdf"

    def made() -> bytes:
        return as_pdf(
            Statement(partner, account["name"], month, currency, account, common.whole(page.reader, rows)), manifest
        )

    st.download_button(
        "PDF", data=trail.exporting(page.frame, manifest, file, made), file_name=file, mime="application/pdf", key=f"pdf.{currency}",
        on_click="ignore", help="The statement as it can be sent to the partner",
    )  # fmt: skip
