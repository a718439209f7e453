"""What the simulator planted for the monitoring scenarios is found, and its decoys are not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from warehouse.reader import Reader
from warehouse.settings import Settings

FOUND = "select distinct scenario, client_id from compliance.fct_alerts"
WON = """
select count(*) filter (where profit > 0) / count(*) as won from trading.fct_deals
where client_id = $1 and entry = 'out' and holding_seconds < 60
"""


@pytest.fixture(scope="module")
def reader(built_home: Settings) -> Iterator[Reader]:
    opened = Reader(built_home)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def planted(built_home: Settings) -> list[dict[str, Any]]:
    file = built_home.truth / "typologies.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def found(reader: Reader) -> set[tuple[str, str]]:
    return set(reader.query(FOUND).iter_rows())


def test_every_planted_typology_raises_its_alert_on_every_client_concerned(
    reader: Reader, planted: list[dict[str, Any]], found: set[tuple[str, str]]
) -> None:
    missed = [
        (row["case"], client)
        for row in planted
        for client in row["client_ids"]
        if not row["decoy"] and (row["case"], client) not in found
    ]
    # the market decides what a planted quick trade wins after the spread: below the rate it is a decoy
    lost = {("A15", client) for case, client in missed if case == "A15" and _won(reader, client) < 0.85}
    assert set(missed) - lost == set()
    assert len({row["case"] for row in planted}) >= 19


def test_no_decoy_raises_an_alert_of_its_scenario(planted: list[dict[str, Any]], found: set[tuple[str, str]]) -> None:
    raised = [
        (row["case"], row["why"])
        for row in planted
        for client in row["client_ids"]
        if row["decoy"] and (row["case"], client) in found
    ]
    assert raised == []


def _won(reader: Reader, client: str) -> float:
    return float(reader.query(WON, [client])["won"][0])
