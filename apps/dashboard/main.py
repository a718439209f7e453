"""The entry: who is looking, at which publish, and which page. Start it with `daybook up`."""

import logging
from pathlib import Path

import streamlit as st

from apps.dashboard import navigation, session, trail
from apps.dashboard.frame import Frame, open_frame
from apps.dashboard.ui import states
from apps.dashboard.viewer import OpenDoor
from warehouse.settings import Settings


def log_to_home(frame: Frame) -> None:
    """Sends the log, with the references that failed panels show, to the home's logs."""
    log = logging.getLogger("daybook.dashboard")
    if not log.handlers:
        frame.settings.logs.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(frame.settings.logs / "dashboard.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)


st.set_page_config(page_title="Daybook", layout="wide")
st.html(Path(__file__).parent / "ui" / "style.css")
try:
    viewer = session.current(Settings())
    page = navigation.router(viewer)
    frame = open_frame(viewer)
    log_to_home(frame)
except OpenDoor as error:
    states.refused(str(error))
    st.stop()
except Exception as error:
    states.failed(error)
    st.stop()
st.session_state["frame"] = frame
if page.url_path:
    trail.viewed(frame, page.url_path)
elif back := session.take_return():
    navigation.lead_back(back.page, back.query)
if frame.settings.simulated_marker.exists():
    with st.container(key="simulated"):
        st.info(
            "**Simulated broker.** Nobody here is real. Your own data go into a home of their own: `docs/own-data.md`."
        )
page.run()
