"""What all tests share: samples of real systems, and one small broker that is simulated, built and published once a session."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.settings import PROJECT, Settings

os.environ["DO_NOT_TRACK"] = "1"
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
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small simulated broker, loaded in three batches, built and published after each, as `make run` does. Read only."""
    from apps.cli.first_run import fill

    settings = Settings(home=tmp_path_factory.mktemp("built"))
    fill(settings, deals=4_000)
    return settings


@pytest.fixture
def built_copy(built_home: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of the built home that a test may change."""
    shutil.copytree(built_home.root, tmp_path / "copy")
    yield Settings(home=tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
