"""Tiles: a number, its change against the same elapsed part of the period before, its course, and the way to its rows."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import streamlit as st

from apps.dashboard import navigation
from apps.dashboard.kpis import Kpi
from apps.dashboard.ui import figures, filters
from apps.dashboard.ui.header import Page

COLOUR: dict[str, Literal["normal", "inverse", "off"]] = {"up": "normal", "down": "inverse", "neither": "off"}
MOST = 8


@dataclass(frozen=True)
class Tile:
    """`now` and `then` are the same elapsed part of two periods; `link` are query parameters that show the rows."""

    kpi: Kpi
    now: Decimal | float | None
    then: Decimal | float | None
    course: list[float]
    definition: str | None
    link: dict[str, str] | None = None


def tiles(page: Page, shown: list[Tile]) -> None:
    """At most eight, four in a row on a wide screen, one below the other on a phone."""
    for start in range(0, min(len(shown), MOST), 4):
        for column, tile in zip(st.columns(4), shown[start : start + 4], strict=False):
            with column:
                _tile(page, tile)


def _tile(page: Page, tile: Tile) -> None:
    kpi = tile.kpi
    change = figures.change(tile.now, tile.then, points=kpi.unit == "fraction")
    with st.container(border=True, height="stretch", gap="xxsmall"):
        st.metric(
            kpi.label,
            figures.figure(kpi, tile.now),
            delta=change,
            delta_color="off" if change is None or change[1:].startswith("0.0 ") else COLOUR[kpi.better],
            delta_description=f"vs {page.period.previous_label}" if change else None,
            chart_data=tile.course if len(tile.course) > 1 else None,
            chart_type="area",
            help=tile.definition,
        )
        if change is None:
            st.caption("nothing to compare with")
        _rows_link(page, tile)


def _rows_link(page: Page, tile: Tile) -> None:
    if tile.link is None:
        return
    target = tile.kpi.page if tile.kpi.page in page.frame.viewer.pages else page.name
    parameters = filters.link(**tile.link) if target == page.name else filters.kept()
    st.page_link(
        navigation.page_file(target), label="Rows" if target == page.name else f"Open {target}", query_params=parameters
    )
