"""The shared broker with partners' accounts, as these tests read it."""

import pytest

from tests.dbt.broker import Broker
from warehouse.reader import Reader


@pytest.fixture(scope="session")
def home(partner_home: Broker) -> Broker:
    """Read only: a deal of ten lots, corrected to five three days later, in a chain of three; and much else."""
    return partner_home


@pytest.fixture(scope="session")
def reader(home: Broker) -> Reader:
    return Reader(home.settings)
