"""Payouts: what is open for each partner, a run proposed from it, and every payout with how it ended. Two others approve under Approvals."""

import polars as pl
import sqlalchemy as sa
import streamlit as st

from apps.approvals.subject import Subject, subject_types
from apps.commissions.payouts import Line, propose_run, run_lines
from apps.dashboard.inbox.proposing import answer_of, approvals_link, raise_now
from apps.dashboard.inbox.seat import Seat, may_decide_now, take_seat
from apps.dashboard.partner_tabs.statements import choose_month
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export

PROPOSE = "run.propose"


def show_payouts(page: Page, partner: str | None) -> None:
    """The run of a month, and the payouts there are."""
    if not states.available(page.frame, "Payouts", accounts.PAYOUTS, "commission_decisions"):
        return
    st.subheader("Payouts", anchor=False)
    table_with_export(page, accounts.payouts(page.entity, partner), "payouts", mart=accounts.PAYOUTS, what="payouts")
    st.subheader("Next run", anchor=False)
    if (
        "approvals" not in page.frame.viewer.pages
        or page.frame.viewer.role not in subject_types()["payout_run"].proposed_by
    ):
        st.caption(
            f"A run is proposed by {' or '.join(subject_types()['payout_run'].proposed_by)}, and approved by two others."
        )
        return
    if page.entity is None:
        st.info("**A run pays the partners of one entity.** Choose the entity above.")
        return
    month = choose_month(page)
    currencies = page.read(accounts.currencies)["currency"].to_list()
    if month is None or not currencies:
        return
    currency = filters.choose("currency", "Currency", {one: one for one in currencies}, currencies[0])
    seat = take_seat(page)
    if seat is not None:
        _run(page, seat, page.entity, month, currency, partner)


def _run(page: Page, seat: Seat, entity: str, month: str, currency: str, partner: str | None) -> None:
    lines = [
        line
        for line in run_lines(seat.reader, entity, month, currency, seat.now.date())
        if partner in (None, line.partner_id)
    ]
    if not lines:
        states.nothing_matches("open commission")
        return
    table_with_export(page, _frame(lines), "payout-run", mart=accounts.STATEMENTS, what="partners")
    ready = [line for line in lines if line.why_not is None and line.amount + line.release > 0]
    names = {line.partner_id: f"{line.partner_id} · {line.name}" for line in ready}
    chosen = st.multiselect(
        "Partners to pay",
        list(names),
        default=list(names),
        format_func=names.__getitem__,
        key=f"run.{entity}.{month}.{currency}",
    )
    total = sum(line.amount + line.release for line in ready if line.partner_id in chosen)
    if not may_decide_now():
        require_fresh_authentication()

    def make(connection: sa.Connection) -> Subject:
        return propose_run(
            connection, seat.reader, seat.person.staff_id, now=seat.now, entity=entity, period=month, currency=currency, partners=chosen
        )  # fmt: skip

    st.button(
        f"Propose {currency} {total:,.2f} to {len(chosen)} partners", type="primary", key=PROPOSE, disabled=not chosen,
        on_click=raise_now, args=(seat, PROPOSE, make),
    )  # fmt: skip
    told(answer_of(PROPOSE))


def _frame(lines: list[Line]) -> pl.DataFrame:
    money = pl.Decimal(38, 8)
    names = ("amount", "release", "holdback", "take_back", "payable", "held")
    shown = [
        {
            "partner_id": line.partner_id,
            "name": line.name,
            **{name: getattr(line, name) for name in names},
            "not_paid_because": line.why_not,
        }
        for line in lines
    ]
    return pl.DataFrame(
        shown,
        schema={"partner_id": pl.Utf8, "name": pl.Utf8, **dict.fromkeys(names, money), "not_paid_because": pl.Utf8},
    )


def told(made: Subject | str | None) -> None:
    """What became of the last proposal: refused in words, or who decides now."""
    if isinstance(made, Subject):
        st.success(f"Waiting for approval by others: {states.plain(made.title)}.")
        approvals_link(made, "Open it under Approvals")
    elif made is not None:
        st.error(states.plain(made))
