"""metrics list, query: the figures that are defined once."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import explained, give_up, plain, print_json, table
from warehouse.settings import Settings

app = typer.Typer()
metrics = typer.Typer(help="The metrics defined once.", no_args_is_help=True)
app.add_typer(metrics, name="metrics")
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]
SHOWN = ("name", "label", "description", "formula", "unit", "owner", "sign", "better", "dimensions", "marts")


@metrics.command("list")
def listed(json: Json = False) -> None:
    """Every metric with its meaning, formula, unit, owner, sign, and what it can be cut by."""
    from apps.metrics.definitions import dimensions, marts
    from apps.metrics.definitions import metrics as known

    with explained(Settings()):
        rows = [
            {
                **asdict(one),
                "formula": one.formula,
                "dimensions": dimensions(one),
                "marts": sorted(marts(one)),
            }
            for one in known().values()
        ]
    if json:
        print_json([{name: row[name] for name in SHOWN} for row in rows])
        return
    columns = ["name", "unit", "owner", "description", "by"]
    table(
        "Metrics",
        columns,
        [[row["name"], row["unit"], row["owner"], row["description"], ", ".join(row["dimensions"])] for row in rows],
    )


@metrics.command()
def query(
    name: Annotated[str, typer.Argument(help="Of `daybook metrics list`.")],
    by: Annotated[
        list[str] | None,
        typer.Option(help="A dimension, or day, week, month, quarter, year; several times, or with commas."),
    ] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, UTC.")] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last, UTC.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="dimension=value; several times.")] = None,
    json: Json = False,
) -> None:
    """Computes a metric on what is published."""
    from apps.metrics.definitions import MetricError, metric
    from apps.metrics.query import FIRST, LAST, Asked
    from apps.metrics.query import query as computed
    from warehouse.reader import Reader

    cut = tuple(part.strip() for text in by or () for part in text.split(",") if part.strip())
    kept = tuple((name, value) for name, _, value in (text.partition("=") for text in only or ()))
    asked = Asked(cut, since.date() if since else FIRST, until.date() if until else LAST, kept)
    settings = Settings()
    with explained(settings):
        try:
            one = metric(name)
            frame = computed(Reader(settings), name, asked)
        except MetricError as error:
            raise give_up(str(error), console.USAGE) from error
    if json:
        print_json([{"metric": name, "unit": one.unit, **row} for row in frame.iter_rows(named=True)])
        return
    table(
        f"{one.label}, {one.unit}",
        frame.columns,
        [[None if cell is None else plain(cell) for cell in row] for row in frame.iter_rows()],
    )
