"""One empty operational store a test, on both databases; one PostgreSQL a session."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from apps.approvals import tables
from apps.approvals.chain import GENESIS, new_id
from apps.approvals.store import open_store
from tests.apps.approvals.hand_made import published
from tests.servers import postgresql
from warehouse.reader import Reader
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of the session's own."""
    with postgresql() as url:
        yield url


@contextmanager
def database(server_url: str) -> Iterator[SecretStr]:
    """The URL of a database of its own, dropped afterwards."""
    name = f"ops_{new_id()}"
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield SecretStr(server_url.rsplit("/", 1)[0] + f"/{name}")
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    """One migrated database that each test finds empty."""
    with database(postgresql_url) as url:
        engine = open_store(Settings(home=tmp_path_factory.mktemp("postgresql"), ops_url=url))
        yield url
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def ops_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A home whose operational store is empty and on this database. For a test that leaves the schema as it is."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        return Settings(home=home)
    settings = Settings(home=home, ops_url=request.getfixturevalue("shared_postgresql"))
    with open_store(settings).begin() as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))
        connection.execute(sa.text(f"truncate {', '.join(tables.metadata.tables)}"))
        connection.execute(sa.insert(tables.chain_head), {"id": 1, "seq": 0, "hash": GENESIS})
    return settings


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A home without a store yet, for a test that makes or changes the schema."""
    if request.param == "sqlite":
        yield Settings(home=tmp_path / "home")
        return
    with database(request.getfixturevalue("postgresql_url")) as url:
        settings = Settings(home=tmp_path / "home", ops_url=url)
        yield settings
        open_store(settings).dispose()


@pytest.fixture
def ops_store(ops_settings: Settings) -> Iterator[sa.Engine]:
    """The open store, empty."""
    engine = open_store(ops_settings)
    yield engine
    if engine.dialect.name == "sqlite":
        engine.dispose()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The hand-made broker, published once a session. Tests only read it; their stores lie elsewhere."""
    return published(Settings(home=tmp_path_factory.mktemp("broker")))


@pytest.fixture(scope="session")
def marts(broker: Settings) -> Iterator[Reader]:
    """Its publish, read as the machinery reads."""
    reader = Reader(broker)
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def quiet_store(tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    """A store in which nothing has happened; tests only read it."""
    return open_store(Settings(home=tmp_path_factory.mktemp("quiet")))


@pytest.fixture
def store(quiet_store: sa.Engine, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty SQLite store of the test's own, copied rather than migrated: for tests of what the store's kind cannot change."""
    home = Settings(home=tmp_path / "home")
    home.ops_file.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(str(quiet_store.url.database))) as empty,
        closing(sqlite3.connect(home.ops_file)) as copy,
    ):
        empty.backup(copy)
    engine = open_store(home)
    yield engine
    engine.dispose()
