"""History replayed, files reordered, runs repeated: the same facts come out."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from apps.pipeline import Source, build_and_publish, load, run_once
from tests.acceptance.states import COMPARED, NET_STATE, fingerprints, net_state
from warehouse import lake
from warehouse.build import build, nothing_new
from warehouse.engine import make_home
from warehouse.settings import Settings
from warehouse.slot import writer_slot


def test_running_again_changes_nothing(built_copy: Settings):
    before = lake.current(built_copy).publish_id, fingerprints(built_copy)
    outcome = run_once(built_copy)
    assert outcome.build is None and outcome.publish is None
    assert (lake.current(built_copy).publish_id, fingerprints(built_copy)) == before


def test_the_same_files_again_under_other_names_are_loaded_once(built_copy: Settings):
    before = fingerprints(built_copy)
    folder = built_copy.landing / "deals"
    folder.mkdir(parents=True, exist_ok=True)
    for number, archived in enumerate(sorted(built_copy.archive.iterdir())[:3]):
        (folder / f"again-{number}.parquet").write_bytes(archived.read_bytes())
    outcome = run_once(built_copy)
    assert {file.status for file in outcome.files} == {"duplicate_file"}
    assert fingerprints(built_copy) == before


def unchecked(settings: Settings, *, full_refresh: bool = False, select: Sequence[str] = ()) -> None:
    """Builds without the data tests, which other builds of the same rows have passed."""
    with writer_slot(settings, "test"):
        outcome = build(settings, full_refresh=full_refresh, select=select, tests=False)
    assert outcome.green, outcome.failures


@pytest.fixture(scope="module")
def in_another_order(built_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same archived files, the newest batch first, cut into other calls, and one build after both."""
    from ingestion.simulator import simulate

    settings = Settings(
        home=tmp_path_factory.mktemp("reordered"), threads=2
    )  # nor does it matter which thread is first
    make_home(settings)
    deals = json.loads(built_home.simulated_marker.read_text(encoding="utf-8"))["deals"]
    simulate(settings.landing, truth=settings.truth, deals=deals)
    files = sorted(path for path in settings.landing.rglob("*") if path.is_file())
    files.sort(key=lambda path: path.name[::-1], reverse=True)
    now = datetime.now(UTC) - timedelta(hours=1)
    half = len(files) // 2
    load(settings, Source(paths=tuple(files[half:]), recorded_at=now))
    load(settings, Source(paths=tuple(files[:half]), recorded_at=now + timedelta(minutes=5)))
    unchecked(settings, select=[f"+{mart}" for mart in COMPARED])
    return settings


@pytest.mark.parametrize("facts", NET_STATE)
def test_the_same_files_in_another_order_and_other_batches_give_the_same(
    built_home: Settings, in_another_order: Settings, facts: str
):
    expected, found = net_state(built_home)[facts], net_state(in_another_order)[facts]
    assert expected
    assert (sorted(expected - found, key=str)[:5], sorted(found - expected, key=str)[:5]) == ([], [])


def test_a_full_refresh_gives_the_marts_that_live_builds_and_what_followed_them_gave(built_copy: Settings):
    from bench.new_deals import write_new_deals

    write_new_deals(built_copy, 20, "new")
    load(built_copy, Source(recorded_at=datetime.now(UTC)))
    live = build_and_publish(built_copy, scope="live", suites=False)
    assert live.green, live.build and live.build.failures
    assert live.publish is not None and not live.publish.fell_back
    assert not nothing_new(built_copy)
    followed = build_and_publish(built_copy, scope="background", suites=False)
    assert followed.green and followed.publish is not None and not followed.publish.fell_back
    assert nothing_new(built_copy)
    before = fingerprints(built_copy)
    unchecked(built_copy, full_refresh=True)
    after = fingerprints(built_copy)
    assert {mart for mart in before if before[mart] != after[mart]} == set()
