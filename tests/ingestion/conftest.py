from collections.abc import Iterator

import pytest

from tests import servers
from tests.ingestion.landing import Landing, opened
from warehouse.settings import Settings


@pytest.fixture
def landing(home: Settings) -> Iterator[Landing]:
    """An empty home, open for loading."""
    landing = opened(home)
    yield landing
    landing.connection.close()


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One MariaDB for all tests of a worker; each test makes a database of its own in it."""
    with servers.mariadb(tmp_path_factory.mktemp("db")) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The same of PostgreSQL."""
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="session", params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> str:
    """Each of the two."""
    return request.getfixturevalue(f"{request.param}_server")
