"""Models: what each mart means, what it is made of, and what is made of it."""

import polars as pl
import streamlit as st

from apps.dashboard.ui import dictionary, filters, states
from apps.dashboard.ui.header import Page
from apps.dashboard.ui.table import table_with_export

FIRST = "finance.fct_postings"


def show_models(page: Page) -> None:
    """One mart: description, owner, columns, and its place between feeds and other marts, each a link."""
    known = {name: entry for name, entry in dictionary.entries(page.frame).items() if "made_of" in entry}
    if not known:
        states.not_loaded("The data dictionary", "any")
        return
    name = filters.choose("mart", "Mart", {one: one for one in known}, FIRST if FIRST in known else next(iter(known)))
    mart = known[name]
    st.markdown(states.plain(mart["description"]))
    size = page.frame.publish.tables.get(name, {}).get("rows") if page.frame.publish else None
    st.caption(f"Owner: {mart['owner']}" + (f" · {int(size):,} rows in this publish" if size is not None else ""))
    feeds = [one for one in mart["made_of"] if one not in known]
    st.graphviz_chart(drawn(name, mart["made_of"], users(known, name)), width="content")
    if feeds:
        st.caption(f"Feeds: {', '.join(one.removeprefix('raw.') for one in feeds)}")
    with st.container(horizontal=True):
        for other in [*(one for one in mart["made_of"] if one in known), *users(known, name)]:
            st.page_link(page.file, label=other, query_params=filters.link(mart=other))
    rows = [
        {"column": column, "type": mart["types"][column], "meaning": " ".join(meaning.split())}
        for column, meaning in mart["columns"].items()
    ]
    table_with_export(page, pl.DataFrame(rows), "columns", mart="", what="columns")


def users(known: dict[str, dict], name: str) -> list[str]:
    """The marts made of this one."""
    return [other for other, entry in known.items() if name in entry["made_of"]]


def drawn(name: str, parents: list[str], children: list[str]) -> str:
    """The graph of a mart between what it is made of and what is made of it, from left to right, legible on light and dark."""
    lines = [f'"{parent}" -> "{name}"' for parent in parents] + [f'"{name}" -> "{child}"' for child in children]
    grey = 'color="#8A97A5", fontcolor="#5F7183", fontname="sans-serif", fontsize=11'
    own = f'"{name}" [color="#0072B2", fontcolor="#0072B2", penwidth=2]'
    return "\n".join(
        [
            f'digraph {{ rankdir=LR; bgcolor="transparent"; node [shape=box, {grey}]; edge [color="#8A97A5"];',
            own,
            *lines,
            "}",
        ]
    )
