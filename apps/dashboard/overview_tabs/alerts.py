"""Alerts on metrics: what is firing, what was done about it, and the way to acknowledge."""

from datetime import datetime

import polars as pl
import streamlit as st

from apps.approvals.store import open_store, reading, writing
from apps.dashboard import session
from apps.dashboard.inbox.seat import Seat, may_decide_now, take_seat
from apps.dashboard.queries import overview
from apps.dashboard.session import require_fresh_authentication
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, moment
from apps.dashboard.ui.table import table_with_export
from apps.metric_alerts import standing
from apps.metric_alerts.rules import AlertRuleError, rules
from apps.metric_alerts.standing import Alert, AlertRefused

SHOWN = {"open": "Open", "all": "All, also resolved"}
SEVERITY = ("high", "medium", "low")
SAID = "alerts.said"
HISTORY = {
    "at": pl.Datetime("us"), "alert": pl.Utf8, "state": pl.Utf8, "metric": pl.Utf8, "who": pl.Utf8, "words": pl.Utf8, "publish": pl.Int64,
}  # fmt: skip


def seen(page: Page) -> list[Alert]:
    """Every alert that the viewer's role may see: open ones first, the most severe before the others."""
    with reading(open_store(page.frame.settings)) as connection:
        found = standing.standing(connection).values()
    published = _published(page)
    visible = [one for one in found if standing.visible(page.frame.viewer.role, one.metric, published)]
    return sorted(visible, key=lambda one: (not one.is_open, SEVERITY.index(one.severity), one.alert_id))


def tell(page: Page, alerts: list[Alert]) -> None:
    """One line above the tiles while anything fires that nobody has acknowledged."""
    firing = [one for one in alerts if one.state == "firing"]
    if not firing:
        return
    names = ", ".join(states.plain(one.label) for one in firing[:3]) + (" …" if len(firing) > 3 else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(f"**{len(firing)} alert{'s' if len(firing) > 1 else ''} on metrics:** {names}.")
        st.page_link(page.file, label="Open the alerts", query_params=filters.link(tab="alerts"))


def show_alerts(page: Page, alerts: list[Alert]) -> None:
    """The alerts, the chosen one with its advice and its acknowledgement, and every change of state."""
    try:
        known = rules(page.frame.settings)
        st.caption(f"{len(known)} rules are judged on complete days after each publish, and every hour by the clock.")
    except AlertRuleError as error:
        st.warning(f"**No metric is watched.** {states.plain(error)}")
    if said := st.session_state.pop(SAID, None):
        st.error(states.plain(said[1:])) if said.startswith("!") else st.success(states.plain(said))
    chosen = filters.choose("state", "Alerts", SHOWN, "open")
    shown = [one for one in alerts if one.is_open or chosen == "all"]
    if not shown:
        st.success("**No alert is open.** Every rule that could be judged holds no finding.")
    else:
        rows = pl.DataFrame([_row(one) for one in shown], infer_schema_length=None)
        table_with_export(page, rows, "alerts", mart="", what="alerts")
    st.subheader("Every change of state", anchor=False)
    published = _published(page)
    with reading(open_store(page.frame.settings)) as connection:
        told = standing.history(connection)
    told = [one for one in told if standing.visible(page.frame.viewer.role, one["metric"], published)]
    table_with_export(page, pl.DataFrame(told, schema=HISTORY), "alert-history", mart="", what="changes of alerts")
    by_id = {one.alert_id: one for one in alerts}
    labels = {"none": "Choose an alert"} | {name: f"{one.label} ({one.state})" for name, one in by_id.items()}
    # last on the page: whoever must confirm who they are first sees nothing below
    if (picked := filters.choose("alert", "What to do about", labels, "none")) != "none":
        _show_one(page, by_id[picked])


def _published(page: Page) -> set[str]:
    return set(page.read(overview.names)["kpi"].to_list())


def _row(one: Alert) -> dict[str, str | datetime | None]:
    return {
        "alert": one.label, "rule": one.alert_id, "state": one.state, "severity": one.severity, "found": one.words, "owner": one.owner,
        "firing_since": one.fired_at, "acknowledged_by": one.acknowledged_by, "note": one.note,
    }  # fmt: skip


def _show_one(page: Page, one: Alert) -> None:
    with st.container(border=True):
        st.markdown(
            f"**{states.plain(one.label)}** · {one.state} since {moment(one.at)} · for {states.plain(one.owner)}"
        )
        st.text(one.words)
        st.text(one.advice)
        if one.state != "firing":
            return
        seat = take_seat(page)
        if seat is None:
            return
        if not standing.may_acknowledge(seat.person, one):
            allowed = ", ".join(dict.fromkeys([one.owner, *standing.acknowledgers()]))
            st.caption(f"It is acknowledged by {allowed}; you are {seat.role or 'nobody there'}.")
            return
        if not may_decide_now():
            require_fresh_authentication()
        with st.form("alert.acknowledge", clear_on_submit=True):
            note = st.text_input("What is done about it", max_chars=standing.LONGEST, key="alert.note")
            if st.form_submit_button("Acknowledge", key="alert.go"):
                _acknowledge(seat, one, note)


def _acknowledge(seat: Seat, one: Alert, note: str) -> None:
    frame = seat.page.frame
    try:
        with writing(seat.engine) as connection:
            standing.acknowledge(
                connection, frame.settings, one.alert_id, note, seat.person, session.actor(frame.viewer), seat.now
            )
    except AlertRefused as error:
        st.session_state[SAID] = f"!{error}"
    else:
        st.session_state[SAID] = f"Acknowledged: {one.label}."
    st.rerun()
