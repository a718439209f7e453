"""What-if: a proposed plan or rate tried on past deals, and proposed with its effect for others to approve."""

import hashlib
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
import streamlit as st

from apps.approvals.proposing import propose
from apps.approvals.subject import Subject, subject_types
from apps.commissions.what_if import Effect, ProposalUnreadable, read_proposal, what_if
from apps.dashboard.inbox.proposing import answer_of, raise_now
from apps.dashboard.inbox.seat import may_decide_now, take_seat
from apps.dashboard.partner_tabs.payouts import told
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export
from warehouse.engine import WarehouseError

TRIED = "what_if.tried"
PROPOSE = "what_if.propose"
EXAMPLE = "rules:\n  - plan_id: PL-STD\n    rule_id: STD-FX\n    rate: 5\n"


def show_what_if(page: Page, partner: str | None) -> None:
    """The proposal, the range it is tried on, its effect, and the button that sends it to be approved."""
    if page.frame.viewer.role not in subject_types()["parameter_change"].proposed_by:
        st.info(
            f"**Not yours to propose.** A change is tried and proposed by {', '.join(subject_types()['parameter_change'].proposed_by)}."
        )
        return
    st.caption(
        "Computed in a copy of the warehouse that is thrown away: nothing that stands changes. What the proposal does not say stays as it is."
    )
    text = st.text_area("Proposed plans or rules (YAML)", EXAMPLE, height=160, key="what_if.text")
    start, until = datetime.combine(page.period.start, time()), datetime.combine(page.period.until, time())
    st.caption(
        f"Tried on the deals of the period above: {page.period.start} to {page.period.until - timedelta(days=1)}."
    )
    asked = hashlib.sha256(f"{text}|{start}|{until}".encode()).hexdigest()
    if st.button("Try it", key="what_if.try"):
        try:
            with st.spinner("Computing all commissions anew; a minute for a million deals"):
                st.session_state[TRIED] = (asked, what_if(page.frame.settings, read_proposal(text), start, until))
        except ProposalUnreadable as error:
            st.warning(states.plain(error))
        except WarehouseError as error:
            st.error(states.plain(error))
    tried = st.session_state.get(TRIED)
    if tried and tried[0] == asked:
        _effect(page, text, tried[1])


def _effect(page: Page, text: str, effect: Effect) -> None:
    said = effect.summary()
    for column, (label, name) in zip(
        st.columns(4),
        (
            ("Cost", "cost_after_usd"),
            ("Change", "change_usd"),
            ("Margin", "margin_after_usd"),
            ("Lines changed", "lines_changed"),
        ),
        strict=True,
    ):
        value = said[name]
        column.metric(
            f"{label}{'' if name == 'lines_changed' else ', USD'}",
            f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}",
        )
    st.caption(f"{said['winners']} partners would have earned more, {said['losers']} less.")
    table_with_export(page, effect.partners, "what-if", mart=accounts.STATEMENTS, what="partners")
    seat = take_seat(page)
    if seat is None:
        return
    day = st.date_input(
        "In force from",
        value=seat.now.date() + timedelta(days=1),
        min_value=seat.now.date() + timedelta(days=1),
        key="what_if.day",
    )
    if not may_decide_now():
        require_fresh_authentication()

    def make(connection: sa.Connection) -> Subject:
        payload = _payload(text, str(day), said)
        return propose(connection, seat.reader, "parameter_change", seat.person.staff_id, payload, now=seat.now)

    st.button(
        "Propose it with this effect", type="primary", key=PROPOSE, on_click=raise_now, args=(seat, PROPOSE, make)
    )
    told(answer_of(PROPOSE))


def _payload(text: str, day: str, effect: dict[str, Any]) -> dict[str, Any]:
    """What the change states, with the effect it was tried with."""
    proposal = read_proposal(text)
    first = (proposal["rules"] + proposal["plans"])[0]
    return {
        "parameter": f"commission.{first['plan_id']}", "before": f"as in force; cost {effect['cost_before_usd']} USD", "after": text.strip(),
        "valid_from": f"{day}T00:00:00", "effect": effect,
    }  # fmt: skip
