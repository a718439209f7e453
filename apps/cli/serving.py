"""doctor, up, down: the machine and the long-lived processes."""

import shutil
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Annotated

import typer

from apps.cli import console, processes
from apps.cli.console import explained, print_json, say, table
from warehouse.engine import EXTENSIONS, WarehouseError, extension_file, make_home
from warehouse.settings import Settings, unknown_variables

app = typer.Typer()
Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else there.")]


@app.command()
def doctor(json: Json = False) -> None:
    """Checks Python, versions, extensions, home, disk, ports and SQL sources, and says the command that mends each."""
    settings = Settings()
    findings = [
        *_versions(),
        _extensions(),
        _settings(settings),
        *_home(settings),
        *_ports(settings),
        *_sources(settings),
    ]
    if json:
        print_json(
            [
                {"check": name, "ok": ok, "found": found, "remedy": "" if ok else remedy}
                for name, ok, found, remedy in findings
            ]
        )
    else:
        rows = [["✓" if ok else "✗", name, found, "" if ok else remedy] for name, ok, found, remedy in findings]
        table("Doctor", ["", "check", "found", "what to do"], rows)
    if not all(ok for _, ok, _, _ in findings):
        raise typer.Exit(console.FAILED)


Finding = tuple[str, bool, str, str]


def _versions() -> list[Finding]:
    python = sys.version.split()[0]
    found = [
        ("Python", (3, 11) <= sys.version_info[:2] < (3, 14), python, "install Python 3.11 to 3.13, then `make setup`")
    ]
    wanted = {
        line.split("==")[0]: line.split("==")[1].split(";")[0]
        for line in metadata.requires("daybook") or []
        if "==" in line
    }
    for name in ("duckdb", "dbt-duckdb", "dagster", "streamlit", "polars"):
        version = metadata.version(name)
        found.append((name, version == wanted.get(name, version), version, "`make setup`"))
    return found


def _extensions() -> Finding:
    missing = [name for name in EXTENSIONS if not extension_file(name).exists()]
    return (
        "DuckDB extensions",
        not missing,
        "from the lock" if not missing else f"missing: {', '.join(missing)}",
        "`make setup`",
    )


def _settings(settings: Settings) -> Finding:
    """Those that differ from the defaults; a misspelt one sets nothing, and is named."""
    wrong = unknown_variables()
    shown = ", ".join(f"{name}={value}" for name, value in settings.in_force().items()) or "all at their defaults"
    found = f"unknown: {', '.join(wrong)}" if wrong else shown
    return ("settings", not wrong, found, "correct the name; `.env.example` and `docs/operations.md` list them")


def _home(settings: Settings) -> list[Finding]:
    try:
        make_home(settings)
    except WarehouseError as error:
        return [("home", False, str(error), "DAYBOOK_HOME=… daybook doctor")]
    free = shutil.disk_usage(settings.root).free / 2**30
    kind = "simulated broker" if settings.simulated_marker.exists() else "own data or empty"
    return [
        ("home", True, f"{settings.root} ({kind})", ""),
        ("disk", free > 2, f"{free:.1f} GiB free", "free at least 2 GiB; old publishes and archive/ are the largest"),
    ]


def _ports(settings: Settings) -> list[Finding]:
    running = processes.alive(settings)
    found = []
    for service in processes.services(settings):
        if service.port is None:
            continue
        taken = processes.taken(settings.bind_address, service.port) and service.name not in running
        variable = processes.PORT_SETTINGS[service.name]
        state = "running" if service.name in running else "taken by another program" if taken else "free"
        found.append(
            (f"port {service.port} ({service.name})", not taken, state, f"`{variable}={service.port + 100} daybook up`")
        )
    return found


def _sources(settings: Settings) -> list[Finding]:
    """Each database that is read on a schedule: when it last answered; one that is stale is a finding."""
    from ingestion import sources  # reads every connector, which other commands need not wait for

    try:
        known = sources.sources(settings)
    except WarehouseError as error:
        return [("SQL sources", False, str(error), "correct sources.yml, then `daybook doctor`")]
    now = datetime.now(UTC).replace(tzinfo=None)
    found = []
    for one in known:
        state = sources.state_of(settings, one.name)
        answered = f"answered {state.answered:%Y-%m-%d %H:%M} UTC" if state.answered else "never answered"
        failed = f", {state.failures} failures since: {state.error}" if state.failures else ""
        remedy = (
            f"`daybook ingest --connector {one.kind}` asks it now; `daybook run --watch` or `daybook up` on schedule"
        )
        found.append(
            (f"source {one.name}", not state.is_stale(now, one.stale_after_minutes), answered + failed, remedy)
        )
    return found


@app.command()
def up(json: Json = False) -> None:
    """Starts dashboards and orchestrator, and returns once their addresses answer."""
    settings = Settings()
    with explained(settings):
        make_home(settings)
        started = processes.start(settings)
    if json:
        print_json([{"name": service.name, "pid": pid, "address": service.address} for service, pid in started])
        return
    table("Running", ["process", "pid", "address"], [[service.name, pid, service.address] for service, pid in started])
    say(f"Logs: {settings.logs}. Stop with `daybook down` (or `make stop`).")


@app.command()
def down(json: Json = False) -> None:
    """Ends what `daybook up` started."""
    settings = Settings()
    with explained(settings):
        make_home(settings)
        stopped = processes.stop(settings)
    if json:
        print_json({"stopped": stopped})
        return
    say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
