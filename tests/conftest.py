"""What all tests share: samples of real systems, and one small broker that is simulated, built and published once a session."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.samples_table import pytest_terminal_summary, record_sample
from warehouse.settings import PROJECT, Settings

__all__ = ["pytest_terminal_summary", "record_sample"]

if TYPE_CHECKING:
    from tests.dbt.broker import Broker

os.environ["DO_NOT_TRACK"] = "1"
# what is decided goes out at once; the tests of undoing say ten seconds
os.environ.setdefault("DAYBOOK_UNDO_SECONDS", "0")
# the workers share the cores, and a small broker's models are over before a second thread begins
os.environ.setdefault("DAYBOOK_THREADS", "1")
SAMPLES = PROJECT.parent / "shared" / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real files of real systems, read in place."""
    if not SAMPLES.is_dir():
        pytest.skip(f"the samples of real systems are not at {SAMPLES}")
    return SAMPLES


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """An empty home of one's own."""
    from warehouse.engine import make_home

    settings = Settings(home=tmp_path / "home")
    make_home(settings)
    return settings


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A small simulated broker, loaded in three batches, built and published after each, as `make run` does. Read only.

    Whichever of pytest's workers needs it first makes it; the others wait and read the same. A test that writes into it, if only that
    something was looked at, makes the end of its worker fail.
    """
    from apps import operations
    from apps.cli.first_run import fill

    workers = os.environ.get("PYTEST_XDIST_WORKER")
    shared = tmp_path_factory.getbasetemp().parent if workers else tmp_path_factory.getbasetemp()
    settings, done = Settings(home=shared / "built"), shared / "built.done"
    with FileLock(shared / "built.lock"):
        if not done.exists():
            fill(settings, deals=4_000)
            done.write_text(str(operations.head(settings).seq))
    yield settings
    assert operations.head(settings).seq == int(done.read_text()), (
        "a test wrote into the shared home; it needs built_copy"
    )


@pytest.fixture(scope="session")
def partner_home(tmp_path_factory: pytest.TempPathFactory) -> "Broker":
    """The broker of tests/dbt/partner_broker.py, built and published once by whichever worker needs it first. Read only."""
    from tests.dbt.broker import Broker, new_broker
    from tests.dbt.partner_broker import fill as fill_partners
    from warehouse.dbt import Dbt

    workers = os.environ.get("PYTEST_XDIST_WORKER")
    shared = tmp_path_factory.getbasetemp().parent if workers else tmp_path_factory.getbasetemp()
    settings, done = Settings(home=shared / "partners"), shared / "partners.done"
    with FileLock(shared / "partners.lock"):
        if done.exists():
            return Broker(settings, Dbt(settings))
        broker = new_broker(settings.root)
        fill_partners(broker)
        done.touch()
        return broker


@pytest.fixture
def built_copy(built_home: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the built home that a test may change."""
    shutil.copytree(built_home.root, tmp_path / "copy")
    yield Settings(home=tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)


LAST = ("tests/orchestration", "tests/acceptance", "tests/faults", "tests/browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; then the longest, so that no worker is left alone with it; the browser's last."""
    late = {folder: place for place, folder in enumerate(LAST, start=1)}

    def place(item: pytest.Item) -> int:
        return late.get("/".join(item.nodeid.split("/")[:2]), 0)

    items.sort(key=place)
