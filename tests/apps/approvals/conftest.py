"""One operational store a test, on both databases; one PostgreSQL a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from apps.approvals.chain import new_id
from apps.approvals.store import open_store
from tests.servers import postgresql
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of the session's own."""
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ops_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A home whose operational store is empty and on this database."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        yield Settings(home=home)
        return
    url = request.getfixturevalue("postgresql_url")
    database = f"ops_{new_id()}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {database}"))
    yield Settings(home=home, ops_url=SecretStr(url.rsplit("/", 1)[0] + f"/{database}"))
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {database} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def ops_store(ops_settings: Settings) -> Iterator[sa.Engine]:
    """The open store."""
    engine = open_store(ops_settings)
    yield engine
    engine.dispose()
