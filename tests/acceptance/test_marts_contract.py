"""The marts that others read: they exist under their names, with their columns, and the simulated broker has rows in each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from warehouse.reader import Reader
from warehouse.settings import Settings

CONTRACT: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("marts.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reader(built_home: Settings) -> Iterator[Reader]:
    opened = Reader(built_home)
    yield opened
    opened.close()


@pytest.mark.parametrize("mart", CONTRACT)
def test_a_mart_has_its_columns_and_rows_of_the_simulated_broker(reader: Reader, mart: str):
    found = reader.query(f"select * from {mart} limit 1")
    assert set(CONTRACT[mart]) <= set(found.columns)
    assert len(found) == 1
