"""The store's way into the warehouse: every event once, whatever is killed or restored, and next to nothing when nothing is new."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from apps import operations
from apps.approvals import chain
from apps.approvals.chain import Actor, Event, append
from apps.approvals.store import open_store, writing
from apps.pipeline import Source, load, raw_connection
from tests.apps.approvals.office import office
from warehouse.engine import connect
from warehouse.settings import PROJECT, Settings

LOADER = """
import sys
from pathlib import Path
from apps.pipeline import Source, load
from warehouse.settings import Settings

print("ready", flush=True)
load(Settings(home=Path(sys.argv[1]), batch_rows=200), Source())
"""


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with closing(connect(settings.build_file, settings)) as connection:
        return connection.execute(sql).fetchall()


def numbers(settings: Settings) -> list[int]:
    """The events loaded, by number, each as often as it stands there."""
    return [seq for (seq,) in rows(settings, "select seq from raw.operational_events order by seq")]


def happen(settings: Settings, count: int, stream: str = "test") -> None:
    """So many events, in one go."""
    with writing(open_store(settings)) as connection:
        append(
            connection,
            [Event("note.made", Actor("P1"), "note", f"n{number}", stream=stream) for number in range(count)],
        )


def test_decisions_and_their_events_are_loaded_once_by_any_run(ops_settings: Settings, ops_store: sa.Engine):
    desk = office(ops_store)
    desk.give("claim", "pay1")
    assert desk.give("approve", "m").status == "refused"
    assert desk.give("approve", "pay1").done
    outcomes = load(ops_settings, Source())
    assert {one.feed: one.rows_loaded for one in outcomes} == {
        "operational_events": 3,
        "cash_requests": 1,
        "risk_checks": 11,
    }
    assert load(ops_settings, Source()) == []
    desk.give("claim", "pay1", subject_id="unknown")
    assert [one.rows_loaded for one in load(ops_settings, Source())] == [1]
    assert numbers(ops_settings) == [1, 2, 3, 4]
    chained = "select count(*) from raw.operational_events a join raw.operational_events b on b.seq = a.seq + 1 and b.prev_hash = a.hash"
    assert rows(ops_settings, chained) == [(3,)]


def test_files_that_are_named_or_dated_bring_nothing_of_the_store(
    ops_settings: Settings, ops_store: sa.Engine, tmp_path: Path
):
    happen(ops_settings, 1)
    file = tmp_path / "staff.jsonl"
    file.write_text('{"staff_id": "S", "changed_at": "2026-01-01", "role": "payments"}\n')
    load(ops_settings, Source(paths=(file,), connector="staff"))
    load(ops_settings, Source(recorded_at=chain.now() - timedelta(days=1)))
    load(ops_settings, Source(dry_run=True))
    assert numbers(ops_settings) == []


def test_what_was_landed_or_loaded_before_a_kill_is_loaded_once(ops_settings: Settings, ops_store: sa.Engine):
    happen(ops_settings, 3)
    first = operations.land(ops_settings, None)
    assert first is not None
    content = first.read_bytes()
    happen(ops_settings, 2)
    assert operations.land(ops_settings, None) == first, "landed again, it takes the place of what was left"
    load(ops_settings, Source())
    first.write_bytes(content)  # killed between the commit and the archive
    happen(ops_settings, 1)
    load(ops_settings, Source())
    assert numbers(ops_settings) == [1, 2, 3, 4, 5, 6]


def test_killed_at_any_moment_it_loads_every_event_once(home: Settings):
    happen(home, 3_000)
    load(home, Source(paths=(PROJECT / "tests" / "__init__.py",)))  # the tables are there before the first kill
    kills = 0
    for wait in (0.0, 0.05, 0.1, 0.2, 0.3):
        process = subprocess.Popen([sys.executable, "-c", LOADER, str(home.root)], stdout=subprocess.PIPE, cwd=PROJECT)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(wait)
        happen(home, 50)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    load(home, Source())
    assert numbers(home) == list(range(1, 3_251))
    assert kills > 0


def test_a_store_that_was_restored_is_read_from_its_start_and_known_events_stay_single(home: Settings, tmp_path: Path):
    happen(home, 2)
    earlier = tmp_path / "earlier.db"
    with closing(open_store(home).raw_connection()) as connection:
        connection.execute(f"vacuum into '{earlier}'")  # type: ignore[attr-defined]
    happen(home, 3)
    load(home, Source())
    open_store(home).dispose()
    for name in ("", "-wal", "-shm"):
        Path(f"{home.ops_file}{name}").unlink(missing_ok=True)
    home.ops_file.write_bytes(earlier.read_bytes())
    happen(home, 1)
    load(home, Source())
    assert sorted(numbers(home)) == [1, 2, 3, 3, 4, 5], (
        "of the two events 3, one was lost to the store, and neither to us"
    )


def test_views_wait_for_other_events_and_then_some_minutes(
    ops_settings: Settings, ops_store: sa.Engine, monkeypatch: pytest.MonkeyPatch
):
    assert not operations.urgent(ops_settings, 0)
    happen(ops_settings, 2, stream="access")
    assert not operations.urgent(ops_settings, 0), "a new publish is viewed too; it must not bring about the next"
    later = chain.now() + operations.VIEWS_WAIT + timedelta(seconds=1)
    with monkeypatch.context() as patched:
        patched.setattr(operations, "now", lambda: later)
        assert operations.urgent(ops_settings, 0)
        assert not operations.urgent(ops_settings, 2)
    happen(ops_settings, 1)
    assert operations.urgent(ops_settings, 2) and not operations.urgent(ops_settings, 3)


def test_a_round_in_which_nothing_is_new_costs_less_than_fifty_milliseconds(
    ops_settings: Settings, ops_store: sa.Engine
):
    happen(ops_settings, 2_000)
    load(ops_settings, Source())
    with raw_connection(ops_settings) as connection:
        spent = []
        for _ in range(20):
            started = time.process_time()
            seen = operations.head(ops_settings).seq
            assert not operations.urgent(ops_settings, seen)
            assert operations.land(ops_settings, operations.loaded(connection)) is None
            spent.append(time.process_time() - started)
    assert sorted(spent)[10] < 0.05
