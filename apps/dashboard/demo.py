"""The demo user switcher: stands in for signing in on one's own machine, and for proving again who one is."""

from datetime import datetime

import streamlit as st

from apps.approvals import chain
from apps.dashboard.ui import states
from apps.dashboard.viewer import Viewer, demo_users


def choose() -> Viewer:
    """The demo user of the address (`user=`), of this session, or the first one; an unknown name is refused."""
    by_name = {viewer.user: viewer for viewer in demo_users()}
    name = st.query_params.get("user", st.session_state.get("viewer", demo_users()[0].user))
    if name not in by_name:
        states.refused(f"“{states.plain(name)}” is no demo user. There are: {', '.join(by_name)}.")
        st.stop()
    st.session_state["viewer"] = st.session_state["viewer.choice"] = name
    if name != demo_users()[0].user:
        st.query_params["user"] = name
    with st.sidebar:
        st.selectbox(
            "Demo user", list(by_name), key="viewer.choice", on_change=_take_viewer,
            format_func=lambda user: f"{by_name[user].name} · {by_name[user].role}",
            help="Stands in for signing in, on this machine only. Each user sees what access.yml gives the role.",
        )  # fmt: skip
    return by_name[name]


def _take_viewer() -> None:
    """Another person looks: nothing that the one before had chosen or confirmed stays."""
    name = st.session_state["viewer.choice"]
    for key in [key for key in st.session_state if str(key).startswith(("kept.", "confirmed."))]:
        del st.session_state[key]
    st.query_params.clear()
    st.query_params["user"] = name


def confirmed_at(viewer: Viewer) -> datetime | None:
    """When this demo user last confirmed to be the one who decides, in this browser window."""
    return st.session_state.get(f"confirmed.{viewer.user}")


def ask_to_confirm(viewer: Viewer, minutes: float) -> None:
    """Asks the demo user to confirm; where an identity provider is connected, this is signing in again."""
    st.info(f"**Who decides confirms who they are**, at most {minutes:g} minutes before. What you have written stays.")

    def confirm() -> None:
        st.session_state[f"confirmed.{viewer.user}"] = chain.now()

    st.button(f"I am {viewer.name}", key="session.again", type="primary", on_click=confirm)
