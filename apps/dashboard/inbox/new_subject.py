"""Propose: one form for every subject that somebody asks for and no page of its own proposes, drawn from its fields in subjects.yml."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
import streamlit as st

from apps.approvals.proposing import propose
from apps.approvals.subject import Field, Subject, subject_types
from apps.dashboard import navigation
from apps.dashboard.inbox.listing import open_subject
from apps.dashboard.inbox.proposing import answer_of, raised
from apps.dashboard.inbox.seat import Seat, may_decide_now
from apps.dashboard.queries import common
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import filters
from apps.dashboard.ui.states import plain

PROPOSE = "subject.propose"
ENVELOPE = ("entity", "client_id", "amount", "currency")
"""What every proposal bears beside its payload."""


def show_new_subject(seat: Seat) -> None:
    """What this role may propose here, and where the rest is proposed."""
    mine = {name: kind for name, kind in subject_types().items() if seat.role in kind.proposed_by}
    here = {name: kind.label for name, kind in mine.items() if kind.fields}
    if not mine:
        st.info(f"**Nothing is yours to propose.** No subject names the role {seat.role} as one that asks for it.")
        return
    if here:
        chosen = st.selectbox(
            "What", list(here), index=None, key="new.kind", format_func=here.__getitem__, placeholder="Choose what to propose"
        )  # fmt: skip
        if chosen is not None:
            _form(seat, chosen)
    elsewhere = {name: kind for name, kind in mine.items() if kind.page}
    if elsewhere:
        st.caption("Proposed where their figures stand:")
    for kind in elsewhere.values():
        name, _, tab = kind.page.partition(":")
        if name in seat.page.frame.viewer.pages:
            query = filters.kept() | ({"tab": tab} if tab else {})
            st.page_link(navigation.page_file(name), label=kind.label, query_params=query, width="content")


def _form(seat: Seat, subject_type: str) -> None:
    """The fields, what is still missing in words, and the button that sends it to those who decide."""
    kind = subject_types()[subject_type]
    with st.container(border=True, key="new-subject"):
        said = {one.name: _field(seat, subject_type, one) for one in kind.fields}
        wrong = [f"{one.label} is missing." for one in kind.fields if one.needed and said[one.name] in (None, "", [])]
        stated: dict[str, Any] = {}
        for one in kind.fields:
            try:
                stated[one.name] = _value(one, said[one.name])
            except ValueError as error:
                wrong.append(str(error))
        if isinstance(answer := answer_of(PROPOSE), str):
            st.error(plain(answer))
        if wrong:
            st.caption(plain(wrong[0]))
        elif not may_decide_now():
            require_fresh_authentication()
        st.button(
            f"Propose {kind.label.lower()}", type="primary", key=PROPOSE, disabled=bool(wrong), on_click=_propose,
            args=(seat, subject_type, stated),
        )  # fmt: skip


def _field(seat: Seat, subject_type: str, one: Field) -> Any:
    """The widget of a field; gives what stands in it."""
    key, label = f"new.{subject_type}.{one.name}", one.label if one.needed else f"{one.label} (optional)"
    if one.kind == "entity":
        names = seat.page.read(common.entities)["entity"].to_list() if seat.page.frame.reader is not None else []
        return st.selectbox(label, names, index=None, key=key)
    if one.kind == "choice":
        return st.selectbox(label, list(one.of), index=None, key=key)
    if one.kind in ("text", "lines"):
        return st.text_area(label, key=key, height=90, max_chars=4000)
    if one.kind in ("day", "future_day"):
        first = seat.now.date() + timedelta(days=1) if one.kind == "future_day" else date(2000, 1, 1)
        return st.date_input(label, value=None, min_value=first, key=key, format="YYYY-MM-DD")
    return st.text_input(label, key=key, max_chars=200)


def _value(one: Field, said: Any) -> Any:
    """What the proposal states for the field; None where nothing was filled in. Raises ValueError with a sentence for what cannot be read."""
    if said in (None, "", []):
        return None
    if one.kind == "lines":
        return [line.strip() for line in said.splitlines() if line.strip()]
    if isinstance(said, date):
        return said.isoformat()
    text = str(said).strip()
    if one.kind in ("amount", "count"):
        try:
            number = Decimal(text.replace(",", "").replace(" ", ""))
        except InvalidOperation:
            raise ValueError(f"{one.label}: “{text}” is no number.") from None
        if not number.is_finite() or (one.kind == "count" and (number < 0 or number != number.to_integral_value())):
            raise ValueError(f"{one.label}: “{text}” is no {'number' if one.kind == 'amount' else 'count'}.")
        return number if one.kind == "amount" else int(number)
    return text.upper() if one.kind == "currency" else text


def _propose(seat: Seat, subject_type: str, stated: Mapping[str, Any]) -> None:
    """Raises it and turns the page to it."""
    payload: dict[str, Any] = {}
    for name, value in stated.items():
        if name in ENVELOPE or value is None:
            continue
        outer, _, inner = name.partition(".")
        if inner:
            payload.setdefault(outer, {})[inner] = value
        else:
            payload[name] = str(value) if isinstance(value, Decimal) else value
    beside = {name: stated[name] for name in ENVELOPE if stated.get(name) is not None}

    def make(connection: sa.Connection) -> Subject:
        return propose(connection, seat.reader, subject_type, seat.person.staff_id, payload, now=seat.now, **beside)

    made = raised(seat, PROPOSE, make)
    if made is not None:
        open_subject(made.subject_type, made.subject_id)
