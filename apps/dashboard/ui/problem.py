"""What a message about a problem needs, ready to copy: page, filters, publish, and the references of parts that failed. No person, no client."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from apps.dashboard.frame import Frame
from apps.export import daybook_version

PAGE, REFERENCES = "problem.page", "problem.references"


def begin(page: str) -> list[str]:
    """A page begins: gives the references of what failed when it was last drawn, which this drawing starts without."""
    last = st.session_state.get(REFERENCES, []) if st.session_state.get(PAGE) == page else []
    st.session_state[PAGE], st.session_state[REFERENCES] = page, []
    return last


def happened(reference: str) -> None:
    """A part failed under this reference: what to report stands right below it."""
    st.session_state.setdefault(REFERENCES, []).append(reference)
    if "frame" in st.session_state:
        with st.expander("Report this problem"):
            show([reference])


def show(references: list[str]) -> None:
    """The text, with the button that copies it."""
    st.code(text(st.session_state["frame"], st.session_state.get(PAGE, "none"), references), language=None)


def text(frame: Frame, page: str, references: list[str]) -> str:
    """Page with its filters as an address, role, publish, version, time, and references; ends with the question that only a person can answer."""
    query = urlencode({name: value for name, value in st.query_params.to_dict().items() if name != "user"})
    publish = frame.publish
    lines = [
        f"Page: {page}{f'?{query}' if query else ''}",
        f"Role: {frame.viewer.role}",
        f"Publish: {publish.publish_id} of run {publish.run_id}, loaded {publish.loaded_at} UTC" if publish else "Publish: none",
        f"Daybook {daybook_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"Error reference: {', '.join(references) or 'none'}",
        "What I did, what I saw, what I expected: ",
    ]  # fmt: skip
    return "\n".join(lines)
