"""The head of every page: what is seen, of when, how fresh, how well checked, by whose eyes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from apps.dashboard import frame as frames
from apps.dashboard import navigation
from apps.dashboard import period as periods
from apps.dashboard.frame import Frame
from apps.dashboard.guides import guide
from apps.dashboard.period import Period, complete_until
from apps.dashboard.queries.common import Scope
from apps.dashboard.ui import filters, problem, states
from apps.export import Manifest, daybook_version
from warehouse.reader import Reader

POLL_SECONDS = 5
FRESH = timedelta(hours=26)
STALE = timedelta(hours=50)
"""A daily feed is fresh for a day and two hours' grace, stale after two days; between them it is ageing."""


@dataclass(frozen=True)
class Page:
    """An opened page: its frame, and the filters that its address holds."""

    name: str
    frame: Frame
    reader: Reader
    period: Period
    entity: str | None
    live: bool = False

    @property
    def file(self) -> Path:
        """This page, for links to itself with other filters."""
        return navigation.page_file(self.name)

    @property
    def scope(self) -> Scope:
        period = self.period
        return Scope(period.start, period.until, period.previous_start, period.previous_until, self.entity)

    @property
    def complete_until(self) -> Any:
        """The first day that is not complete yet."""
        publish = self.frame.publish
        return complete_until(self.frame.as_of, publish.loaded_at if publish else None)

    def read(self, query: Callable[..., pl.DataFrame], *arguments: Any) -> pl.DataFrame:
        return self.frame.read(query, *arguments)

    def manifest(self, name: str) -> Manifest:
        """What an export of this page says about itself."""
        publish = self.frame.publish
        assert publish is not None
        shown = {key: value for key, value in st.query_params.to_dict().items() if key not in ("user", "tab")}
        shown |= {
            "entity": self.entity or st.query_params.get("entity", "all"),
        }
        if not self.live:
            shown |= {"from": str(self.period.start), "until (exclusive)": str(self.period.until)}
        viewer = self.frame.viewer
        return Manifest(
            f"{self.name}: {name}", shown, f"{viewer.name} ({viewer.user})", viewer.role, publish.publish_id,
            publish.latest_event_at, publish.loaded_at, daybook_version(),
        )  # fmt: skip


def header(
    name: str,
    title: str,
    about: str,
    *,
    names: Iterable[str] = (),
    tabs: Iterable[str] = (),
    of_files: bool = False,
    live: bool = False,
) -> Page:
    """Draws the head of the page and gives the opened page; stops where nothing is published or the address is wrong.

    `names` are the further filters of the page, `tabs` the codes of its tabs; `of_files` is
    for a page of files, which count by when they were recorded and belong to no entity; `live` for one that shows what is now: it
    has no period to choose, and draws its own filters.
    """
    frame: Frame = st.session_state["frame"]
    _require(frame, name)
    _title(frame, name, title)
    if about:
        st.caption(about)
    if frame.reader is None or frame.publish is None:
        states.nothing_published()
        _red_run(frame)
        st.stop()
    filters.refuse_unknown_names(names)
    filters.refuse_unknown_tab(tabs)
    last_day = frame.last_recorded_day if of_files else frame.last_day
    entity, period = None, periods.period("30d", last_day)
    if not live:
        with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
            entity = filters.entity(frame)
            period = filters.period(last_day)
    if of_files and entity is not None:
        st.caption("A file is not one entity’s: the entity filter does not narrow this page.")
    _red_run(frame)
    _status(frame, "now" if live else period.label)
    return Page(name, frame, frame.reader, period, entity, live)


def _title(frame: Frame, name: str, title: str) -> None:
    """The page's title, beside it the guide of the viewer's role and what to copy into the report of a problem."""
    references = problem.begin(name)
    with st.container(horizontal=True, vertical_alignment="center", key="title"):
        st.title(title, anchor=False, width="stretch")
        if text := guide(frame.viewer.role):
            with st.popover("Guide", help=f"The daily round of {frame.viewer.role}", width="content"):
                st.markdown(text)
        with st.popover("Report a problem", width="content"):
            st.caption("Copy this into your message to the data team, and complete its last line.")
            problem.show(references)


def _require(frame: Frame, name: str) -> None:
    """The page's own guard, should the router ever let someone through."""
    if name not in frame.viewer.pages:
        states.refused(f"The role {frame.viewer.role} may not open this page.")
        st.stop()


def _red_run(frame: Frame) -> None:
    """Says when the last build was red: readers still see the publish before it, whole."""
    run = frames.last_run(frame.settings)
    if run.get("status") in ("red", "failed"):
        seen = (
            f"You see publish {frame.publish.publish_id}, which it did not touch."
            if frame.publish
            else "Nothing is published yet."
        )
        st.error(f"**The last build is red** (run {run.get('run_id')}, {run.get('finished_at')}). {seen}")
        st.text(str(run.get("message") or "")[:500])


@st.fragment(run_every=POLL_SECONDS)
def _status(frame: Frame, seen: str) -> None:
    """As of, loaded, freshness and checks; looked at again every few seconds, because fresh grows stale by itself."""
    publish = frame.publish
    assert publish is not None
    checks = {**dict.fromkeys(("pass", "warn", "fail"), 0), **publish.checks}
    failed = checks["fail"] + checks.get("error", 0)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="status"):
        st.badge(freshness(publish.loaded_at, datetime.now(UTC).replace(tzinfo=None)), color="blue", width="content")
        st.caption(f"**{seen}** · broker day 00:00–24:00 UTC", width="content")
        st.caption(
            f"as of **{moment(publish.latest_event_at)}**", width="content", help="The latest event in the data (UTC)."
        )
        st.caption(
            f"loaded **{moment(publish.loaded_at)}**", width="content", help="When the newest file was recorded (UTC)."
        )
        st.caption(
            f"publish **{publish.publish_id}**",
            width="content",
            help=f"Published {moment(publish.published_at)} by run {publish.run_id}.",
        )
        counts = f"✓ {checks['pass']} passed · ! {checks['warn']} warned · ✗ {failed} failed"
        if "data" in frame.viewer.pages:
            parameters = filters.kept() | {"tab": "checks"}
            st.page_link(
                navigation.page_file("data"),
                label=counts,
                query_params=parameters,
                help="The checks of this publish",
                width="content",
            )
        else:
            st.caption(counts, width="content")
    newest = frames.current_publish(frame.settings)
    if newest is not None and newest.publish_id != publish.publish_id:
        frames.warm(frame, newest)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**New data:** publish {newest.publish_id} of {moment(newest.published_at)}.", width="content")
            if st.button("Show it"):
                st.rerun()


def moment(at: datetime | None) -> str:
    """A time as people read it, in UTC."""
    return f"{at:%d %b %Y %H:%M} UTC" if at else "—"


def freshness(loaded_at: datetime | None, now: datetime) -> str:
    """`fresh`, `ageing` or `stale`, with the age of the newest load.

    >>> freshness(datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 13)), freshness(None, datetime(2026, 1, 1))
    ('fresh · 1 h', 'not loaded')
    """
    if loaded_at is None:
        return "not loaded"
    age = now - loaded_at
    state = "fresh" if age <= FRESH else "ageing" if age <= STALE else "stale"
    hours = max(int(age.total_seconds() // 3600), 0)
    return f"{state} · {hours} h" if hours < 72 else f"{state} · {hours // 24} days"
