"""simulate, ingest, connectors, build, run: what moves data."""

import dataclasses
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from apps.cli import console
from apps.cli.console import DONE, FAILED, explained, give_up, print_json, progress, say, table, utc_moment
from ingestion.files import in_landing
from warehouse.engine import WrongUse
from warehouse.settings import Settings

app = typer.Typer()
SIMULATED_OR_OURS = re.compile(r"\w+-(b\d|d\d{8})-\d{3}|repair|replay-")
"""Names that the simulator gives its files, and we give those that bring repaired rows back."""
NOT_TRIED = "not yet tried on a real file"
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]


@app.command()
def simulate(
    deals: Annotated[int, typer.Option(min=100, help="How many deals the broker's clients make.")] = 20_000,
    clients: Annotated[int | None, typer.Option(min=10, help="Default: in proportion to the deals.")] = None,
    partners: Annotated[int | None, typer.Option(min=8)] = None,
    days: Annotated[int, typer.Option(min=10, help="How long its history is.")] = 120,
    seed: Annotated[int, typer.Option(help="The same arguments on the same day give the same bytes.")] = 1,
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; without it the data end yesterday.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Writes OUT/<feed>/… and OUT/truth/; default: this home's landing and truth.")
    ] = None,
    json: Json = False,
) -> None:
    """Writes a coherent synthetic broker as feed files."""
    from ingestion.simulator import simulate as run

    settings = Settings()
    with explained(settings), progress(json) as report:
        begins: date | None = start.date() if start else None
        summary = run(
            out or settings.landing,
            truth=out / "truth" if out else settings.truth,
            deals=deals,
            clients=clients,
            partners=partners,
            days=days,
            seed=seed,
            start=begins,
            progress=report,
        )
        if out is None:
            settings.simulated_marker.write_text(
                f'{{"seed": {seed}, "deals": {deals}, "days": {days}}}\n', encoding="utf-8"
            )
    if json:
        print_json(dataclasses.asdict(summary))
    else:
        say(f"Wrote {out or settings.landing}. Next: `daybook run`.")


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files to load; default: all that lies in the landing folder.")
    ] = None,
    connector: Annotated[
        str | None, typer.Option(help="The system that wrote the files; see `daybook connectors`.")
    ] = None,
    guess: Annotated[bool, typer.Option("--guess", help="Recognise the system by the file.")] = False,
    recorded_at: Annotated[
        str | None, typer.Option(help="When the warehouse learned it (ISO-8601, UTC); for a historical load.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Reads and checks, shows mapped rows, totals and refused rows; writes nothing."),
    ] = False,
    json: Json = False,
) -> None:
    """Loads files into raw, exactly once."""
    from apps.cli.preview import previews, show
    from apps.pipeline import Source, load
    from ingestion.preview import as_json

    settings = Settings()
    source = Source(tuple(paths or ()), connector, guess, _moment(recorded_at), dry_run)
    _warn_simulated(settings, paths)
    with explained(settings), progress(json) as report:
        files = load(settings, source, report)
        shown = previews(settings, files) if dry_run else {}
    if json:
        told = {"preview": {path: as_json(one) for path, one in shown.items()}} if dry_run else {}
        print_json({"files": [dataclasses.asdict(file) for file in files], **told})
    else:
        for path, one in shown.items():
            show(path, one)
        _show_files(files)
    raise typer.Exit(DONE)


@app.command()
def connectors(json: Json = False) -> None:
    """The systems Daybook reads, with their file patterns and feeds."""
    from ingestion.connectors import connectors as known
    from ingestion.connectors.tabular import WrongYaml

    try:
        found = known().values()
    except WrongYaml as error:
        raise give_up(str(error)) from error
    rows = [
        {
            **{"name": one.name, "version": one.version, "patterns": list(one.patterns), "feeds": list(one.feeds)},
            "tried": not getattr(one, "untried", False),
        }
        for one in found
    ]
    if json:
        print_json(rows)
    else:
        table(
            "Connectors",
            ["name", "patterns", "feeds", ""],
            [
                [one["name"], " ".join(one["patterns"]), " ".join(one["feeds"]), "" if one["tried"] else NOT_TRIED]
                for one in rows
            ],
        )


@app.command()
def build(
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Replays every load in order; the same marts come out.")
    ] = False,
    select: Annotated[list[str] | None, typer.Option(help="dbt selection; then nothing is published.")] = None,
    json: Json = False,
) -> None:
    """Runs the models and their tests, then publishes if green."""
    from apps.pipeline import build_and_publish

    settings = Settings()
    with explained(settings), progress(json) as report:
        outcome = build_and_publish(settings, full_refresh=full_refresh, select=select or (), progress=report)
        if select and outcome.build is not None and not outcome.build.nodes:
            raise WrongUse(
                f"No model is selected by {' '.join(select)}. `daybook build --select fct_deals` takes a model's name."
            )
    _finish(outcome, json)


