"""bench: how far the pipeline is from what the machine could do."""

from typing import Annotated, Any

import typer

from apps.cli.console import FAILED, USAGE, explained, give_up, print_json, progress, say, table
from warehouse.settings import Settings

app = typer.Typer()


@app.command()
def bench(
    deals: Annotated[int, typer.Option(min=1_000, help="How many deals the simulated broker has.")] = 1_000_000,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")
    ] = False,
    peers: Annotated[bool, typer.Option("--peers", help="The same job in pandas, PostgreSQL and Spark.")] = False,
) -> None:
    """Measures build, publish, increment and ingestion against hand-written SQL in the same run."""
    if peers:
        raise give_up("The peers are not built yet. Run `daybook bench` without --peers.", USAGE)
    from bench.harness import bench as measured

    settings = Settings()
    with explained(settings), progress(json) as report:
        found = measured(deals, report, memory_limit=settings.memory_limit or "4GB")
    if json:
        print_json(found)
    else:
        _print(deals, found)
    if found["disagreements"]:
        say(f"The limit is no reference, it makes other tables than the build: {found['disagreements']}", "red")
        raise typer.Exit(FAILED)


def _print(deals: int, found: dict[str, Any]) -> None:
    rows = [
        [part, one["ratio"], one["build_seconds"], one["limit_seconds"], one["ratio_cpu"]]
        for part, one in found["sections"].items()
    ]
    rows.append(
        ["all", found["ratio_to_limit"], found["build_seconds"], found["limit_seconds"], found["ratio_to_limit_cpu"]]
    )
    table(f"First build of {deals} deals", ["part", "ratio to the limit", "build s", "limit s", "ratio of CPU"], rows)
    rest = (
        "increment_seconds",
        "publish_seconds",
        "publish_ratio_to_limit",
        "ingest_rows_per_second",
        "dossier_p95_ms",
        "page_p95_ms",
    )
    table(
        "Besides",
        ["figure", "value"],
        [[name, found[name]] for name in rest]
        + [[name, found["chain"][name]] for name in ("append_per_second", "verify_per_second")],
    )
