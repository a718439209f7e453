"""Who looked at what, and who took what away: written by the router and by the one place that exports, never page by page."""

from collections.abc import Callable

import streamlit as st

from apps.access import journal, sessions
from apps.access.identity import NotAdmitted
from apps.approvals import chain
from apps.approvals.chain import Event
from apps.approvals.store import open_store
from apps.dashboard import session
from apps.dashboard.frame import Frame
from apps.export import Manifest

STREAM = "access"


def viewed(frame: Frame, page: str) -> None:
    """Records the view of a page with its filters, once for each that differs; a page that refuses is recorded as refused."""
    query = {name: value for name, value in st.query_params.to_dict().items() if name != "user"}
    publish = frame.publish.publish_id if frame.publish else None
    seen = (frame.viewer.user, page, tuple(sorted(query.items())), publish)
    if st.session_state.get("trail.seen") == seen:
        return
    st.session_state["trail.seen"] = seen
    kind = "page.viewed" if page in frame.viewer.pages else "page.refused"
    after = {"query": query, "publish_id": publish, "session_id": frame.viewer.session_id}
    event = Event(
        kind, session.actor(frame.viewer), "page", page, stream=STREAM, after={k: v for k, v in after.items() if v}
    )
    journal.record(frame.settings, event)


def exporting(frame: Frame, manifest: Manifest, file: str, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """`make`, which first records the export and refuses where it cannot, or where the session has ended meanwhile."""
    who, settings, viewer = session.actor(frame.viewer), frame.settings, frame.viewer
    after = {
        "file": file, "title": manifest.title, "filters": manifest.filters, "publish_id": manifest.publish_id,
    }  # fmt: skip

    def recorded() -> bytes:
        if viewer.session_id and not sessions.is_open(open_store(settings), viewer.session_id, settings, chain.now()):
            raise NotAdmitted("session_over", "The session has ended. Sign in again to export.")
        journal.record_now(settings, Event("data.exported", who, "export", file, stream=STREAM, after=after))
        return make()

    return recorded
