"""SIGKILL at random moments of ingest, build and publish: after a restart the marts equal those of an undisturbed run."""

import json
import multiprocessing
import random
import time
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from apps.pipeline import Source, build_and_publish, load
from tests.acceptance.states import fingerprints
from warehouse import lake
from warehouse.engine import make_home
from warehouse.reader import Reader
from warehouse.settings import Settings

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["apps.pipeline", "dbt.cli.main"])  # a killed run costs its work, not its imports


def every_batch(home: Path, listing: Path) -> None:
    """Loads, builds and publishes batch by batch what is still there: the run that is killed, and started again."""
    settings = Settings(home=home)
    for line in listing.read_text(encoding="utf-8").splitlines():
        moment, *paths = line.split("|")
        there = tuple(path for path in map(Path, paths) if path.exists())
        if there:
            load(settings, Source(paths=there, recorded_at=datetime.fromisoformat(moment)))
        outcome = build_and_publish(settings, suites=False)
        assert outcome.green, outcome.build.failures


def prepare(home: Settings, deals: int) -> Path:
    """A simulated landing folder and the list of its batches."""
    from ingestion.simulator import simulate

    make_home(home)
    simulate(home.landing, truth=home.truth, deals=deals)
    plan = json.loads((home.truth / "first_run.json").read_text(encoding="utf-8"))["batches"]
    lines = []
    for batch in plan:
        moment = datetime.fromisoformat(batch["recorded_at"]).replace(tzinfo=None) - timedelta(days=2)
        paths = sorted(str(path) for path in home.landing.rglob(batch["pattern"]))
        lines.append("|".join([moment.isoformat(), *paths]))
    listing = home.root / "batches.txt"
    listing.write_text("\n".join(lines), encoding="utf-8")
    return listing


def run(home: Settings, listing: Path) -> ForkServerProcess:
    process = FORKS.Process(target=every_batch, args=(home.root, listing))
    process.start()
    return process


def finish(process: ForkServerProcess) -> None:
    process.join(timeout=900)
    assert process.exitcode == 0


def same_after_kills(folder: Path, *, kills: int, deals: int, seed: int) -> None:
    """Kills a run `kills` times, at moments drawn over the time an undisturbed one takes, and compares the homes."""
    calm = Settings(home=folder / "calm")
    listing = prepare(calm, deals)
    started = time.monotonic()
    finish(run(calm, listing))
    whole = time.monotonic() - started
    expected = fingerprints(calm)
    chance = random.Random(seed)
    killed = 0
    while killed < kills:
        shaken = Settings(home=folder / f"shaken after {killed}")
        listing = prepare(shaken, deals)
        ended = False
        while not ended:
            process = run(shaken, listing)
            process.join(timeout=chance.uniform(0.05, 0.5) * whole if killed < kills else 900)
            ended = process.exitcode is not None
            if not ended:
                process.kill()
                process.join()
                killed += 1
        assert process.exitcode == 0
        same(shaken, expected)


def same(shaken: Settings, expected: dict[str, tuple[int, int]]) -> None:
    """The marts are those of the undisturbed run, and what readers see is what the publish says it wrote."""
    found = fingerprints(shaken)
    assert {mart for mart in expected if expected[mart] != found.get(mart)} == set()
    reader = Reader(shaken)
    for mart, totals in lake.current(shaken).tables.items():
        assert reader.query(f"select count(*)::varchar as rows from {mart}")["rows"][0] == totals["rows"]


@pytest.mark.slow
def test_after_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(tmp_path: Path):
    same_after_kills(tmp_path, kills=3, deals=1_500, seed=11)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_after_many_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(tmp_path: Path, seed: int):
    same_after_kills(tmp_path, kills=10, deals=20_000, seed=seed)
