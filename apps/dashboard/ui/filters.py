"""Filters whose state is the URL: a link opens the same rows, and an unknown name or value is refused, never widened.

The URL holds codes and only what differs from the default. A filter chosen on one page stays chosen on the next.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import streamlit as st

from apps.dashboard import period as periods
from apps.dashboard.frame import Frame
from apps.dashboard.period import PRESETS, Period
from apps.dashboard.queries import common
from apps.dashboard.ui import states

ALL = "all"
KEPT = ("entity", "period")
"""Chosen once, they stay chosen on the next page; every other filter lives in the address alone, so that a link is the view."""
COMMON = frozenset({"entity", "period", "from", "to", "tab", "user"})


def refuse_unknown_names(allowed: Iterable[str]) -> None:
    """Stops the page when its URL names a filter that the page does not have: dropping it would widen the view."""
    known = COMMON | set(allowed)
    unknown = [name for name in st.query_params if name not in known]
    if unknown:
        _refuse(f"This page has no filter named “{unknown[0]}”. It has: {', '.join(sorted(known - {'user'}))}.")


def refuse_unknown_tab(codes: Iterable[str]) -> None:
    """Stops the page, before it shows any number, when its URL names a tab that it does not have."""
    tab, known = st.query_params.get("tab"), list(codes)
    if tab is not None and tab not in known:
        _refuse(f"“{tab}” is no tab of this page. It has: {', '.join(known) or 'none'}.")


def choose(name: str, label: str, options: Mapping[str, str], default: str, *, help: str | None = None) -> str:
    """The chosen code of `options` (code → label), from the URL, else as kept in this session, else the default."""
    value = _wanted(name, options, default)
    key = f"filter.{name}"
    st.session_state[key] = value
    st.selectbox(
        label,
        list(options),
        format_func=lambda code: options[code],
        key=key,
        on_change=_write,
        args=(name, key, default),
        help=help,
    )
    return value


def ask(name: str, label: str, placeholder: str | None = None, *, most: int | None = None) -> str:
    """What is written in a box, without the blanks around it, from the URL; empty where nothing is. `most` is the longest text it takes."""
    key = f"filter.{name}"
    st.session_state[key] = st.query_params.get(name, "")
    return st.text_input(
        label, key=key, on_change=_write_text, args=(name, key), placeholder=placeholder, max_chars=most
    ).strip()


def open_tab(labels: Mapping[str, str], page: str) -> tuple[str, list]:
    """The code of the open tab and the tab containers in order; only the open one should query."""
    codes = list(labels)
    value = _wanted("tab", labels, codes[0])
    key = f"tab.{page}"
    st.session_state[key] = labels[value]
    by_label = {label: code for code, label in labels.items()}
    tabs = st.tabs(list(labels.values()), key=key, on_change=_write_tab, args=(page, key, by_label, codes[0]))
    return value, list(tabs)


def period(last_day: date) -> Period:
    """The period, counted back from `last_day`, the newest that the data reach."""
    key = choose(
        "period",
        "Period",
        PRESETS,
        "30d",
        help="Broker days run from 00:00 to 24:00 UTC and count back from the newest day with data.",
    )
    return periods.period(key, last_day, _custom(last_day) if key == "custom" else None)


def entity(frame: Frame) -> str | None:
    """The entity, or None for all of them."""
    names = frame.read(common.entities)["entity"].to_list() if frame.reader is not None else []
    options = {ALL: "All entities"} | {name: name for name in names}
    value = choose("entity", "Entity", options, ALL)
    return None if value == ALL else value


def link(**changes: str | None) -> dict[str, str]:
    """The query parameters of this view with some changed (None removes one): the one builder of drill links."""
    parameters = {**st.query_params.to_dict(), **changes}
    return {name: value for name, value in parameters.items() if value is not None}


def kept(*names: str) -> dict[str, str]:
    """The current entity and period (and other filters named) as query parameters for a link to another page."""
    return {
        name: st.query_params[name]
        for name in ("entity", "period", "from", "to", "user", *names)
        if name in st.query_params
    }


def _wanted(name: str, options: Mapping[str, str], default: str) -> str:
    """The value in the address; for entity and period, else the one chosen before in this session."""
    keep = f"kept.{name}"
    if name in st.query_params:
        value = st.query_params[name]
        if value not in options:
            _refuse(f"“{value}” is no {name} here. Known: {', '.join(list(options)[:20])}.")
    else:
        value = st.session_state.get(keep, default) if name in KEPT else default
        value = value if value in options else default
        if value != default:
            st.query_params[name] = value
    if name in KEPT:
        st.session_state[keep] = value
    return value


def _custom(last_day: date) -> tuple[date, date]:
    """First and last day of the period from `from` and `to`."""
    chosen = []
    for name, fallback in (("from", periods.period("30d", last_day).start), ("to", last_day)):
        text = st.query_params.get(name, st.session_state.get(f"kept.{name}", fallback.isoformat()))
        try:
            chosen.append(date.fromisoformat(text))
        except ValueError:
            _refuse(f"“{text}” is no day. Write `{name}=2026-01-31`.")
        st.session_state[f"kept.{name}"] = text
        st.query_params[name] = text
    if chosen[0] > chosen[1]:
        _refuse(f"The period ends ({chosen[1]}) before it starts ({chosen[0]}).")
    key = "filter.days"
    st.session_state[key] = tuple(chosen)
    st.date_input("Days", key=key, on_change=_write_days, args=(key,), format="YYYY-MM-DD")
    return chosen[0], chosen[1]


def _write(name: str, key: str, default: str) -> None:
    value = st.session_state[key]
    if name in KEPT:
        st.session_state[f"kept.{name}"] = value
    if value == default:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
    if name == "period" and value != "custom":
        for day in ("from", "to"):
            st.query_params.pop(day, None)


def _write_text(name: str, key: str) -> None:
    st.session_state[key] = st.session_state[key].strip()
    _write(name, key, "")


def _write_tab(page: str, key: str, by_label: Mapping[str, str], default: str) -> None:
    code = by_label[st.session_state[key]]
    if code == default:
        st.query_params.pop("tab", None)
    else:
        st.query_params["tab"] = code


def _write_days(key: str) -> None:
    days = st.session_state[key]
    if isinstance(days, tuple) and len(days) == 2:
        for name, day in zip(("from", "to"), days, strict=True):
            st.session_state[f"kept.{name}"] = day.isoformat()
            st.query_params[name] = day.isoformat()


def _refuse(words: str) -> None:
    states.refused(states.plain(words))
    if st.button("Clear the filters of this link"):
        user = st.query_params.get("user")
        st.query_params.clear()
        if user is not None:
            st.query_params["user"] = user
        st.rerun()
    st.stop()
