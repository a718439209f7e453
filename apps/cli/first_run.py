"""What `make run` does: a simulated broker in three batches, each known at its own time, built, published and served."""

import json
from datetime import UTC, date, datetime, timedelta

import typer

from apps.cli import processes
from apps.cli.console import explained, progress, say, table
from apps.pipeline import Progress, RunOutcome, Source, run_once, silent
from ingestion.files import lying
from warehouse.build import nothing_new
from warehouse.engine import WarehouseError, make_home
from warehouse.settings import Settings
from warehouse.slot import writer_slot

app = typer.Typer()


@app.command("first-run", hidden=True)
def first_run() -> None:
    """Fills an empty home with a simulated broker, brings an older one up to yesterday, and serves it."""
    settings = Settings()
    with explained(settings), progress() as report:
        make_home(settings)
        if settings.simulated_marker.exists():
            append_days(settings, report)
        elif any(settings.archive.iterdir()):
            run_once(settings, progress=report)
        else:
            say(f"Simulating a broker in {settings.root}, loading it in three batches …")
            fill(settings, report=report)
        report("starting the pages")
        started = processes.start(settings)
    _say(settings, started)


def fill(settings: Settings, *, deals: int = 20_000, today: date | None = None, report: Progress = silent) -> None:
    """Simulates into an empty home and loads three batches at their stated times, each built and published.

    The data end the day before `today`, which is today unless said.
    """
    from ingestion.simulator import simulate

    make_home(settings)
    simulate(settings.landing, truth=settings.truth, deals=deals, today=today, progress=report)
    planted = planted_subjects(settings)
    settings.simulated_marker.write_text(json.dumps({"deals": deals}), encoding="utf-8")
    for number, batch in enumerate(planted["batches"], start=1):
        paths = tuple(sorted(path for path in settings.landing.rglob(batch["pattern"]) if path.is_file()))
        # early in the day the last batch's usual hour is still to come
        recorded_at = min(datetime.fromisoformat(batch["recorded_at"]), datetime.now(UTC))
        source = Source(paths=paths, recorded_at=recorded_at)
        last = number == len(planted["batches"])
        outcome = run_once(settings, source, suites=last, progress=lambda text, n=number: report(f"batch {n}: {text}"))
        _must_be_green(outcome)


def append_days(settings: Settings, report: Progress = silent) -> None:
    """Simulates the days since the home was last filled, and runs; on the same day there is nothing to do.

    What people did on the pages meanwhile is no reason to wait for a build: the services take it up as soon as they run.
    """
    from ingestion.simulator import append_days as simulate_days

    added = None
    try:
        added = simulate_days(settings.landing, settings.truth, _yesterday(), report)
    except ValueError as error:
        say(str(error), "yellow")
    if added is None and not lying(settings) and (processes.alive(settings) or _is_built(settings)):
        return
    _must_be_green(run_once(settings, progress=report))


def _is_built(settings: Settings) -> bool:
    with writer_slot(settings, "first run"):
        return nothing_new(settings)


def planted_subjects(settings: Settings) -> dict:
    """The batches and the three subjects worth looking at, as the simulator wrote them for people."""
    return json.loads((settings.truth / "first_run.json").read_text(encoding="utf-8"))


def _must_be_green(outcome: RunOutcome) -> None:
    if not outcome.green:
        assert outcome.build is not None
        found = "; ".join(f"{node.name}: {node.message}" for node in outcome.build.failures[:5])
        raise WarehouseError(f"The build is red: {found}. `daybook build` shows all of it.")


def _yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def _say(settings: Settings, started: list[tuple[processes.Service, int]]) -> None:
    address = next(service.address for service, _ in started if service.name == "dashboards")
    table("Running", ["process", "pid", "address"], [[service.name, pid, service.address] for service, pid in started])
    say(f"\nOpen {address}: a menu of demo users, one a role, stands on the left.")
    if settings.simulated_marker.exists():
        say("Four things to click first; in three of them what was known and what is known differ:")
        for text, link in _links(settings, address):
            say(f"  {text}\n    {link}")
    say(f"Logs: {settings.logs}. Stop with `make stop`.")


def _links(settings: Settings, address: str) -> list[tuple[str, str]]:
    planted = planted_subjects(settings)
    kyc, psp, late = planted["late_kyc"], planted["corrected_psp"], planted["late_link"]
    return [
        (
            f"Withdrawal {kyc['withdrawal_id']}: the client was {kyc['as_it_was']} when it was approved, and known as {kyc['as_known_then']}",
            f"{address}/regulator_query?user=costas&id={kyc['withdrawal_id']}",
        ),
        (
            f"Deposit {psp['psp_txn_id']}: its fee was corrected from {psp['fee_before']} to {psp['fee_after']} {psp['currency']} a day later",
            f"{address}/payments?user=petra&tab=rows&period=all",
        ),
        (
            f"Client {late['child_id']} had moved to partner {late['parent_after']}: accruals of {late['parent_before']} reversed and made anew",
            f"{address}/partners?user=farid&tab=lines&kind=reversal&period=all&partner={late['parent_before']}",
        ),
        ("What waits for a decision, the most urgent first, as payments sees it", f"{address}/approvals?user=petra"),
    ]
