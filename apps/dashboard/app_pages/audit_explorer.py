"""Audit explorer: the audit trail, filtered; who looked at what; and whether the chain is whole."""

from datetime import datetime, time

import polars as pl
import streamlit as st

from apps.access.reads import reads
from apps.approvals.anchors import trail
from apps.approvals.store import open_store
from apps.approvals.verify import Verdict, verify
from apps.dashboard.queries import audit_explorer as queries
from apps.dashboard.ui import filters, states
from apps.dashboard.ui.header import Page, header
from apps.dashboard.ui.table import table_with_export

TABS = {"trail": "Audit trail", "reads": "Who looked at what", "chain": "Hash chain"}
FIELDS = (("about", "About: any id"), ("actor", "Who acted"), ("kind", "Kind of event, from its start"))
ALL = "all"


def show_trail(page: Page) -> None:
    """Kinds of event with their counts, and the events themselves."""
    if not states.available(page.frame, "Events", queries.EVENTS, "any"):
        return
    names = page.read(queries.streams)["stream"].to_list()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stream = filters.choose("stream", "Stream", {ALL: "All streams"} | {name: name for name in names}, ALL)
        about, actor, kind = (filters.ask(name, label) or None for name, label in FIELDS)
    wanted = queries.parameters(page.scope, None if stream == ALL else stream, actor, about, kind)
    counts = page.read(queries.by_kind, wanted)
    if counts.is_empty():
        states.nothing_matches("events")
        return
    with st.container(horizontal=True):
        for label, name in (("Events", "events"), ("Known later", "known_later"), ("Corrections", "corrections")):
            st.metric(label, f"{sum(counts[name]):,}", border=True)
    st.subheader("Events", anchor=False)
    table_with_export(page, queries.events(wanted), "events", mart=queries.EVENTS, what="events")
    st.subheader("By kind", anchor=False)
    table_with_export(page, counts, "kinds", mart=queries.EVENTS, what="kinds of event")


def show_reads(page: Page) -> None:
    """The access log of the period: views, dossiers, exports; straight from the chain, so the last click is in it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        about = filters.ask("about", "About: the id that was looked at") or None
        who = filters.ask("actor", "Who looked") or None
    found = reads(open_store(page.frame.settings), datetime.combine(page.period.start, time()), _end(page), who, about)
    if found.is_empty():
        states.nothing_matches("reads")
        return
    table_with_export(page, found, "reads", mart=queries.EVENTS, what="reads")


def _end(page: Page) -> datetime:
    """Reads are of now, later than the newest data: a period that reaches the newest day reaches now."""
    return datetime.max if page.period.until > page.frame.last_day else datetime.combine(page.period.until, time())


def show_chain(page: Page) -> None:
    """Walks the chain when asked to: a million events take seconds."""
    st.write(
        "Every order, decision, view and export is sealed in a hash chain, whose head is signed at each publish. "
        "Verifying walks all of it, and compares it with the anchors and with the rows it attests."
    )
    if st.button("Verify the chain now", type="primary"):
        settings = page.frame.settings
        with st.spinner("Walking the chain …"):
            st.session_state["audit.verdict"] = verify(open_store(settings), trail(settings.anchors))
    verdict: Verdict | None = st.session_state.get("audit.verdict")
    if verdict is None:
        st.caption("Not verified in this session yet. On the command line: `daybook audit verify`.")
        return
    said = f"{verdict.events:,} events, {verdict.anchors} anchors, {verdict.seconds:.1f} s"
    if verdict.whole:
        st.success(f"**The chain is whole.** {said}.")
    else:
        st.error(f"**The chain is broken: {verdict.fault_count} faults.** {said}. Keep this home as it is.")
        faults = [{"kind": one.kind, "event": one.seq, "what": one.said} for one in verdict.faults]
        table_with_export(
            page, pl.DataFrame(faults, infer_schema_length=None), "faults", mart=queries.EVENTS, what="faults"
        )
    st.caption(
        f"Head: `{verdict.head}`. Keys of the anchors: {', '.join(f'`{one}`' for one in verdict.fingerprints) or 'none yet'}. "
        "Compare with the fingerprint that is kept elsewhere."
    )


page = header(
    "audit_explorer", "Audit explorer", "What happened, who did it, who looked at it, and whether the record is whole.",
    names=("stream", "about", "actor", "kind"), tabs=TABS,
)  # fmt: skip
opened, places = filters.open_tab(TABS, page.name)
with places[list(TABS).index(opened)], states.panel():
    {"trail": show_trail, "reads": show_reads, "chain": show_chain}[opened](page)