@app.command()
def run(
    watch: Annotated[bool, typer.Option("--watch", help="Keeps doing it as files arrive.")] = False,
    json: Json = False,
) -> None:
    """Ingest, build, check and publish."""
    from apps import operations, pipeline

    settings = Settings()
    _warn_simulated(settings, None)
    with explained(settings):
        if watch:
            say(f"Watching {settings.landing}. Stop with Ctrl-C.")
            try:
                pipeline.watch(settings, lambda outcome: _report(outcome, json), lambda said: say(said, "red"))
            except KeyboardInterrupt:
                raise typer.Exit(DONE) from None
        with progress(json) as report:
            operations.await_undo(settings, report)
            outcome = pipeline.run_once(settings, progress=report)
    _finish(outcome, json)


@app.command()
def docs(json: Json = False) -> None:
    """Writes the data dictionary: every mart and column with its meaning."""
    from warehouse.dbt import Dbt
    from warehouse.dictionary import write_dictionary
    from warehouse.engine import make_home

    settings = Settings()
    with explained(settings):
        make_home(settings)
        written = write_dictionary(settings, Dbt(settings))
    if json:
        print_json({"path": written})
    else:
        say(f"Wrote {written}.")


def _finish(outcome: "object", json: bool) -> None:
    _report(outcome, json)
    raise typer.Exit(DONE if outcome.green else FAILED)  # type: ignore[attr-defined]


def _report(outcome: "object", json: bool) -> None:
    from apps.pipeline import RunOutcome

    assert isinstance(outcome, RunOutcome)
    built, published = outcome.build, outcome.publish
    if json:
        print_json(
            {
                "files": [dataclasses.asdict(file) for file in outcome.files],
                "green": outcome.green,
                "run_id": built.run_id if built else None,
                "steps": built.steps if built else 0,
                "build_seconds": round(built.seconds, 3) if built else 0,
                "failures": [dataclasses.asdict(node) for node in built.failures] if built else [],
                "warnings": [dataclasses.asdict(node) for node in built.warnings] if built else [],
                "publish_id": published.publish.publish_id if published else None,
                "publish_seconds": round(published.seconds, 3) if published else None,
                "rows_published": published.rows_written if published else 0,
            }
        )
        return
    if outcome.files:
        _show_files(outcome.files)
    if built is None:
        say("Nothing new to build.")
    else:
        failed = [node for node in built.failures]
        say(
            f"Built run {built.run_id} in {built.seconds:.1f} s: {len(built.checks)} checks, {len(built.warnings)} warn, {len(failed)} fail."
        )
        for node in failed:
            say(f"  {node.name} ({node.relation}): {node.message}", "red")
        for node in built.warnings:
            say(f"  {node.name} ({node.relation}): {node.message}", "yellow")
        if failed:
            say("Nothing was published; readers keep the previous publish. `daybook sql` still answers from it.", "red")
    if published:
        say(f"Published {published.publish.publish_id} ({published.rows_written} rows, {published.seconds:.1f} s).")
        for name in published.fell_back:
            say(f"  {name} disagreed with its delta and was published whole.", "yellow")


def _show_files(files: list) -> None:
    columns = ["file", "feed", "status", "read", "loaded", "duplicate", "quarantined", "reason"]
    rows = [
        [
            file.path,
            file.feed,
            file.status,
            file.rows_read,
            file.rows_loaded,
            file.rows_duplicate,
            file.rows_quarantined,
            file.reason,
        ]
        for file in files
    ]
    table("Loaded", columns, rows)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return utc_moment(text)
    except typer.BadParameter as error:
        raise give_up(f"--recorded-at: {error}.", console.USAGE) from error


def _warn_simulated(settings: Settings, paths: list[Path] | None) -> None:
    """Says that other files are about to be mixed with a simulated broker, and how to keep them apart."""
    if not settings.simulated_marker.exists():
        return
    others = [str(path) for path in paths or ()] or [
        found.shown(settings)
        for found in in_landing(settings)
        if found.folder != "operations" and not SIMULATED_OR_OURS.match(found.path.name)
    ]
    if others:
        say(
            f"The home {settings.root} holds a simulated broker; your files ({others[0]}{' …' if len(others) > 1 else ''}) are mixed with it. "
            "For a clean one: `DAYBOOK_HOME=~/daybook daybook ingest …`.",
            "yellow",
        )
