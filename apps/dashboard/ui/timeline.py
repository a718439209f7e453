"""A subject's events in swim lanes (client, money, checks, people), on the clock of happening, with when each became known."""

from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from apps.dashboard.ui import theme

LATE_SECONDS = 60
LANES = ("client", "money", "checks", "people")
COLOURS = {"client": theme.SKY, "money": theme.ORANGE, "checks": theme.GREEN, "people": theme.BLUE}
MONEY_STREAMS = ("outbox", "account", "commission")
MOVES = ("sent", "paid", "failed", "returned")
CLIENT_STREAMS = ("client", "session", "communication", "ticket")


def swim_lanes(events: list[dict[str, Any]], subject_id: str, decided_at: datetime | None) -> go.Figure:
    """A dot an event in its lane; a thin line leads to when it became known, where that was later. The decision is a vertical line.

    The figure opens on the subject's own events; the client's other ones lie outside, one zoom away.
    """
    figure = go.Figure()
    found = {lane(event) for event in events}
    lanes = [name for name in LANES if name in found]
    for name in lanes:
        members = [event for event in events if lane(event) == name]
        figure.add_scatter(
            x=[event["occurred_at"] for event in members], y=[name] * len(members), mode="markers", name=name,
            marker={"size": 12, "color": COLOURS[name], "line": {"width": 1, "color": theme.ink()}},
            text=[_hover(event) for event in members], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    own = [event["occurred_at"] for event in events if event.get("stream_id") == subject_id]
    own = own or [event["occurred_at"] for event in events]
    late = [event for event in events if _late(event) and own and min(own) <= event["occurred_at"] <= max(own)]
    for number, event in enumerate(late):
        figure.add_scatter(
            x=[event["occurred_at"], event["recorded_at"]], y=[lane(event)] * 2, mode="lines+markers", name="known later",
            legendgroup="late", showlegend=number == 0, hoverinfo="skip", line={"color": theme.VERMILION, "width": 1, "dash": "dot"},
            marker={"symbol": ["circle-open", "line-ns-open"], "size": [1, 10], "color": theme.VERMILION},
        )  # fmt: skip
    if decided_at is not None:
        figure.add_vline(x=decided_at, line={"color": theme.ink(), "width": 2})
        figure.add_annotation(
            x=decided_at, y=1.0, yref="paper", text="decision", showarrow=False, xanchor="left", yanchor="bottom"
        )
    figure = theme.dressed(figure, height=110 + 46 * max(len(lanes), 1))
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=lanes,
        autorange="reversed",
        tickformat=None,
        zeroline=False,
        title=None,
    )
    if own:
        room = max((max(own) - min(own)) * 0.06, timedelta(minutes=10))
        figure.update_xaxes(range=[min(own) - room, max(own) + room])
    figure.update_layout(hovermode="closest", legend={"y": 1.12}, margin={"t": 56})
    return figure


def lane(event: dict[str, Any]) -> str:
    """Where an event is drawn: what a check found, what moved money, what the client did; all else people and programs decided."""
    kind = str(event.get("event_type") or "")
    if "check" in kind:
        return "checks"
    if kind.startswith(("psp.", "deal.")) or kind.rsplit(".", 1)[-1] in MOVES or event.get("stream") in MONEY_STREAMS:
        return "money"
    if event.get("actor_type") == "client" or event.get("stream") in CLIENT_STREAMS:
        return "client"
    return "people"


def _late(event: dict[str, Any]) -> bool:
    occurred, recorded = event.get("occurred_at"), event.get("recorded_at")
    return (
        isinstance(occurred, datetime)
        and isinstance(recorded, datetime)
        and (recorded - occurred).total_seconds() > LATE_SECONDS
    )


def _hover(event: dict[str, Any]) -> str:
    words = [
        str(event.get("event_type")),
        f"happened {event.get('occurred_at')}",
        f"known {event.get('recorded_at')}",
        str(event.get("actor_id") or ""),
    ]
    return "<br>".join(word for word in words if word).replace("<script", "")
