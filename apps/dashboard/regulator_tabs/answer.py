"""The answer to one id: in one breath, then what failed, both clocks, the checks around the decision, the client's state, the timeline."""

from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard import session, trail
from apps.dashboard.queries import regulator_query as queries
from apps.dashboard.ui import figures, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export
from apps.dashboard.ui.timeline import swim_lanes
from apps.dossier import DossierNotFound, dossier
from apps.dossier.subjects import kinds
from apps.evidence import evidence_pack
from apps.evidence.pack import file_name

STATES = ("balances", "equity", "positions", "screening", "documents", "alerts")
MARTS = {
    "balances": "finance.fct_postings", "equity": "trading.fct_account_snapshots", "positions": "trading.fct_deals",
    "screening": "compliance.fct_audit_events", "documents": "compliance.fct_audit_events", "alerts": "compliance.fct_alerts",
}  # fmt: skip
SECTIONS = {
    "decisions": ("Decisions, step by step", "compliance.fct_decisions"),
    "rts": ("Return to source: planned and actual", "compliance.fct_rts_legs"),
    "references": ("What provider and bank call it", "finance.rec_psp_matches"),
    "ledger": ("Journal entries", "finance.fct_postings"),
    "accruals": ("Commission accruals", "partners.fct_commission_accruals"),
    "withdrawals": ("Withdrawals", "operations.fct_withdrawals"),
    "evidence_events": ("Events it rests on", "compliance.fct_audit_events"),
    "violations": ("Rules of identification broken", "compliance.fct_kyc_violations"),
}


def answer(page: Page, subject: str, identifier: str) -> dict[str, Any] | DossierNotFound:
    """The dossier, or why there is none."""
    try:
        return dossier(page.reader, subject, identifier)
    except DossierNotFound as error:
        return error


def sentence(found: dict[str, Any]) -> str:
    """The answer in one breath."""
    subject, decision = found["subject"], found["decision"]
    if subject["type"] not in ("withdrawal", "deposit", "transfer"):
        return _of_another(subject, decision)
    money = f"{subject['currency']} {figures.number(subject['amount'], 2)}" if subject["amount"] is not None else "it"
    asked = {"withdrawal": "asked for", "deposit": "paid in", "transfer": "moved"}[subject["type"]]
    opening = f"Client {subject['client_id']} {asked} {money} on {_words(subject['requested_at'])}."
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


def _of_another(subject: dict[str, Any], decision: dict[str, Any] | None) -> str:
    """What is no money request, in one breath."""
    label = kinds()[subject["type"]].label
    began = f"{label} {subject['id']} of {_words(subject['requested_at'])}."
    if decision is None:
        return f"{began} Nobody has decided on it."
    role = f" ({decision['role']})" if decision.get("role") else ""
    taken = str(decision["decision"]).capitalize()
    return f"{began} {taken} by {decision['decided_by'] or 'nobody named'}{role} on {_words(decision['decided_at'])}."


def show_answer(page: Page, found: dict[str, Any]) -> None:
    """Sentence, failures, both clocks side by side, checks around the decision, state, sections, and the timeline."""
    subject = found["subject"]
    st.subheader(f"{kinds()[subject['type']].label} {states.plain(subject['id'])}", anchor=False)
    with st.container(border=True):
        st.text(sentence(found))
    offer_pack(page, found)
    show_failures(page, found)
    if subject.get("client_id") is not None:
        show_clocks(found)
    show_checks(page, found)
    show_timeline(page, found)
    show_standing(page, found)
    for name, (title, mart) in SECTIONS.items():
        if found.get(name):
            st.subheader(title, anchor=False)
            table_with_export(page, _frame(found[name]), name, mart=mart, what=name)
    for name, why in found["not_shown"].items():
        st.caption(f"{name.replace('_', ' ').capitalize()}: {states.plain(why)}.")


def offer_pack(page: Page, found: dict[str, Any]) -> None:
    """The evidence pack as a download; made only when it is asked for, and its export is an event of the chain."""
    subject, settings, viewer = found["subject"], page.frame.settings, page.frame.viewer
    name = file_name(subject["type"], subject["id"], found["publish"]["id"])
    who = session.actor(viewer)

    def made() -> bytes:
        return evidence_pack(settings, page.reader, subject["type"], subject["id"], actor=who).data

    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Evidence pack", data=trail.exporting(page.frame, page.manifest("evidence pack"), name, made), file_name=name,
            mime="application/zip", key="evidence", on_click="ignore", help="PDF, tables, query texts, versions, manifest, and the signed proof",
        )  # fmt: skip
        st.caption(
            "Whoever gets it runs `python3 -I -S verify.py` with the key’s fingerprint, which `daybook audit verify` shows. "
            "Send that by another way.",
            width="content",
        )


def show_failures(page: Page, found: dict[str, Any]) -> None:
    """What went wrong by the rules of the time, and what is only known now."""
    failures = found["control_failures"]
    if not failures:
        if found["decision"] is None:
            return
        st.success(
            "**No control failure.** The decision kept every rule, by what was known then and by what is known now."
        )
        return
    st.error(f"**{len(failures)} control failure{'s' if len(failures) > 1 else ''}**")
    table_with_export(
        page,
        _frame(failures),
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
                table_with_export(
                    page, _frame(found[name]), name.replace("_", "-"), mart="compliance.fct_checks", what="checks"
                )
            else:
                st.caption("None.")


def show_standing(page: Page, found: dict[str, Any]) -> None:
    """Money, positions, checks and documents of the client at the decision; where the clocks differ, a row says which it is of."""
    at_decision = found["standing"]["at_decision"]
    for name in STATES:
        was, known = (at_decision[clock].get(name, []) for clock in ("as_it_was", "as_known_then"))
        if not was and not known:
            continue
        st.subheader(f"{name.capitalize()} at the decision", anchor=False)
        rows = [{"clock": "as it was", **row} for row in was]
        if was != known:
            rows += [{"clock": "as it was known then", **row} for row in known]
        table_with_export(page, _frame(rows), name, mart=MARTS[name], what=name)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def show_timeline(page: Page, found: dict[str, Any]) -> None:
    """Every event in order, drawn and as a table."""
    events = found["timeline"]
    st.subheader("Timeline", anchor=False)
    if not events:
        st.caption("No event.")
        return
    st.plotly_chart(
        swim_lanes(events, found["subject"]["id"], (found["decision"] or {}).get("decided_at")),
        alt="Events in order, in lanes: client, money, checks, people",
        key="timeline",
    )
    table_with_export(
        page,
        _frame(events),
        "timeline",
        mart="compliance.fct_audit_events",
        what="events",
    )
    st.caption(
        f"Answered in {found.get('answered_in_ms', '—')} ms from publish {page.frame.publish.publish_id if page.frame.publish else '—'}."
    )
