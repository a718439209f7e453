"""Regulator query: who approved this withdrawal, what was checked before, and what the client's status was at the time."""

from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard.queries import common
from apps.dashboard.queries import regulator_query as queries
from apps.dashboard.ui import figures, filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.timeline import swim_lanes
from apps.dossier import DossierNotFound, dossier

WANTED = {"all": "All withdrawals", "failures": "With a control failure"}


def answer(page: Page, identifier: str) -> dict[str, Any] | None:
    """The dossier; None (and words) when there is no such withdrawal."""
    try:
        return dossier(page.reader, "withdrawal", identifier)
    except DossierNotFound as error:
        st.warning("**No such withdrawal.**")
        st.text(str(error))
        for near in error.nearest:
            st.page_link(page.file, label=states.plain(near), query_params=filters.link(id=near))
        return None


def sentence(found: dict[str, Any]) -> str:
    """The answer in one breath."""
    subject, decision = found["subject"], found["decision"]
    money = f"{subject['currency']} {figures.number(subject['amount'], 2)}"
    opening = f"Client {subject['client_id']} asked for {money} on {_words(subject['requested_at'])}."
    if decision is None:
        return f"{opening} Nobody has decided yet; {len(found['checks_before'])} checks have run."
    before, after = found["checks_before"], found["checks_after"]
    passed = sum(check["result"] == "pass" for check in before)
    was, known = (found["client_status"].get(clock) or {} for clock in ("as_it_was", "as_known_then"))
    status = f"The client was {was.get('kyc_status')} as it was"
    status += (
        ", and that was known then."
        if was.get("kyc_status") == known.get("kyc_status")
        else f", but {known.get('kyc_status')} as known then."
    )
    checked = f"{len(before)} checks ran before, {passed} of them passed." if before else "No check ran before."
    late = f" {len(after)} ran only after it." if after else ""
    who = decision["decided_by"] or "nobody named"
    role = f" ({decision['role']})" if decision.get("role") else ""
    return (
        f"{opening} {str(decision['decision']).capitalize()} by {who}{role} on {_words(decision['decided_at'])}. "
        f"{checked}{late} {status}"
    )


def _words(at: datetime | None) -> str:
    return f"{at:%d %b %Y %H:%M:%S} UTC" if at else "an unknown day"


def show_answer(page: Page, found: dict[str, Any]) -> None:
    """Sentence, failures, both clocks side by side, checks around the decision, and the timeline."""
    st.subheader(f"Withdrawal {states.plain(found['subject']['id'])}", anchor=False)
    with st.container(border=True):
        st.text(sentence(found))
    show_failures(page, found)
    show_clocks(found)
    show_checks(page, found)
    show_timeline(page, found)


def show_failures(page: Page, found: dict[str, Any]) -> None:
    """What went wrong by the rules of the time, and what is only known now."""
    failures = found["control_failures"]
    if not failures:
        st.success(
            "**No control failure.** The decision kept every rule, by what was known then and by what is known now."
        )
        return
    st.error(f"**{len(failures)} control failure{'s' if len(failures) > 1 else ''}**")
    table_with_export(
        page,
        pl.DataFrame(failures, infer_schema_length=None),
        "control-failures",
        mart=queries.FAILURES,
        what="failures",
    )


def show_clocks(found: dict[str, Any]) -> None:
    """The client at the decision on the two clocks; what differs is marked in words, not by colour alone."""
    was, known = (found["client_status"].get(clock) or {} for clock in ("as_it_was", "as_known_then"))
    columns = st.columns(2)
    for column, title, words, values, other in (
        (columns[0], "As it was", "All that had happened by then, by today’s knowledge.", was, known),
        (columns[1], "As it was known then", "Of that, only what had reached us by then.", known, was),
    ):
        with column, st.container(border=True, height="stretch"):
            st.subheader(title, anchor=False)
            st.caption(f"{words} The moment: {_words(values.get('at'))}.")
            for name, value in ((name, value) for name, value in values.items() if name != "at"):
                differs = other.get(name) != value
                label = f"{name.replace('_', ' ')}{' · differs' if differs else ''}"
                st.metric(label, str(value) if value is not None else "—")


def show_checks(page: Page, found: dict[str, Any]) -> None:
    """The checks, split at the decision."""
    for column, name, title in zip(
        st.columns(2), ("checks_before", "checks_after"), ("Checks before the decision", "Checks after it"), strict=True
    ):
        with column:
            st.subheader(title, anchor=False)
            if found[name]:
                frame = pl.DataFrame(found[name], infer_schema_length=None)
                table_with_export(page, frame, name.replace("_", "-"), mart="compliance.fct_checks", what="checks")
            else:
                st.caption("None.")


def show_timeline(page: Page, found: dict[str, Any]) -> None:
    """Every event in order, drawn and as a table."""
    events = found["timeline"]
    st.subheader("Timeline", anchor=False)
    if not events:
        st.caption("No event.")
        return
    st.plotly_chart(
        swim_lanes(events, found["subject"]["id"], (found["decision"] or {}).get("decided_at")),
        alt="Events in order, by who acted",
        key="timeline",
    )
    table_with_export(
        page,
        pl.DataFrame(events, infer_schema_length=None),
        "timeline",
        mart="compliance.fct_audit_events",
        what="events",
    )
    st.caption(
        f"Answered in {found.get('answered_in_ms', '—')} ms from publish {page.frame.publish.publish_id if page.frame.publish else '—'}."
    )


def show_list(page: Page) -> None:
    """The withdrawals of the period to choose from."""
    wanted = filters.choose("show", "Show", WANTED, "all")
    rows = queries.withdrawals(page.scope, wanted == "failures")
    chosen = table_with_export(page, rows, "withdrawals", mart=queries.WITHDRAWALS, what="withdrawals", select=True)
    if chosen:
        identifier = page.read(common.one, rows, chosen[0])["request_id"][0]
        st.page_link(page.file, label=f"Open {states.plain(identifier)}", query_params=filters.link(id=identifier))


def ask() -> str:
    """The id that was asked for, in the address too."""
    st.session_state["filter.id"] = st.query_params.get("id", "")
    return st.text_input(
        "Withdrawal id",
        key="filter.id",
        on_change=_write_id,
        placeholder="the request id, as the CRM or the regulator writes it",
    ).strip()


def _write_id() -> None:
    identifier = st.session_state["filter.id"].strip()
    if identifier:
        st.query_params["id"] = identifier
    else:
        st.query_params.pop("id", None)


page = header(
    "regulator_query", "Regulator query", "Who approved this withdrawal, what was checked before, and what was the client’s status at the time?",
    names=("id", "show"),
)  # fmt: skip
if states.available(page.frame, "Withdrawals", queries.WITHDRAWALS, "cash_requests"):
    identifier = ask()
    with states.panel():
        if identifier:
            found = answer(page, identifier)
            if found is not None:
                show_answer(page, found)
            st.page_link(page.file, label="Back to the list", query_params=filters.link(id=None))
        else:
            show_list(page)
