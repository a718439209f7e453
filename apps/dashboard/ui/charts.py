"""Figures. Each marks what is not complete yet, orders colours by meaning, and leaves colours of text to the theme."""

from collections.abc import Mapping, Sequence
from datetime import date

import plotly.graph_objects as go
import polars as pl

from apps.dashboard.period import grain
from apps.dashboard.ui import theme

FEW = 10
"""Counts up to which an axis goes one by one."""


def stacked_bars(
    frame: pl.DataFrame,
    *,
    series: str,
    value: str,
    complete_until: date,
    unit: str,
    colours: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> go.Figure:
    """Bars by day (or week, month), one colour a series; a bar that is not complete yet is hatched."""
    frame, days = _bucketed(frame, series, value)
    figure = go.Figure()
    for number, (key, part) in enumerate(_parts(frame, series)):
        complete = [_is_complete(day, days, complete_until) for day in part["day"]]
        figure.add_bar(
            x=part["day"].to_list(),
            y=_floats(part[value]),
            name=(names or {}).get(key, key.replace("_", " ")),
            marker={
                "color": (colours or {}).get(key, theme.PALETTE[number % len(theme.PALETTE)]),
                "pattern": _hatched(complete),
                "line": {"width": 0},
            },
            hovertemplate="%{y:,.2f}",
        )
    figure.update_layout(barmode="relative")
    figure = theme.dressed(figure, unit=f"{unit} a {days}")
    shown = frame["day"].unique().to_list()
    if len(shown) == 1:  # an axis of one day would be one of hours
        figure.update_xaxes(tickvals=shown, tickformat="%-d %b %Y")
    return figure


def flows(frame: pl.DataFrame, *, net: str, complete_until: date, unit: str) -> go.Figure:
    """`deposits` above the axis, `withdrawals` below it, and the column `net` as a line, dotted while its day is not complete."""
    frame, bucket = _bucketed_wide(frame.select("day", "deposits", "withdrawals", net))
    days = frame["day"].to_list()
    complete = [_is_complete(day, bucket, complete_until) for day in days]
    figure = go.Figure()
    for name, values, colour in (
        ("Deposits", frame["deposits"], theme.IN),
        ("Withdrawals", -frame["withdrawals"], theme.OUT),
    ):
        marker = {"color": colour, "pattern": _hatched(complete), "line": {"width": 0}}
        figure.add_bar(x=days, y=_floats(values), name=name, marker=marker, hovertemplate="%{y:,.2f}")
    done, nets = sum(complete), _floats(frame[net])
    line = {"color": theme.ink(), "width": 2}
    figure.add_scatter(x=days[:done], y=nets[:done], name="Net", mode="lines", line=line, hovertemplate="%{y:,.2f}")
    if done < len(nets):
        start = max(done - 1, 0)
        dotted = {**line, "dash": "dot"}
        figure.add_scatter(
            x=days[start:],
            y=nets[start:],
            name="Net, so far",
            mode="lines+markers",
            line=dotted,
            hovertemplate="%{y:,.2f}",
        )
    figure.update_layout(barmode="relative")
    return theme.dressed(figure, unit=f"{unit} a {bucket}")


def lines(
    frame: pl.DataFrame,
    *,
    series: str,
    value: str,
    complete_until: date,
    unit: str,
    names: Mapping[str, str] | None = None,
    percent: bool = False,
) -> go.Figure:
    """A line a series; the last stretch is dashed while its day is not complete."""
    figure = go.Figure()
    for number, (key, part) in enumerate(_parts(frame, series)):
        colour = theme.PALETTE[number % len(theme.PALETTE)]
        days, values = part["day"].to_list(), _floats(part[value])
        done = sum(day < complete_until for day in days)
        label = (names or {}).get(key, key.replace("_", " "))
        line = {"color": colour, "width": 2}
        template = "%{y:.1%}" if percent else "%{y:,.2f}"
        figure.add_scatter(
            x=days[:done], y=values[:done], name=label, mode="lines", line=line, legendgroup=key, hovertemplate=template
        )
        if done < len(days):
            start = max(done - 1, 0)
            figure.add_scatter(
                x=days[start:], y=values[start:], name=f"{label}, so far", mode="lines+markers", line={**line, "dash": "dash"},
                legendgroup=key, showlegend=False, hovertemplate=template,
            )  # fmt: skip
    figure = theme.dressed(figure, unit=unit)
    if percent:
        figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def stacked_categories(
    frame: pl.DataFrame, *, category: str, series: str, value: str, colours: Mapping[str, str]
) -> go.Figure:
    """Stacked bars over names (such as run numbers), in the order of the rows."""
    figure = go.Figure()
    for key, part in _parts(frame, series, by=category):
        figure.add_bar(
            x=part[category].cast(pl.Utf8).to_list(),
            y=_floats(part[value]),
            name=key,
            marker={"color": colours.get(key, theme.GREY)},
        )
    figure.update_layout(barmode="stack")
    figure = theme.dressed(figure)
    figure.update_xaxes(type="category", title=category.replace("_", " "))
    return figure


def calendar(frame: pl.DataFrame, *, value: str, unit: str) -> go.Figure:
    """A square a day, weeks from left to right and Monday on top, the darker the more; a day that is not in the frame is left out."""
    placed = frame.select("day", pl.col(value).cast(pl.Int64)).with_columns(
        pl.col("day").dt.truncate("1w").alias("week"), (7 - pl.col("day").dt.weekday()).alias("place")
    )
    weeks = placed["week"].unique().sort().to_list()
    cells = {(row["place"], row["week"]): row for row in placed.iter_rows(named=True)}
    grid = [[cells.get((place, week), {}) for week in weeks] for place in range(7)]
    figure = go.Figure(
        go.Heatmap(
            x=weeks, y=["Sun", "Sat", "Fri", "Thu", "Wed", "Tue", "Mon"], z=[[cell.get(value) for cell in row] for row in grid],
            text=[[f"{cell['day']:%a %d %b %Y}: {cell[value]:,} {unit}" if cell else "" for cell in row] for row in grid],
            hovertemplate="%{text}<extra></extra>", colorscale=theme.DARKER, xgap=2, ygap=2,
            colorbar={"thickness": 8, "title": unit, "tickformat": "d", "nticks": 4},
        )
    )  # fmt: skip
    return theme.dressed(figure, height=230)


def ranked(
    labels: Sequence[str], values: Sequence[float | None], *, unit: str, signed: bool = False, percent: bool = False
) -> go.Figure:
    """Horizontal bars, the first on top; with `signed`, what falls has another colour and its sign."""
    colours = [theme.VERMILION if signed and (value or 0) < 0 else theme.BLUE for value in values]
    # below a thousand there is nothing to shorten, and half a unit would read as 500 thousandths
    most = max((abs(value) for value in values if value is not None), default=0)
    short = ".3~s" if most >= 1000 else ".2~f"
    text = "%{x:.1%}" if percent else f"%{{x:{'+' if signed else ''},{short}}}"
    figure = go.Figure(go.Bar(x=list(values), y=list(labels), orientation="h", marker={"color": colours}))
    figure.update_traces(
        texttemplate=text, textposition="auto", cliponaxis=False, hovertemplate="%{x:,.2f}<extra></extra>"
    )
    figure = theme.dressed(figure, height=max(140, 36 * len(labels) + 60))
    # identifiers may look like numbers; they are names all the same
    figure.update_yaxes(type="category", autorange="reversed", title=None, tickformat=None, zeroline=False)
    figure.update_xaxes(
        title=unit or None,
        zeroline=True,
        zerolinecolor=theme.ink(),
        tickformat=".0%" if percent else "~s" if most >= 1000 else ",.2~f",
        dtick=1
        if not percent and most <= FEW and all(value is None or value == int(value) for value in values)
        else None,
    )
    figure.update_layout(hovermode="closest")
    return figure


def histogram(frame: pl.DataFrame, *, label: str, value: str, unit: str, mark: str | None = None) -> go.Figure:
    """Bars over ordered classes; the class named `mark` and those above are in the warning colour."""
    labels = frame[label].to_list()
    late = labels.index(mark) if mark in labels else len(labels)
    colours = [theme.BLUE if number < late else theme.VERMILION for number in range(len(labels))]
    figure = go.Figure(go.Bar(x=labels, y=_floats(frame[value]), marker={"color": colours}))
    figure.update_traces(texttemplate="%{y:,.0f}", hovertemplate="%{y:,.0f}<extra>%{x}</extra>")
    figure = theme.dressed(figure, unit=unit)
    figure.update_xaxes(type="category")
    figure.update_layout(hovermode="closest")
    return figure


def tree(
    ids: Sequence[str], labels: Sequence[str], parents: Sequence[str | None], values: Sequence[float], *, unit: str
) -> go.Figure:
    """A forest as nested bars from left to right; the height of a node is its own value plus all below it."""
    top = "\u2022"
    figure = go.Figure(
        go.Icicle(
            ids=[top, *ids],
            labels=["All partners", *labels],
            parents=["", *(parent or top for parent in parents)],
            values=[0, *values],
        )
    )
    hover = "%{label}<br>%{value:,.2f} " + unit + "<extra></extra>"
    figure.update_traces(branchvalues="remainder", maxdepth=8, tiling={"orientation": "h"}, hovertemplate=hover)
    figure.update_traces(root={"color": theme.GREY}, sort=False)
    figure.update_layout(iciclecolorway=list(theme.PALETTE))
    figure = theme.dressed(figure, height=420)
    figure.update_layout(hovermode="closest", margin={"l": 0, "r": 0, "t": 8, "b": 0})
    return figure


def funnel(labels: Sequence[str], values: Sequence[int]) -> go.Figure:
    """Steps from top to bottom, each as wide as those who took it, with the share of the step before."""
    figure = go.Figure(
        go.Funnel(y=list(labels), x=list(values), textinfo="value+percent previous", marker={"color": theme.BLUE}, connector={"visible": False})
    )  # fmt: skip
    figure.update_traces(hovertemplate="%{y}: %{x:,}<br>%{percentPrevious:.1%} of the step before<extra></extra>")
    figure = theme.dressed(figure, height=340)
    figure.update_yaxes(tickformat=None, zeroline=False, title=None)
    figure.update_layout(hovermode="closest", showlegend=False)
    return figure


def heat(
    frame: pl.DataFrame, *, x: str, y: str, value: str, unit: str, percent: bool = False, x_title: str = ""
) -> go.Figure:
    """A square a pair, the darker the more, its number in it; a pair that is not in the frame is left out."""
    columns = frame[x].unique(maintain_order=True).to_list()
    lines = frame[y].unique(maintain_order=True).to_list()
    cells = {(row[y], row[x]): row[value] for row in frame.iter_rows(named=True)}
    grid = [[None if cells.get((line, at)) is None else float(cells[line, at]) for at in columns] for line in lines]
    shape = ":.0%" if percent else ":,.0f"
    figure = go.Figure(
        go.Heatmap(
            x=[str(at) for at in columns], y=[str(line) for line in lines], z=grid, texttemplate="%{z" + shape + "}",
            colorscale=theme.DARKER, xgap=2, ygap=2, showscale=False, hoverongaps=False,
            hovertemplate="%{y}, %{x}: %{z" + shape + "} " + unit + "<extra></extra>",
        )
    )  # fmt: skip
    figure = theme.dressed(figure, height=max(160, 34 * len(lines) + 80))
    figure.update_yaxes(type="category", autorange="reversed", tickformat=None, zeroline=False, title=None)
    figure.update_xaxes(type="category", title=x_title or None)
    figure.update_layout(hovermode="closest")
    return figure


def steps(frame: pl.DataFrame, *, x: str, value: str, unit: str, x_title: str) -> go.Figure:
    """A share that grows in steps, with the half marked."""
    figure = go.Figure(
        go.Scatter(x=frame[x].to_list(), y=_floats(frame[value]), mode="lines", line={"color": theme.BLUE, "width": 2, "shape": "hv"})
    )  # fmt: skip
    figure.update_traces(hovertemplate="%{y:.1%}<extra>day %{x}</extra>")
    figure.add_hline(y=0.5, line={"color": theme.GREY, "width": 1, "dash": "dot"})
    figure = theme.dressed(figure, unit=unit)
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    figure.update_xaxes(title=x_title)
    return figure


def intervals(
    labels: Sequence[str], middles: Sequence[float], lowers: Sequence[float], uppers: Sequence[float], *, unit: str
) -> go.Figure:
    """A dot with its interval on each line, and a line at zero: what lies wholly on one side is more than chance."""
    figure = go.Figure(
        go.Scatter(
            x=list(middles), y=list(labels), mode="markers", marker={"size": 10, "color": theme.BLUE},
            error_x={
                "type": "data", "symmetric": False, "array": [upper - middle for upper, middle in zip(uppers, middles, strict=True)],
                "arrayminus": [middle - lower for lower, middle in zip(lowers, middles, strict=True)], "color": theme.BLUE,
            },
            hovertemplate="%{y}: %{x:+.1%}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": theme.ink(), "width": 1})
    figure = theme.dressed(figure, height=max(160, 44 * len(labels) + 80))
    figure.update_yaxes(type="category", autorange="reversed", tickformat=None, zeroline=False, title=None)
    figure.update_xaxes(title=unit, tickformat="+.0%")
    figure.update_layout(hovermode="closest")
    return figure


def lanes(frame: pl.DataFrame, *, at: str, lane: str, text: str) -> go.Figure:
    """A dot an event in the lane of its kind, over time."""
    figure = go.Figure()
    for number, key in enumerate(frame[lane].unique().sort().to_list()):
        part = frame.filter(pl.col(lane) == key)
        figure.add_scatter(
            x=part[at].to_list(), y=[key] * part.height, mode="markers", name=key, showlegend=False,
            marker={"size": 9, "color": theme.PALETTE[number % len(theme.PALETTE)], "line": {"width": 1, "color": theme.ink()}},
            text=part[text].fill_null("").to_list(), hovertemplate="%{text}<br>%{x}<extra></extra>",
        )  # fmt: skip
    figure = theme.dressed(figure, height=100 + 40 * max(frame[lane].n_unique(), 1))
    figure.update_yaxes(type="category", autorange="reversed", tickformat=None, zeroline=False, title=None)
    figure.update_layout(hovermode="closest")
    return figure


def _bucketed(frame: pl.DataFrame, series: str, value: str) -> tuple[pl.DataFrame, str]:
    """Day rows summed by day, week or month, whichever draws at most about a hundred points, and which of them it is."""
    if frame.is_empty():
        return frame, "day"
    first, last = frame["day"].min(), frame["day"].max()
    unit = grain((last - first).days + 1)  # type: ignore[operator]
    every = {"day": "1d", "week": "1w", "month": "1mo"}[unit]
    return frame.group_by(pl.col("day").dt.truncate(every), series).agg(pl.col(value).sum()).sort("day", series), unit


def _bucketed_wide(frame: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The same for a frame of `day` and columns of numbers."""
    unit = grain((frame["day"].max() - frame["day"].min()).days + 1)  # type: ignore[operator]
    every = {"day": "1d", "week": "1w", "month": "1mo"}[unit]
    return frame.group_by(pl.col("day").dt.truncate(every)).agg(pl.exclude("day").sum()).sort("day"), unit


def _is_complete(day: date, unit: str, complete_until: date) -> bool:
    ends = {"day": pl.duration(days=1), "week": pl.duration(days=7)}
    end = pl.select(pl.lit(day).dt.offset_by("1mo") if unit == "month" else pl.lit(day) + ends[unit]).item()
    return end <= complete_until


def _hatched(complete: list[bool]) -> dict:
    """A pattern that hatches the bars of days that are not complete yet, in the colour of the bar."""
    return {
        "shape": ["" if done else theme.HATCH for done in complete],
        "fillmode": "replace",
        "size": 6,
        "solidity": 0.5,
    }


def _parts(frame: pl.DataFrame, series: str, by: str = "day") -> list[tuple[str, pl.DataFrame]]:
    return [(str(key), frame.filter(pl.col(series) == key).sort(by)) for key in frame[series].unique().sort().to_list()]


def _floats(values: pl.Series) -> list[float | None]:
    """Pixels are not money: a figure may take floats, the table beside it holds the exact numbers."""
    return values.cast(pl.Float64).to_list()


def weeks(frame: pl.DataFrame, unit: str) -> go.Figure:
    """Small: `money_in` above the axis and `money_out` below it, by `week`."""
    figure = go.Figure()
    days = frame["week"].to_list()
    for name, values, colour in (
        ("In", frame["money_in"].fill_null(0), theme.IN),
        ("Out", -frame["money_out"].fill_null(0), theme.OUT),
    ):
        figure.add_bar(
            x=days,
            y=_floats(values),
            name=name,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate="%{y:,.2f}",
        )
    figure.update_layout(barmode="relative")
    return theme.dressed(figure, height=190, unit=unit)
