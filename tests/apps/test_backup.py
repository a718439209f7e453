"""A backup taken while people decide restores to a whole and consistent home; a damaged one is refused."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from apps.approvals.anchors import anchor, trail
from apps.approvals.chain import SYSTEM, Event, append
from apps.approvals.store import open_store, reading, writing
from apps.approvals.verify import verify
from apps.backup import MANIFEST, BackupError, backup, read_manifest, restore
from tests.apps.approvals.conftest import database
from tests.apps.dashboard.hand_made import make
from tests.servers import postgresql
from warehouse import lake
from warehouse.reader import Reader
from warehouse.settings import Settings

MARTS = {"core.dim_partners": "select 'p1' as partner_id, 'CY' as entity"}


@pytest.fixture(scope="module")
def url():
    with postgresql() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def homes(request, tmp_path):
    """A published home, and an empty one, each with a store of its own on this database."""
    if request.param == "sqlite":
        yield make(Settings(home=tmp_path / "a"), MARTS), Settings(home=tmp_path / "b")
        return
    server = request.getfixturevalue("url")
    with database(server) as one, database(server) as other:
        found = make(Settings(home=tmp_path / "a", ops_url=one), MARTS), Settings(home=tmp_path / "b", ops_url=other)
        yield found
        for settings in found:
            open_store(settings).dispose()


@contextmanager
def writing_on(settings: Settings) -> Iterator[None]:
    """Meanwhile a thread appends and anchors as fast as it can."""
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with writing(open_store(settings)) as connection:
                append(connection, [Event("test.happened", SYSTEM, "withdrawal", f"w{number}")])
            if number % 5 == 1:
                anchor(settings, "publish", number)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def count(settings: Settings) -> int:
    with reading(open_store(settings)) as connection:
        return connection.execute(sa.text("select count(*) from events")).scalar_one()


def test_a_backup_taken_under_load_restores_to_a_whole_chain_and_the_same_publish(homes, tmp_path):
    home, empty = homes
    (home.archive / "ab").mkdir(parents=True)
    (home.archive / "ab" / "file.csv").write_text("a,b\n")
    with writing_on(home):
        while count(home) < 5:
            time.sleep(0.05)
        manifest = backup(home, tmp_path / "copy")
        after = count(home)
        while count(home) == after:
            time.sleep(0.05)
    verdict = restore(empty, tmp_path / "copy")
    assert verdict.whole and 0 < verdict.events <= after < count(home)
    assert verdict.anchors > 0 and manifest.files
    assert lake.current(empty).publish_id == lake.current(home).publish_id
    assert Reader(empty).query("select entity from core.dim_partners").to_dicts() == [{"entity": "CY"}]
    assert (empty.archive / "ab" / "file.csv").read_text() == "a,b\n"
    key = next(empty.keys.iterdir())
    assert key.read_bytes() == next(home.keys.iterdir()).read_bytes() and key.stat().st_mode & 0o777 == 0o600
    made = anchor(empty)
    assert made.number == verdict.anchors + 1 and verify(open_store(empty), trail(empty.anchors)).whole


def test_a_restored_store_goes_on_and_still_refuses_changes(homes, tmp_path):
    home, empty = homes
    with writing(open_store(home)) as connection:
        append(connection, [Event("test.happened", SYSTEM, "a", "b")])
    backup(home, tmp_path / "copy")
    restore(empty, tmp_path / "copy")
    with writing(open_store(empty)) as connection:
        assert append(connection, [Event("test.happened", SYSTEM, "a", "c")]) == [2]
    with pytest.raises(DBAPIError, match="append-only"), writing(open_store(empty)) as connection:
        connection.execute(sa.text("delete from events"))


@pytest.fixture
def small(tmp_path) -> tuple[Settings, Path]:
    settings = Settings(home=tmp_path / "a")
    open_store(settings)
    anchor(settings)
    backup(settings, tmp_path / "copy")
    return settings, tmp_path / "copy"


def test_a_backup_never_overwrites_and_a_home_is_never_restored_over(small):
    settings, copy = small
    with pytest.raises(BackupError, match="exists already"):
        backup(settings, copy)
    with pytest.raises(BackupError, match="not empty"):
        restore(settings, copy)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda copy: (copy / "ops.db").write_bytes(b"x"), "ops.db is not what was backed up"),
        (lambda copy: (copy / "ops.db").unlink(), "lacks ops.db"),
        (lambda copy: (copy / MANIFEST).unlink(), "is no backup"),
        (
            lambda copy: (copy / MANIFEST).write_text((copy / MANIFEST).read_text().replace("ops.db", "../x")),
            "outside the backup",
        ),
        (
            lambda copy: (copy / MANIFEST).write_text(
                (copy / MANIFEST).read_text().replace('"format": 1', '"format": 9')
            ),
            "later",
        ),
    ],
)
def test_a_damaged_backup_is_refused_and_leaves_the_home_empty(small, tmp_path, damage, said):
    _, copy = small
    damage(copy)
    with pytest.raises(BackupError, match=said):
        restore(Settings(home=tmp_path / "b"), copy)
    assert not (tmp_path / "b").exists()


def test_a_backup_cut_off_is_no_backup_and_is_taken_again(small, tmp_path):
    settings, _ = small
    (tmp_path / ".again.part").mkdir()
    (tmp_path / ".again.part" / "ops.db").write_bytes(b"half")
    assert backup(settings, tmp_path / "again").files
    assert read_manifest(tmp_path / "again").store == "sqlite"
    assert not (tmp_path / ".again.part").exists()
