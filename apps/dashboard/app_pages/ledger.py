"""Ledger: from the trial balance to an account, its lines, one entry, and the row of the source that made it."""

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from apps.approvals.subject import masked_facts
from apps.dashboard.queries import common, ledger
from apps.dashboard.ui import figures, filters, states
from apps.dashboard.ui.header import Page, header, moment
from apps.dashboard.ui.table import table_with_export
from ingestion.archived import NotArchived, archived_row

MART = ledger.BALANCES
TABS = {"balance": "Trial balance", "entries": "Entries", "rules": "Posting rules", "unposted": "Not posted"}
Selected = tuple[str | None, str | None]


def select(page: Page) -> Selected:
    """The account and the currency, None for all."""
    names = {row["account_code"]: f"{row['account_code']} · {row['name']}" for row in _rows(page, ledger.accounts)}
    codes = {row["currency"]: row["currency"] for row in _rows(page, ledger.currencies)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        account = filters.choose("account", "Account", {"all": "All accounts"} | names, "all")
        currency = filters.choose("currency", "Currency", {"all": "All"} | codes, "all")
    return None if account == "all" else account, None if currency == "all" else currency


def _rows(page: Page, query: Callable[..., pl.DataFrame], *arguments: Any) -> list[dict[str, Any]]:
    return list(page.read(query, *arguments).iter_rows(named=True))


def show_balance(page: Page, selected: Selected) -> None:
    """What stands on each account, the proof that it balances, and the way to the lines behind one row."""
    found = page.read(ledger.trial_balance, page.scope, *selected)
    if found.is_empty():
        states.nothing_matches("balances")
        return
    if selected[0] is None:
        show_proof(found)
    chosen = table_with_export(page, found, "trial-balance", mart=MART, what="accounts", select=True, height=560)
    for number in chosen:
        row = found.row(number, named=True)
        st.page_link(
            page.file,
            label=f"Lines of {row['account_code']} in {row['currency']}",
            query_params=filters.link(tab="entries", account=row["account_code"], currency=row["currency"]),
        )
    st.caption("A debit is positive, a credit negative. What the broker owes its clients is a credit.")


def show_proof(found: pl.DataFrame) -> None:
    """Whether all accounts together are zero in each currency; if not, by how much."""
    sums = found.group_by("currency").agg(pl.col("closing").sum()).sort("currency")
    wrong = sums.filter(pl.col("closing") != 0)
    if wrong.is_empty():
        st.caption(f"✓ All accounts together are zero in {', '.join(sums['currency'].to_list())}.")
    for row in wrong.iter_rows(named=True):
        st.error(f"**The trial balance is not zero in {row['currency']}**: {figures.number(row['closing'], 2)}.")


def show_entries(page: Page, selected: Selected) -> None:
    """The lines of the period; choosing one opens its entry."""
    rows = ledger.postings(page.scope, *selected)
    chosen = table_with_export(page, rows, "postings", mart=ledger.POSTINGS, what="lines", select=True, height=560)
    for number in chosen:
        entry = page.read(common.one, rows, number)["entry_id"][0]
        st.page_link(page.file, label=f"Open entry {states.plain(entry)}", query_params=filters.link(entry=entry))


def show_rules(page: Page, _: Selected) -> None:
    """How often each rule fired, over all time: a rule that never did is one nobody has tried."""
    if states.available(page.frame, "Posting rules", ledger.COVERAGE, "any that moves money"):
        table_with_export(page, ledger.coverage(), "posting-rules", mart=ledger.COVERAGE, what="rules", height=560)


def show_unposted(page: Page, _: Selected) -> None:
    """What no rule posted, by why; nothing disappears."""
    reasons = page.read(ledger.unposted_reasons, page.scope)
    if reasons.is_empty():
        st.success("**Every event of this period that moves money is posted.**")
        return
    chosen = table_with_export(page, reasons, "unposted-reasons", mart=ledger.UNPOSTED, what="reasons", select=True)
    reason = reasons["reason"][chosen[0]] if chosen else None
    st.subheader(f"Events: {states.plain(reason)}" if reason else "Events", anchor=False)
    table_with_export(page, ledger.unposted(page.scope, reason), "unposted", mart=ledger.UNPOSTED, what="events")


def show_entry(page: Page, entry_id: str) -> None:
    """One entry whole: what it books, its lines, what else its event made, and the row it came from."""
    st.page_link(page.file, label="← Ledger", query_params=filters.link(entry=None))
    found = page.read(ledger.entry, entry_id)
    if found.is_empty():
        st.warning("**No such entry.**")
        st.text(f"There is no entry {entry_id} in publish {page.manifest('entry').publish_id}.")
        return
    entry = found.row(0, named=True)
    st.subheader(states.plain(entry["entry_id"]), anchor=False)
    st.markdown(states.plain(entry["description"]))
    known = f"happened {moment(entry['occurred_at'])} · known {moment(entry['recorded_at'])} · booked on {entry['booked_on']}"
    who = " · ".join(
        [entry["entity"] or "no entity", *([f"client {entry['client_id']}"] if entry["client_id"] else [])]
    )
    st.caption(
        f"{states.plain(entry['entry_type'])} by rule {states.plain(entry['rule_id'])} · {states.plain(who)} · {known}"
    )
    if entry["reverses_entry_id"]:
        st.page_link(
            page.file, label=f"Reverses {states.plain(entry['reverses_entry_id'])}",
            query_params=filters.link(entry=entry["reverses_entry_id"]),
        )  # fmt: skip
    lines = page.read(ledger.lines, entry_id)
    table_with_export(page, lines, "entry-lines", mart=ledger.POSTINGS, what="lines")
    others = page.read(ledger.same_event, entry["source_feed"], entry["source_key"])
    if others.height > 1:
        st.subheader("Everything this event made", anchor=False)
        chosen = table_with_export(page, others, "same-event", mart=ledger.ENTRIES, what="entries", select=True)
        for number in chosen:
            other = others["entry_id"][number]
            st.page_link(page.file, label=f"Open {states.plain(other)}", query_params=filters.link(entry=other))
    with states.panel():
        show_source(page, entry)


def show_source(page: Page, entry: dict[str, Any]) -> None:
    """The row of the source, read back from the archive by its number, masked as the marts are."""
    st.subheader("The row it came from", anchor=False)
    if entry["source_load_id"] is None:
        st.info("**No single row made it.** It follows from the entries of others (a revaluation, a closing).")
        return
    load = next(iter(_rows(page, ledger.source, entry["source_load_id"])), None)
    if load is None:
        states.not_loaded("Loads", "any")
        return
    number = int(entry["source_row_number"])
    st.caption(
        f"Row {number:,} of {states.plain(load['path'])}, feed {states.plain(load['feed'])}, recorded {moment(load['recorded_at'])}; "
        f"the file is kept as `archive/{load['file_sha256']}`"
    )
    try:
        row = archived_row(
            page.frame.settings, connector=load["connector"], feed=load["feed"], path=load["path"],
            file_sha256=load["file_sha256"], row_number=number,
        )  # fmt: skip
    except NotArchived as error:
        st.warning(states.plain(error))
        return
    shown = masked_facts(row, page.frame.viewer.role)
    st.dataframe(
        pl.DataFrame({"field": list(shown), "value": [str(value) for value in shown.values()]}),
        hide_index=True, height="content", key="source-row", alt="The row of the source, field by field",
    )  # fmt: skip


PARTS: dict[str, Callable[[Page, Selected], None]] = {
    "balance": show_balance, "entries": show_entries, "rules": show_rules, "unposted": show_unposted,
}  # fmt: skip
page = header(
    "ledger", "Ledger", "Every account, the lines that made its balance, and the row of the source behind each line.",
    names=("account", "currency", "entry"), tabs=TABS,
)  # fmt: skip
if states.available(page.frame, "The ledger", MART, "psp_transactions, cash_requests, deals, bank_statement_lines"):
    opened_entry = st.query_params.get("entry")
    with states.panel():
        if opened_entry is not None:
            show_entry(page, opened_entry)
        else:
            selected = select(page)
            opened, tabs = filters.open_tab(TABS, "ledger")
            with tabs[list(TABS).index(opened)], states.panel():
                PARTS[opened](page, selected)
