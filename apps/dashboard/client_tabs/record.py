"""The client record: everything about one client on one page, as far as the viewer's role may know it."""

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard.queries import client_record as queries
from apps.dashboard.ui import charts, dictionary, figures, filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export

PARTS = {
    "timeline": "Timeline",
    "money": "Money",
    "trading": "Trading",
    "identity": "Identity and documents",
    "contact": "Tickets and messages",
    "decisions": "Decisions, alerts and triggers",
}
FACTS = (
    "entity", "client_type", "category", "country_of_residence", "kyc_status", "risk_rating", "lifecycle_stage", "partner_id", "sales_agent",
    "marketing_consent", "registered_at", "first_deposit_at", "first_trade_at", "last_trade_at", "email", "phone", "birth_date", "address",
)  # fmt: skip
SHOWN_MOMENTS = 400
"""More dots than this tell nothing; the table beside them holds all."""


def show_record(page: Page, client_id: str) -> None:
    """Name, facts, segments, sums, and the chosen part."""
    found = page.read(queries.client, client_id)
    if found.is_empty():
        st.warning("**No such client, or none that you may see.**")
        st.text(f"Nobody has the id {client_id}.")
        return
    client = found.row(0, named=True)
    st.subheader(states.plain(f"{_name(client)} · {client_id}"), anchor=False)
    with states.panel():
        _badges(page, client)
    with states.panel():
        _sums(page, client_id)
    part = filters.choose("part", "Show", PARTS, "timeline")
    with states.panel():
        SHOW[part](page, client_id)
    with st.expander("Details"):
        rows = [{"field": name.replace("_", " "), "value": _text(client[name])} for name in FACTS if name in client]
        st.dataframe(pl.DataFrame(rows), hide_index=True, height="content", alt="The client's details")


def _name(client: dict[str, Any]) -> str:
    parts = [client.get("first_name"), client.get("last_name")]
    return " ".join(str(part) for part in parts if part) or str(client.get("company_name") or "Client")


def _text(value: Any) -> str:
    return "—" if value is None else f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "hour") else str(value)


def _badges(page: Page, client: dict[str, Any]) -> None:
    words = [("entity", client.get("entity")), ("KYC", client.get("kyc_status")), ("risk", client.get("risk_rating"))]
    words += [("stage", client.get("lifecycle_stage")), ("partner", client.get("partner_id"))]
    flags = ("high_value", "risk_flagged", "near_inactive")
    held = page.read(queries.segments, client["client_id"]) if page.frame.granted(queries.SEGMENTS) else None
    with st.container(horizontal=True, gap="small", key="client-badges"):
        for label, value in words:
            st.badge(states.plain(f"{label}: {value if value is not None else '—'}"), color="blue", width="content")
        for row in held.iter_rows(named=True) if held is not None else ():
            if row["segment"] in flags:
                st.badge(
                    row["segment"].replace("_", " "), color="orange", width="content", help=states.plain(row["reason"])
                )
    if held is not None and not held.is_empty():
        st.caption("Segments: " + ", ".join(name.replace("_", " ") for name in held["segment"].to_list()))


def _sums(page: Page, client_id: str) -> None:
    if not page.frame.granted(queries.MONTHS):
        return
    sums = page.read(queries.sums, client_id).row(0, named=True)
    shown = (
        ("net_deposits_usd", "Net deposits"), ("deposits_usd", "Deposits"), ("revenue_usd", "Revenue"), ("net_revenue_usd", "Net revenue"),
    )  # fmt: skip
    for column, (name, label) in zip(st.columns(len(shown)), shown, strict=True):
        with column, st.container(border=True):
            st.metric(
                label, f"USD {figures.compact(sums[name])}", help=dictionary.column(page.frame, queries.MONTHS, name)
            )
    st.caption(f"Since the first day: {sums['trades']:,} trades, {figures.number(sums['lots'], 2)} lots, both sides.")


