"""A decision form as it is being written: kept in the store with every change, so that a lost connection or browser loses nothing."""

from typing import Any

import streamlit as st
from streamlit.components import v2

from apps.approvals.store import reading, writing
from apps.dashboard.inbox.seat import Seat
from apps.dashboard.queries import approvals_store
from apps.dashboard.queries.approvals_store import Key

FIELDS = ("action", "reason", "note", "until", "to", "checks")
SAVE_WHILE_TYPING = """
export default function (component) {
  // Streamlit hands a text over when its field is left or on Ctrl+Enter: half a second after the last key, say so for the writer
  let timer;
  const typed = (event) => {
    const field = event.target;
    if (field?.tagName !== "TEXTAREA" || !field.closest('[class*="st-key-form-note"]')) return;
    clearTimeout(timer);
    timer = setTimeout(() => field.dispatchEvent(
      new KeyboardEvent("keydown", { key: "Enter", code: "Enter", ctrlKey: true, bubbles: true })), 500);
  };
  document.addEventListener("input", typed);
  return () => { clearTimeout(timer); document.removeEventListener("input", typed); };
}
"""


def field(key: Key, name: str) -> str:
    """The session's name of a field of the form of this subject."""
    return f"form-{name}.{key[0]}.{key[1]}"


def restore(seat: Seat, key: Key) -> None:
    """Fills the form from the store where this browser window has none of it on screen yet."""
    if field(key, "note") in st.session_state:
        return
    st.session_state[field(key, "note")] = ""
    with reading(seat.engine) as connection:
        found = approvals_store.draft(connection, seat.person.staff_id, key)
    if found is None:
        return
    for name in FIELDS:
        if found.form.get(name) not in (None, "", []):
            st.session_state[field(key, name)] = found.form[name]
    st.session_state[field(key, "restored")] = found.updated_at


def restored_at(key: Key) -> Any:
    """When the form on screen was last written, where it came from the store; None where it did not."""
    return st.session_state.get(field(key, "restored"))


def written(key: Key) -> dict[str, Any]:
    """What stands in the form now."""
    said = {name: st.session_state.get(field(key, name)) for name in FIELDS}
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def save(seat: Seat, key: Key, facts_hash: str) -> None:
    """Keeps the form as it stands; called whenever a field changed."""
    form = written(key)
    with writing(seat.engine) as connection:
        if form:
            approvals_store.save_draft(connection, seat.person.staff_id, key, form, facts_hash, seat.now)
        else:
            approvals_store.drop_draft(connection, seat.person.staff_id, key)


def forget(seat: Seat, key: Key) -> None:
    """Empties the form and its copy in the store: what it was for is done."""
    for name in (*FIELDS, "restored"):
        st.session_state.pop(field(key, name), None)
    st.session_state[field(key, "note")] = ""  # said, since the browser would keep what it has
    with writing(seat.engine) as connection:
        approvals_store.drop_draft(connection, seat.person.staff_id, key)


def save_while_typing() -> None:
    """Makes the browser hand over the text while it is being typed; without it the text is kept when its field is left."""
    _component()(key="form-typing")


@st.cache_resource(show_spinner=False)
def _component() -> Any:
    return v2.component("daybook_typing", js=SAVE_WHILE_TYPING)
