"""KYC queue: which identification files need a person now or soon, and why; one file with everything that is known of it."""

import polars as pl
import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.queries import common
from apps.dashboard.queries import kyc_queue as queries
from apps.dashboard.ui import figures, filters, states
from apps.dashboard.ui.header import Page, header, moment
from apps.dashboard.ui.table import table_with_export

MART = queries.QUEUE
WHEN = {"all": "Now and soon", "now": "Now", "coming": "Soon"}
DECIDED = ("SUBMITTED", "IN_REVIEW", "EDD", "RE_KYC", "SUSPENDED")
CHECKS = ("identity", "address", "sanctions", "pep", "adverse_media", "appropriateness")


def words(reason: str) -> str:
    """A reason as people say it."""
    return reason.replace("_", " ").replace("cysec", "CySEC").capitalize().replace("Cysec", "CySEC")


def show_queue(page: Page) -> None:
    """How many files wait for what, and each of them."""
    entity = filters.entity(page.frame)
    found = page.read(queries.counts, entity)
    if found.is_empty():
        st.success("**The queue is clear.** Every file is as its profile wants it.")
        return
    show_tiles(page, found)
    labels = {name: words(name) for name in page.read(queries.reasons)["reason"].to_list()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = filters.choose("reason", "Reason", {"all": "All reasons"} | labels, "all")
        when = filters.choose("when", "When", WHEN, "all")
    rows = queries.queue(entity, None if reason == "all" else reason, when)
    chosen = table_with_export(page, rows, "kyc-queue", mart=MART, what="files", select=True, height=480)
    for number in chosen:
        client = page.read(common.one, rows, number)["client_id"][0]
        st.page_link(
            page.file, label=f"Open the file of {states.plain(client)}", query_params=filters.link(client=client)
        )
    st.subheader("By reason", anchor=False)
    table_with_export(page, found, "kyc-reasons", mart=MART, what="reasons")


def show_tiles(page: Page, found: pl.DataFrame) -> None:
    """The most urgent reasons, each a filter."""
    rows = list(found.iter_rows(named=True))[:4]
    for column, row in zip(st.columns(4), rows, strict=False):
        with column, st.container(border=True, gap="xxsmall", height="stretch"):
            st.metric(words(row["reason"]), f"{row['now']:,}", help="Files that need somebody now.")
            st.caption(f"{row['coming']:,} soon · oldest {row['oldest']:%d %b %Y}")
            st.page_link(page.file, label="Files", query_params=filters.link(reason=row["reason"]))


def show_case(page: Page, client_id: str) -> None:
    """One file: what it needs, what its client may do, what it lacks, and its history."""
    st.page_link(page.file, label="← Queue", query_params=filters.link(client=None))
    found = page.read(queries.file, client_id)
    if found.is_empty():
        st.warning("**No such client.**")
        st.text(f"No identification file bears the id {client_id}.")
        return
    row = found.row(0, named=True)
    st.subheader(f"Client {states.plain(client_id)}: {row['kyc_status']}", anchor=False)
    show_because(page, client_id, row)
    show_standing(row)
    for title, rows, name, mart in (
        ("Violations", queries.violations(client_id), "violations", queries.VIOLATIONS),
        ("Status on both clocks", queries.history(client_id), "history", queries.STATUS),
        ("Documents, checks and ratings", queries.evidence(client_id), "evidence", queries.EVENTS),
    ):
        st.subheader(title, anchor=False)
        if page.read(common.count, rows)["rows"][0] == 0:
            st.caption("None.")
        else:
            table_with_export(page, rows, f"kyc-{name}", mart=mart, what=title.lower(), height=280)


def show_because(page: Page, client_id: str, row: dict) -> None:
    """Why the file is in the queue, and the way to decide on it."""
    because = page.read(queries.because, client_id)
    if because.is_empty():
        st.success("**Nothing to do.** The file is not in the queue.")
    for one in because.iter_rows(named=True):
        due = f" Due {moment(one['due_at'])}." if one["due_at"] else ""
        (st.error if one["is_overdue"] else st.warning)(f"{states.plain(one['why'])}.{due}")
    if row["kyc_status"] in DECIDED and "approvals" in page.frame.viewer.pages:
        st.page_link(
            navigation.page_file("approvals"), label="Decide on it in Approvals",
            query_params=filters.kept() | {"subject": f"kyc_case:{client_id}"},
        )  # fmt: skip


def show_standing(row: dict) -> None:
    """What the client may do now, the evidence, and what falls due."""
    left, middle, right = st.columns(3)
    with left, st.container(border=True, height="stretch"):
        st.markdown("**May**")
        for what in ("deposit", "trade", "withdraw"):
            st.text(f"{what}: {row[f'can_{what}']}")
        st.caption(
            f"since {moment(row['status_since'])}" + (", after the days of grace" if row["is_after_grace"] else "")
        )
        by = f" by {row['deposit_methods']}" if row["deposit_methods"] else ""
        st.text(f"deposited EUR {figures.number(row['deposits_eur'], 2)}{by}")
    with middle, st.container(border=True, height="stretch"):
        st.markdown(f"**Evidence** for profile {row['profile']}")
        for check in CHECKS:
            st.text(f"{check.replace('_', ' ')}: {row[check] or 'none'}")
        st.text(f"category: {row['category'] or 'none'}")
        st.caption(f"An approval would lack: {row['lacks']}." if row["lacks"] else "An approval would lack nothing.")
    with right, st.container(border=True, height="stretch"):
        st.markdown("**Risk and dates**")
        st.text(f"rated {row['risk_rating'] or 'not yet'}; score {row['risk_score']} says {row['score_rating']}")
        st.caption(states.plain(row["risk_factors"]) or "nothing adds to the score")
        st.text(f"verified: {moment(row['verified_at'])}")
        st.text(f"review due: {moment(row['review_due_at'])}")
        st.text(f"document valid until: {row['document_expires_on'] or '—'}")
        if row["derogation_ends_at"]:
            st.text(f"derogation ends: {moment(row['derogation_ends_at'])}")


page = header(
    "kyc_queue",
    "KYC queue",
    "Identification files that need a person, now or soon, and why.",
    names=("client", "reason", "when"),
    live=True,
)
if states.available(page.frame, "The KYC queue", MART, "kyc_events"):
    with states.panel():
        client = st.query_params.get("client")
        if client:
            show_case(page, client)
        else:
            show_queue(page)
