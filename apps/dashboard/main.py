"""The entry: who is looking, at which publish, and which page. Start it with `daybook up`."""

import logging
from pathlib import Path

import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.frame import Frame, open_frame
from apps.dashboard.ui import states
from apps.dashboard.viewer import OpenDoor, Viewer, demo_users, require_loopback


def log_to_home(frame: Frame) -> None:
    """Sends the log, with the references that failed panels show, to the home's logs."""
    log = logging.getLogger("daybook.dashboard")
    if not log.handlers:
        frame.settings.logs.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(frame.settings.logs / "dashboard.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)


def choose_viewer() -> Viewer:
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
            "Demo user", list(by_name), key="viewer.choice", on_change=take_viewer,
            format_func=lambda user: f"{by_name[user].name} · {by_name[user].role}",
            help="Stands in for signing in, on this machine only. Each user sees what access.yml gives the role.",
        )  # fmt: skip
    return by_name[name]


def take_viewer() -> None:
    """Another person looks: nothing that the one before had chosen stays."""
    name = st.session_state["viewer.choice"]
    for key in [key for key in st.session_state if str(key).startswith("kept.")]:
        del st.session_state[key]
    st.query_params.clear()
    st.query_params["user"] = name


st.set_page_config(page_title="Daybook", layout="wide")
st.html(Path(__file__).parent / "ui" / "style.css")
try:
    require_loopback(st.get_option("server.address"))
except OpenDoor as error:
    states.refused(str(error))
    st.stop()
viewer = choose_viewer()
page = navigation.router(viewer)
try:
    frame = open_frame(viewer)
    log_to_home(frame)
except Exception as error:
    states.failed(error)
    st.stop()
st.session_state["frame"] = frame
if frame.settings.simulated_marker.exists():
    with st.container(key="simulated"):
        st.info(
            "**Simulated broker.** Nobody here is real. Your own data go into a home of their own: `docs/own-data.md`."
        )
page.run()
