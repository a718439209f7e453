"""A page that decides, for the tests of signing in again: Streamlit's entry, as apps/dashboard/main.py is."""

import streamlit as st

from apps.dashboard import session
from apps.dashboard.frame import open_frame
from warehouse.settings import Settings

st.session_state["frame"] = open_frame(session.current(Settings()))
st.title("Deciding")
st.text_area("Why", key="why")
proved = session.require_fresh_authentication()
st.markdown(f"May decide: proved at {proved:%H:%M:%S}")
