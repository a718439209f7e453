"""The ledger's properties on thousands of generated streams: at once, and in pieces in any order with rows sent twice."""

import random
from pathlib import Path

import pytest

from tests.dbt import ledger_properties
from tests.dbt.broker import Broker, Row, new_broker
from tests.dbt.generated_streams import Stream, merged, streams, told
from tests.dbt.ledger_rows import broker_feeds
from tests.dbt.test_ledger_clocks import FINANCE, NET

STREAMS, PIECES = 3_000, 4


def learnt(root: Path, drawn: list[Stream], pieces: int) -> Broker:
    """A broker told the streams in pieces, each row in one of them at random and every tenth in two."""
    broker, chance = new_broker(root), random.Random(5)
    parts: list[dict[str, list[Row]]] = [{} for _ in range(pieces)]
    for feed, rows in merged([told(stream) for stream in drawn]).items():
        for row in rows:
            for number in {chance.randrange(pieces), *([chance.randrange(pieces)] if chance.random() < 0.1 else [])}:
                parts[number].setdefault(feed, []).append(row)
    parts[0]["bank_accounts"] = broker_feeds()["bank_accounts"]
    for number, part in enumerate(parts, start=1):
        broker.learn(f"2026-03-{number:02d} 00:00:00", **part)
    broker.build(FINANCE)
    return broker


@pytest.mark.soak
def test_properties_hold_on_thousands_of_streams_and_in_any_pieces(tmp_path: Path) -> None:
    drawn = streams(STREAMS)
    at_once, in_pieces = learnt(tmp_path / "once", drawn, 1), learnt(tmp_path / "pieces", drawn, PIECES)
    for broker in (at_once, in_pieces):
        ledger_properties.every_entry_balances(broker)
        ledger_properties.money_is_conserved(broker, drawn)
        ledger_properties.a_rejection_leaves_no_trace(broker, drawn)
    assert in_pieces.rows(NET) == at_once.rows(NET)
