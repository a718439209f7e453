"""SIGKILL at seeded random moments of an ingest: after restarts the raw tables are those of an undisturbed run."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ingestion.landing import Landing, as_csv, deal, opened
from warehouse.engine import make_home
from warehouse.settings import PROJECT, Settings

WORKER = """
import sys
from pathlib import Path
from ingestion.connectors import connectors
from ingestion.load import ingest
from warehouse.engine import connect
from warehouse.settings import Settings

settings = Settings(home=Path(sys.argv[1]), batch_rows=400)
connectors()
connection = connect(settings.build_file, settings)
print("loading", flush=True)
ingest(connection, settings)
connection.close()
print("done", flush=True)
"""
STATE = """
    select * exclude (recorded_at) from raw.deals order by _load_id, _row_number
"""
LOADS = """
    select load_id, path, file_sha256, rows_read, rows_loaded, rows_duplicate, rows_quarantined, status, reason from raw.loads order by load_id
"""
QUARANTINE = "select load_id, row_number, rules, row from raw.quarantine order by load_id, row_number"


def drop_files(landing: Landing) -> None:
    """Eight files that repeat and correct each other's keys, one with bad rows, one that is refused."""
    rng = random.Random(11)
    for number in range(8):
        rows = [deal(deal_id=str(rng.randint(1, 2000)), profit=str(rng.randint(0, 3))) for _ in range(1500)]
        if number == 3:
            rows[7]["action"] = rows[900]["login"] = "nothing"
        landing.put(f"deals/{number}.csv", as_csv(rows) if number != 5 else b"garbage")


def state(settings: Settings) -> list[list[tuple]]:
    landing = opened(settings)
    try:
        return [landing.rows(sql) for sql in (STATE, LOADS, QUARANTINE)]
    finally:
        landing.connection.close()


def kept(settings: Settings) -> list[str]:
    return sorted(
        str(path.relative_to(settings.root))
        for path in settings.root.rglob("*")
        if path.is_file() and "build" not in path.parts
    )


def run_and_kill(settings: Settings, after: float | None) -> bool:
    """True when the worker finished; `after` seconds of loading it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(settings.root)],
        cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "loading\n"
    if after is not None:
        time.sleep(after)
        process.kill()
    rest, _ = process.communicate()
    return "done" in rest


def kill_until_done(tmp_path: Path, kills: int, seed: int) -> None:
    undisturbed, killed = Settings(home=tmp_path / "undisturbed"), Settings(home=tmp_path / "killed")
    for settings in (undisturbed, killed):
        make_home(settings)
    landing = opened(undisturbed)
    drop_files(landing)
    landing.connection.close()
    started = time.monotonic()
    shutil.copytree(undisturbed.landing, killed.landing, dirs_exist_ok=True)
    shutil.copytree(undisturbed.landing, tmp_path / "again")
    assert run_and_kill(undisturbed, None)
    whole = time.monotonic() - started
    expected, rng, interrupted = state(undisturbed), random.Random(seed), 0
    for _ in range(kills):
        if run_and_kill(killed, rng.uniform(0, whole / 2)):
            assert state(killed) == expected
            shutil.rmtree(killed.root)
            make_home(killed)
            shutil.copytree(tmp_path / "again", killed.landing, dirs_exist_ok=True)
        else:
            interrupted += 1
    assert run_and_kill(killed, None)
    assert interrupted
    assert state(killed) == expected
    assert kept(killed) == kept(undisturbed)


@pytest.mark.timeout(300)
def test_a_load_killed_at_any_instant_is_completed_by_the_next_run(tmp_path: Path) -> None:
    kill_until_done(tmp_path, kills=6, seed=3)


@pytest.mark.soak
def test_a_load_killed_two_hundred_times_is_completed_each_time(tmp_path: Path) -> None:
    kill_until_done(tmp_path, kills=200, seed=4)