def _timeline(page: Page, client_id: str) -> None:
    moments = page.read(queries.timeline, client_id)
    if moments.is_empty():
        states.nothing_matches("events")
        return
    drawn = moments.head(SHOWN_MOMENTS).with_columns(
        pl.concat_str(pl.col("what"), pl.col("detail").fill_null(""), separator=" · ").alias("text")
    )
    st.plotly_chart(
        charts.lanes(drawn, at="happened_at", lane="lane", text="text"),
        alt="What happened to the client, by kind, over time",
        key="client-timeline",
    )
    if moments.height > SHOWN_MOMENTS:
        st.caption(f"The newest {SHOWN_MOMENTS} of {moments.height:,} are drawn; the table has all.")
    table_with_export(page, moments, "client-timeline", mart=queries.STAGES, what="events")


def _money(page: Page, client_id: str) -> None:
    if states.available(page.frame, "Money by month", queries.MONTHS, "psp_transactions"):
        months = page.read(queries.months, client_id)
        table_with_export(page, months, "client-months", mart=queries.MONTHS, what="months")
    _rows(
        page,
        "Ledger balances",
        queries.BALANCES,
        "psp_transactions",
        lambda: page.read(queries.balances, client_id),
        "balances",
    )
    _rows(
        page,
        "Withdrawals",
        queries.WITHDRAWALS,
        "cash_requests",
        lambda: queries.of_client(queries.WITHDRAWALS, client_id, "requested_at desc"),
        "withdrawals",
    )
    _rows(
        page,
        "Cards and accounts",
        queries.INSTRUMENTS,
        "psp_transactions",
        lambda: queries.of_client(queries.INSTRUMENTS, client_id, "last_seen_at desc"),
        "instruments",
    )


def _trading(page: Page, client_id: str) -> None:
    _rows(
        page,
        "Accounts",
        queries.ACCOUNTS,
        "trading_accounts",
        lambda: page.read(queries.accounts, client_id),
        "accounts",
    )
    _rows(page, "By symbol", queries.TRADES, "deals", lambda: page.read(queries.by_symbol, client_id), "symbols")


def _identity(page: Page, client_id: str) -> None:
    _rows(
        page,
        "Status over time",
        queries.KYC,
        "kyc_events",
        lambda: queries.of_client(queries.KYC, client_id, "valid_from desc, recorded_at desc"),
        "states",
    )
    if page.frame.granted(queries.EVENTS):
        _rows(page, "Documents", queries.EVENTS, "kyc_events", lambda: queries.documents(client_id), "documents")


def _contact(page: Page, client_id: str) -> None:
    _rows(
        page,
        "Tickets",
        queries.TICKETS,
        "tickets",
        lambda: queries.of_client(queries.TICKETS, client_id, "opened_at desc"),
        "tickets",
    )
    _rows(
        page,
        "Calls and messages",
        queries.TALK,
        "communications",
        lambda: queries.of_client(queries.TALK, client_id, "occurred_at desc"),
        "messages",
    )


def _decisions(page: Page, client_id: str) -> None:
    _rows(
        page,
        "Decisions",
        queries.DECISIONS,
        "cash_requests",
        lambda: queries.of_client(queries.DECISIONS, client_id, "decided_at desc"),
        "decisions",
    )
    if page.frame.granted(queries.ALERTS):
        _rows(
            page,
            "Alerts",
            queries.ALERTS,
            "deals",
            lambda: queries.of_client(queries.ALERTS, client_id, "created_at desc"),
            "alerts",
        )
    _rows(
        page,
        "Triggers",
        queries.TRIGGERS,
        "deals",
        lambda: queries.of_client(queries.TRIGGERS, client_id, "fired_at desc"),
        "triggers",
    )


def _rows(page: Page, title: str, mart: str, feed: str, rows: Callable[[], Any], what: str) -> None:
    """A titled table of a mart, or why it is not there."""
    st.subheader(title, anchor=False)
    with states.panel():
        if states.available(page.frame, title, mart, feed):
            table_with_export(page, rows(), f"client-{what}", mart=mart, what=what)


SHOW: dict[str, Callable[[Page, str], None]] = {
    "timeline": _timeline, "money": _money, "trading": _trading, "identity": _identity, "contact": _contact, "decisions": _decisions,
}  # fmt: skip
