from collections.abc import Iterator

import pytest

from tests.ingestion.landing import Landing, opened
from warehouse.settings import Settings


@pytest.fixture
def landing(home: Settings) -> Iterator[Landing]:
    """An empty home, open for loading."""
    landing = opened(home)
    yield landing
    landing.connection.close()
