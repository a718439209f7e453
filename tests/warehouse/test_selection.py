"""What new loads touch: found in the real manifest, cut where nothing a model takes has come."""

from pathlib import Path

import pytest

from ingestion.feeds import FEEDS
from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.selection import BACKGROUND, STEPWISE, names, tagged, touched, upstream
from warehouse.settings import Settings

LIVE = 40
"""Relations that a load may touch before it is published (architecture.md)."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory):
    settings = Settings(home=Path(tmp_path_factory.mktemp("parsed")))
    make_home(settings)
    return Dbt(settings).parsed()


@pytest.mark.parametrize("feed", ["deals", "cash_requests", "psp_transactions", "kyc_events", "operational_events"])
def test_what_must_be_there_within_seconds_is_few(manifest, feed: str):
    reached = touched(manifest, [feed, "loads", "quarantine"], lambda *_: True)
    assert 0 < len(names(manifest, reached - tagged(manifest, BACKGROUND))) <= LIVE


def test_every_feed_reaches_something(manifest):
    assert [feed for feed in FEEDS if not touched(manifest, [feed], lambda *_: True)] == []


def test_nothing_live_reads_what_follows(manifest):
    following = tagged(manifest, BACKGROUND)
    live = {one for one, node in manifest.nodes.items() if node.resource_type == "model"} - following
    assert upstream(manifest, live) & following == set()


def test_trades_do_not_reach_what_takes_balance_operations_only(manifest):
    def without(*_: str) -> bool:
        return False

    trades = names(manifest, touched(manifest, ["deals"], without))
    all_deals = names(manifest, touched(manifest, ["deals"], lambda *_: True))
    assert "int_ledger_transfers" in all_deals and "int_ledger_transfers" not in trades
    assert "fct_postings" in trades
    other = names(manifest, touched(manifest, ["deals", "cash_requests"], without))
    assert "int_ledger_transfers" in other


def test_what_stepwise_models_read_is_built_with_them(manifest):
    needed = names(manifest, upstream(manifest, tagged(manifest, STEPWISE)))
    assert {"fct_postings", "int_ledger_deal_entries", "fct_deals"} <= set(needed)
