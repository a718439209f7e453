"""Colours by meaning (Okabe and Ito's palette), and how figures are drawn in light and dark."""

import plotly.graph_objects as go
import streamlit as st

BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, GREY, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442",
)  # fmt: skip
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, GREY, YELLOW)
IN, OUT = BLUE, ORANGE
HATCH = "/"
DARKER = [[0, "#DCEBF5"], [0.25, "#9CC9E3"], [0.6, "#3E93C6"], [1, "#00436B"]]
"""From few to many, for calendars; it reads in light and dark, and without seeing colours."""
HEIGHT = 320


def dark() -> bool:
    """Whether this visitor sees the dark theme."""
    return st.context.theme.type == "dark"


def ink() -> str:
    """The colour of lines and small text on this visitor's background."""
    return "#C7D1DB" if dark() else "#3A4754"


def dressed(figure: go.Figure, *, height: int = HEIGHT, unit: str = "") -> go.Figure:
    """The figure with the margins, grid, legend and number format that all charts share."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "title": None},
        hovermode="x unified",
        separators=".,",
        bargap=0.18,
        font={"family": "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 12},
    )
    figure.update_yaxes(
        title=unit or None, automargin=True, zeroline=True, zerolinecolor=ink(), zerolinewidth=1, tickformat="~s"
    )
    figure.update_xaxes(title=None, automargin=True)
    return figure
