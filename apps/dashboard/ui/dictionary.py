"""What each number means, in the words of the dbt description: one source of text for pages, docs and tooltips."""

import json
from pathlib import Path

import streamlit as st

from apps.dashboard.frame import Frame
from apps.metrics.definitions import metrics


def column(frame: Frame, mart: str, name: str) -> str | None:
    """The description of a mart's column, or None when the build has written none."""
    return _entries(frame).get(mart, {}).get("columns", {}).get(name) or None


def mart(frame: Frame, name: str) -> str | None:
    """The description of a mart: its grain and meaning."""
    return _entries(frame).get(name, {}).get("description") or None


def entries(frame: Frame) -> dict[str, dict]:
    """Every mart with its description, owner, columns, types and what it is made of; empty before the first build."""
    return _entries(frame)


def kpi(name: str) -> str | None:
    """What a figure means: the description of the metric of that name."""
    one = metrics().get(name)
    return one.description if one else None


def _entries(frame: Frame) -> dict[str, dict]:
    publish_id = frame.publish.publish_id if frame.publish else 0
    return _read(str(frame.settings.docs / "dictionary.json"), publish_id)


@st.cache_data(max_entries=4, show_spinner=False)
def _read(path: str, publish_id: int) -> dict[str, dict]:
    """Read again for every publish, since every build writes it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
