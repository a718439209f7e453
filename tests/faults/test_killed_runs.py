"""SIGKILL at random moments of ingest, build and publish: after a restart the marts equal those of an undisturbed run."""

import json
import multiprocessing
import random
from contextlib import closing
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from apps.cli.first_run import fill
from apps.pipeline import Source, build_and_publish, load
from tests.acceptance.states import fingerprints
from warehouse import lake
from warehouse.engine import connect, make_home
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


def prepare(home: Settings, calm: Settings) -> Path:
    """The landing folder that the calm home was filled from, and the list of its batches with the moments they were loaded at there."""
    from ingestion.simulator import simulate

    make_home(home)
    deals = json.loads(calm.simulated_marker.read_text(encoding="utf-8"))["deals"]
    simulate(home.landing, truth=home.truth, deals=deals)
    with closing(connect(calm.build_file, calm, read_only=True)) as connection:
        moments = connection.execute("select distinct recorded_at from raw.loads order by recorded_at").fetchall()
    batches = json.loads((home.truth / "first_run.json").read_text(encoding="utf-8"))["batches"]
    lines = [
        "|".join([moment.isoformat(), *sorted(str(path) for path in home.landing.rglob(batch["pattern"]))])
        for (moment,), batch in zip(moments, batches, strict=True)
    ]
    listing = home.root / "batches.txt"
    listing.write_text("\n".join(lines), encoding="utf-8")
    return listing


def run(home: Settings, listing: Path) -> ForkServerProcess:
    process = FORKS.Process(target=every_batch, args=(home.root, listing))
    process.start()
    return process


def same_after_kills(calm: Settings, folder: Path, *, kills: int, seed: int) -> None:
    """Kills runs `kills` times, at moments drawn over the time an undisturbed one takes, and compares the homes with the calm one."""
    expected, chance, killed = fingerprints(calm), random.Random(seed), 0
    whole = _seconds(calm)
    while killed < kills:
        shaken = Settings(home=folder / f"shaken after {killed}")
        listing = prepare(shaken, calm)
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


def _seconds(calm: Settings) -> float:
    """How long the calm home's loads and builds took."""
    with closing(connect(calm.build_file, calm, read_only=True)) as connection:
        row = connection.execute(
            "select epoch((select max(finished_at) from control.runs) - (select min(started_at) from raw.loads))"
        ).fetchone()
    assert row is not None
    return row[0]


def same(shaken: Settings, expected: dict[str, tuple[int, int]]) -> None:
    """The marts are those of the undisturbed run, and what readers see is what the publish says it wrote."""
    found = fingerprints(shaken)
    assert {mart for mart in expected if expected[mart] != found.get(mart)} == set()
    reader = Reader(shaken)
    for mart, totals in lake.current(shaken).tables.items():
        assert reader.query(f"select count(*)::varchar as rows from {mart}")["rows"][0] == totals["rows"]


def test_after_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(
    built_home: Settings, tmp_path: Path
):
    same_after_kills(built_home, tmp_path, kills=3, seed=11)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("calm"))
    fill(settings, deals=20_000)
    return settings


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_after_many_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(
    calm: Settings, tmp_path: Path, seed: int
):
    same_after_kills(calm, tmp_path, kills=10, seed=seed)
