"""Records and what links them, drawn: persons as clusters on a circle, each link a line that says what is shared."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from apps.dashboard.ui import theme

SAME, SHARED = "one person", "shared"


def network(links: Sequence[Mapping[str, Any]], chosen: str, alerts: Mapping[str, Sequence[str]]) -> go.Figure:
    """The chosen record in the middle, the others around it; solid lines say that both are one person, dotted ones that something is shared.

    A record with open alerts is a diamond. `alerts`: record → the scenarios of its open alerts.
    """
    records = list(dict.fromkeys([chosen, *(str(row[end]) for row in links for end in ("from_id", "to_id"))]))
    places = _places(records, chosen)
    figure = go.Figure()
    for name, same, line in (
        (SAME, True, {"color": theme.VERMILION, "width": 3}),
        (SHARED, False, {"color": theme.BLUE, "width": 1, "dash": "dot"}),
    ):
        xs, ys = [], []
        for row in (row for row in links if bool(row["is_same_person"]) is same):
            (x0, y0), (x1, y1) = places[str(row["from_id"])], places[str(row["to_id"])]
            xs += [x0, x1, None]
            ys += [y0, y1, None]
        if xs:
            figure.add_scatter(x=xs, y=ys, mode="lines", name=name, line=line, hoverinfo="skip")
    said = _said(links)
    figure.add_scatter(
        x=[(places[a][0] + places[b][0]) / 2 for a, b in said], y=[(places[a][1] + places[b][1]) / 2 for a, b in said],
        mode="text", text=[", ".join(words) for words in said.values()], textfont={"size": 11, "color": theme.ink()}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=[places[one][0] for one in records], y=[places[one][1] for one in records], mode="markers+text", text=records,
        textposition="top center", showlegend=False, customdata=[_hover(one, alerts) for one in records],
        hovertemplate="%{customdata}<extra></extra>",
        marker={
            "size": [20 if one == chosen else 14 for one in records], "color": [theme.ORANGE if one == chosen else theme.SKY for one in records],
            "symbol": ["diamond" if alerts.get(one) else "circle" for one in records], "line": {"width": 1, "color": theme.ink()},
        },
    )  # fmt: skip
    figure = theme.dressed(figure, height=460)
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(visible=False, range=[-1.35, 1.35])
    figure.update_yaxes(visible=False, range=[-1.25, 1.3])
    return figure


def _places(records: Sequence[str], chosen: str) -> dict[str, tuple[float, float]]:
    others = [one for one in records if one != chosen]
    step = 2 * math.pi / max(len(others), 1)
    around = {one: (math.cos(number * step + 0.4), math.sin(number * step + 0.4)) for number, one in enumerate(others)}
    return {chosen: (0.0, 0.0)} | around


def _said(links: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    said: dict[tuple[str, str], list[str]] = {}
    for row in links:
        words = said.setdefault((str(row["from_id"]), str(row["to_id"])), [])
        if (name := str(row["attribute"]).replace("_", " and ")) not in words:
            words.append(name)
    return said


def _hover(record: str, alerts: Mapping[str, Sequence[str]]) -> str:
    found = alerts.get(record)
    return f"{record}<br>open alerts: {', '.join(found)}" if found else f"{record}<br>no open alert"
