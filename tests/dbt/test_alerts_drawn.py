"""Monitoring at size: twenty plants on each side of every threshold that a number decides, drawn by three seeds; all found, none besides."""

from pathlib import Path

import pytest

from tests.dbt.alert_rows import base
from tests.dbt.broker import new_broker
from tests.dbt.drawn_alerts import plant_drawn


@pytest.mark.soak
@pytest.mark.parametrize("seed", [101, 202, 303])
def test_all_that_is_drawn_above_a_threshold_is_found_and_nothing_below(tmp_path: Path, seed: int) -> None:
    plants = base()
    plant_drawn(plants, seed, 20)
    broker = new_broker(tmp_path / "drawn")
    broker.learn("2026-10-01T06:00:00", **plants.feeds)
    broker.build("fct_alerts", tests=False)
    found = set(broker.rows("select distinct scenario, client_id from compliance.fct_alerts"))
    own = [row["client_id"] for row in plants.feeds["clients"]]
    assert {client for client in own if (client[:3], client) in found} == {client for client in own if client[3] == "+"}
