"""SIGKILL at random moments of ingest, build and publish: after a restart the marts equal those of an undisturbed run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.states import fingerprints
from warehouse import lake
from warehouse.engine import make_home
from warehouse.reader import Reader
from warehouse.settings import PROJECT, Settings

STEP = """
import sys
from datetime import datetime
from pathlib import Path
from apps.pipeline import Source, build_and_publish, load
from warehouse.settings import Settings

batches = [line.split("|") for line in Path(sys.argv[1]).read_text().splitlines()]
settings = Settings()
for moment, *paths in batches:
    there = tuple(path for path in map(Path, paths) if path.exists())
    if there:
        load(settings, Source(paths=there, recorded_at=datetime.fromisoformat(moment)))
    outcome = build_and_publish(settings, suites=False)
    assert outcome.green, outcome.build.failures
"""


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


def run(home: Settings, listing: Path) -> subprocess.Popen:
    environment = {**os.environ, "DAYBOOK_HOME": str(home.root)}
    return subprocess.Popen(
        [sys.executable, "-c", STEP, str(listing)], env=environment, cwd=PROJECT, stderr=subprocess.PIPE
    )


def finish(process: subprocess.Popen) -> None:
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()[-3000:]


def same_after_kills(folder: Path, *, kills: int, deals: int, seed: int) -> None:
    """Kills a run `kills` times, at moments drawn over the time an undisturbed one takes, and compares the homes."""
    calm = Settings(home=folder / "calm")
    listing = prepare(calm, deals)
    started = time.monotonic()
    finish(run(calm, listing))
    whole = time.monotonic() - started
    expected = fingerprints(calm)
    chance = random.Random(seed)
    shaken = Settings(home=folder / "shaken")
    listing = prepare(shaken, deals)
    for _ in range(kills):
        process = run(shaken, listing)
        try:
            process.wait(timeout=chance.uniform(1.5, max(whole * 0.6, 3)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert process.stderr is not None
        process.stderr.close()
    finish(run(shaken, listing))
    found = fingerprints(shaken)
    assert {mart for mart in expected if expected[mart] != found.get(mart)} == set()
    for mart, totals in lake.current(shaken).tables.items():
        assert Reader(shaken).query(f"select count(*)::varchar as rows from {mart}")["rows"][0] == totals["rows"]


@pytest.mark.soak
def test_after_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(tmp_path: Path):
    same_after_kills(tmp_path, kills=6, deals=1_500, seed=11)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_after_many_kills_at_random_moments_the_marts_equal_those_of_an_undisturbed_run(tmp_path: Path, seed: int):
    same_after_kills(tmp_path, kills=10, deals=20_000, seed=seed)
