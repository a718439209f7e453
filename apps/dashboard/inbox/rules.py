"""Policies: what holds now, read by everybody; and a change of one, which is itself a subject that others approve."""

from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
import streamlit as st
import yaml

from apps.approvals import policies
from apps.approvals.policies import Policy
from apps.approvals.proposing import propose
from apps.approvals.store import reading
from apps.approvals.subject import Subject, subject_types
from apps.dashboard.inbox import words
from apps.dashboard.inbox.listing import open_subject
from apps.dashboard.inbox.proposing import answer_of, raised
from apps.dashboard.inbox.seat import Seat, may_decide_now
from apps.dashboard.queries import approvals_store
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui.states import plain
from warehouse.reader import access

PROPOSE = "policy.propose"


def show_policies(seat: Seat) -> None:
    """Every policy in force, one chosen in full, and its change for those who may propose one."""
    with reading(seat.engine) as connection:
        book = policies.book(connection, seat.now)
    kept = sorted(book.policies, key=lambda one: (words.label(one.subject_type), one.min_amount_eur))
    st.dataframe([_line(one) for one in kept], hide_index=True, key="policies", alt="Policies in force", height=420)
    by_id = {one.policy_id: one for one in kept}
    chosen = st.selectbox("Policy", list(by_id), key="policy", index=None, placeholder="Choose one to read it whole")
    if chosen is not None:
        _whole(seat, by_id[chosen])


def _line(policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.label,
        "subject": words.label(policy.subject_type),
        "entity": policy.entity or "all",
        "from EUR": float(policy.min_amount_eur),
        "approvals": " then ".join("/".join(step.roles) for step in policy.steps) or "none",
        "checks": len(policy.checks),
        "SLA, business h": policy.sla_hours,
        "data at most, h": policy.max_publish_age_hours,
        "in bulk below EUR": float(policy.bulk_below_eur),
        "overridden by": "/".join(policy.override_roles) if policy.overridable else "nobody",
        "since": policy.valid_from,
    }


def _whole(seat: Seat, policy: Policy) -> None:
    with reading(seat.engine) as connection:
        stored = approvals_store.policy_versions(connection, policy.policy_id)
    body = stored[0].body if stored else _shipped(policy.policy_id)
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
    left, right = st.columns([1, 1])
    with left:
        st.subheader(f"{policy.label}, since {policy.valid_from:%d %b %Y}", anchor=False)
        st.code(text, language="yaml")
        if len(stored) > 1:
            st.caption(
                " · ".join(
                    f"version {one.version} from {one.valid_from:%d %b %Y}, approved as {one.approved_by or 'shipped'}"
                    for one in stored
                )
            )
    with right:
        _change(seat, policy, text)


def _shipped(policy_id: str) -> dict[str, Any]:
    return next((row["body"] for row in policies.shipped() if row["policy_id"] == policy_id), {})


def _change(seat: Seat, policy: Policy, text: str) -> None:
    """The form of a change; what it would do wrong is said before it is sent."""
    st.subheader("Propose a change", anchor=False)
    may = subject_types()["policy_change"].proposed_by
    if seat.role not in may:
        st.caption(f"A change is proposed by {' or '.join(may)}, and approved by others.")
        return
    edited = st.text_area("The policy as it should be", text, height=320, key=f"policy.text.{policy.label}")
    day = st.date_input(
        "In force from",
        value=seat.now.date() + timedelta(days=1),
        min_value=seat.now.date() + timedelta(days=1),
        key="policy.day",
        format="YYYY-MM-DD",
    )
    why = st.text_input("Why", key="policy.why", max_chars=500)
    change = _read(policy, edited, datetime.combine(day, time()), why)
    wrong = [change] if isinstance(change, str) else policies.faults(change, seat.now, roles=access()["roles"])
    for one in wrong:
        st.warning(plain(one))
    if not may_decide_now():
        require_fresh_authentication()
    st.button(
        f"Propose {policy.policy_id} from {day}", type="primary", key=PROPOSE, disabled=bool(wrong) or not why.strip() or edited == text,
        on_click=_propose, args=(seat, change),
    )  # fmt: skip
    if isinstance(said := answer_of(PROPOSE), str):
        st.error(plain(said))


def _read(policy: Policy, edited: str, at: datetime, why: str) -> dict[str, Any] | str:
    """The payload of the change, or why the text is no policy."""
    try:
        body = yaml.safe_load(edited)
    except yaml.YAMLError as error:
        return f"This is no YAML: {str(error).splitlines()[0]}"
    if not isinstance(body, dict):
        return "A policy is a list of names with values."
    return {
        "policy_id": policy.policy_id, "subject_type": policy.subject_type, "entity": policy.entity, "min_amount_eur": str(policy.min_amount_eur),
        "valid_from": at.isoformat(), "body": body, "before": policy.label, "title": f"{policy.label}, from {at:%d %b %Y}: {why}",
    }  # fmt: skip


def _propose(seat: Seat, change: dict[str, Any]) -> None:
    """Raises it and turns the page to it."""

    def make(connection: sa.Connection) -> Subject:
        return propose(connection, seat.reader, "policy_change", seat.person.staff_id, change, now=seat.now)

    made = raised(seat, PROPOSE, make)
    if made is not None:
        open_subject(made.subject_type, made.subject_id)
