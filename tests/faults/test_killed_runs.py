"""SIGKILL at random moments of ingest, build and publish: after a restart the marts equal those of an undisturbed run.

`make test` kills the live path of a built home; `make soak` kills all of it, and first runs, which take a minute and a half each.
"""

import json
import multiprocessing
import random
import shutil
import time
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from apps.cli.first_run import fill
from apps.pipeline import Source, build_and_publish, load
from bench.new_deals import write_new_deals
from tests.acceptance.states import fingerprints
from warehouse import lake
from warehouse.build import Scope
from warehouse.engine import connect, make_home
from warehouse.reader import Reader
from warehouse.settings import Settings

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.parsed"])  # a killed run costs its work, not its imports nor dbt's parsing


def every_batch(home: Path, listing: Path, scope: Scope) -> None:
    """Loads, builds and publishes batch by batch what is still there: the run that is killed, and started again."""
    settings = Settings(home=home)
    for line in listing.read_text(encoding="utf-8").splitlines():
        moment, *paths = line.split("|")
        there = tuple(path for path in map(Path, paths) if path.exists())
        if there:
            load(settings, Source(paths=there, recorded_at=datetime.fromisoformat(moment)))
        outcome = build_and_publish(settings, scope=scope, suites=False)
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


def run(home: Settings, listing: Path, scope: Scope) -> ForkServerProcess:
    process = FORKS.Process(target=every_batch, args=(home.root, listing, scope))
    process.start()
    return process


def killed(
    home: Settings, listing: Path, chance: random.Random, *, whole: float, kills: int, scope: Scope = "all"
) -> int:
    """Starts the run again and again, kills it at moments drawn over `whole` seconds, then lets it end. How often it was killed: at most `kills`."""
    done = 0
    while True:
        process = run(home, listing, scope)
        # more of them early, which are the cheap ones; a restarted run has the same way before it
        process.join(timeout=chance.random() ** 2 * 1.05 * whole if done < kills else 900)
        if process.exitcode is not None:
            assert process.exitcode == 0
            return done
        process.kill()
        process.join()
        done += 1


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


def killed_increments(built: Settings, folder: Path, *, kills: int, seed: int, scope: Scope = "all") -> None:
    """An increment of a copy of the built home, undisturbed and killed `kills` times, gives the same marts; `live` leaves what follows alone."""
    calm, chance, done = Settings(home=folder / "calm"), random.Random(seed), 0
    shutil.copytree(built.root, calm.root)
    new = write_new_deals(calm, 40, "new")
    kept, moment = shutil.copy(new, folder), datetime.now(UTC).replace(tzinfo=None)
    started = time.monotonic()
    killed(calm, _listing(calm, moment), chance, whole=0, kills=0, scope=scope)
    whole, expected = time.monotonic() - started, fingerprints(calm)
    while done < kills:
        shaken = Settings(home=folder / f"shaken after {done}")
        shutil.copytree(built.root, shaken.root)
        shutil.copy(kept, shaken.landing / "deals")
        done += killed(shaken, _listing(shaken, moment), chance, whole=whole, kills=kills - done, scope=scope)
        same(shaken, expected)
        shutil.rmtree(shaken.root)


def test_after_kills_at_random_moments_of_an_increment_the_marts_equal_those_of_an_undisturbed_run(
    built_home: Settings, tmp_path: Path
):
    killed_increments(built_home, tmp_path, kills=6, seed=11, scope="live")


def _listing(home: Settings, moment: datetime) -> Path:
    """One batch: what lies in the landing folder."""
    listing = home.root / "batches.txt"
    listing.write_text("|".join([moment.isoformat(), *map(str, home.landing.rglob("*.parquet"))]), encoding="utf-8")
    return listing


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("calm"))
    fill(settings, deals=20_000)
    return settings


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(17))
def test_after_many_kills_of_increments_the_marts_equal_those_of_an_undisturbed_run(
    calm: Settings, tmp_path: Path, seed: int
):
    killed_increments(calm, tmp_path, kills=10, seed=seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_after_many_kills_of_first_runs_the_marts_equal_those_of_an_undisturbed_run(
    calm: Settings, tmp_path: Path, seed: int
):
    expected, chance, kills, whole = fingerprints(calm), random.Random(seed), 0, _seconds(calm)
    while kills < 10:
        shaken = Settings(home=tmp_path / f"shaken after {kills}")
        listing = prepare(shaken, calm)
        kills += killed(shaken, listing, chance, whole=whole, kills=10 - kills)
        same(shaken, expected)
