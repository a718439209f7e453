"""Every file of the samples of trading platforms loads, with the rows and the money that a separate reader finds."""

from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from ingestion.connectors import connectors
from ingestion.connectors.base import BadFile
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.platform_reader import READERS
from tests.ingestion.connectors.samples import SAMPLES, sample
from tests.ingestion.landing import Landing, opened
from warehouse.settings import Settings


@pytest.fixture
def landing(home: Settings) -> Landing:
    return opened(home)


def test_no_sample_of_a_platform_is_left_out() -> None:
    sample("mt5")
    found = {
        path.relative_to(SAMPLES).as_posix()
        for one in ("mt4", "mt5")
        for path in (SAMPLES / one).rglob("*")
        if path.is_file()
    }
    assert found == READERS.keys()


@pytest.mark.parametrize("name", READERS)
def test_a_platforms_file_loads_with_the_rows_and_money_a_separate_reader_finds(
    name: str, landing: Landing, record_sample: Callable[..., None]
) -> None:
    path = sample(*name.split("/"))
    outcomes = landing.ingest(path, guess=True)
    expected = READERS[name](path)
    for outcome in outcomes:
        record_sample(
            name.split("/")[0],
            name.split("/", 1)[1],
            outcome.rows_read,
            outcome.rows_loaded,
            outcome.rows_quarantined,
            outcome.reason or "",
        )
        assert (outcome.status, outcome.rows_quarantined, outcome.rows_duplicate) == ("loaded", 0, 0)
    assert {one.feed: one.rows_loaded for one in outcomes if one.rows_loaded} == {
        k: v for k, v in expected.canonical.items() if v
    }
    moved = landing.one(
        "select coalesce(sum(coalesce(profit, 0) + coalesce(swap, 0) + coalesce(commission, 0) + coalesce(fee, 0)), 0) from raw.deals"
    )
    assert moved == expected.moved
    feeds = [one.feed for one in outcomes if one.rows_loaded]
    sources = {number for feed in feeds for (number,) in landing.rows(f"select _row_number from raw.{feed}")}
    assert len(sources) == (expected.rows if feeds else 0)


def test_the_statements_balances_are_those_their_summaries_state(landing: Landing) -> None:
    """lab2acs: 4 997.46 − 266.19 = 4 731.27; tianyeshiye: 500 000 − 348 604 = 151 396 yen."""
    landing.ingest(
        sample("mt4", "lab2acs_Statement.htm"), sample("mt4", "tianyeshiye_DetailedStatement.htm"), guess=True
    )
    per_login = "select login, sum(profit + coalesce(swap, 0) + coalesce(commission, 0) + coalesce(fee, 0)) from raw.deals group by login"
    assert dict(landing.rows(per_login)) == {7400777: Decimal("4731.27"), 120010550: Decimal(151396)}


FAMILIES = {
    "mt4_statement": ["mt4/lab2acs_Statement.htm"],
    "mt4_raw_report": ["mt4/kvb/KVB_MT4_RawReport_2026-10-04.csv"],
    "mt4_account_types": ["mt4/kvb/KVB_MT4_Account_Types_sample.csv"],
    "mt5_webapi": ["mt5/webapi/deal_get_page.json"],
    "mt5_sql": ["mt5/gana_mt5_sql_export_2019/mt5_deals.sql"],
}


def survive(family: str, folder: Path, rounds: int, each: int | None = None) -> tuple[int, int]:
    """(refused, read) of mutants; none may crash, none may lose what it read."""
    connector = connectors()[family]
    refused = read = 0
    original = sample(*FAMILIES[family][0].split("/"))
    path = folder / original.name
    for seed in range(rounds):
        for mutant in islice(mutants(original.read_bytes(), seed=20_261 + seed), each):
            path.write_bytes(mutant)
            connector.recognises(path, mutant[:65536])
            try:
                for batch in connector.read(path):
                    judged = judge(FEEDS[batch.feed], batch)
                    assert judged.rows_read == batch.rows.height + len(batch.rejected)
                    assert all(bad.rules for bad in judged.bad)
                read += 1
            except BadFile as error:
                assert len(str(error)) > 20
                refused += 1
    return refused, read


@pytest.mark.parametrize("family", FAMILIES)
def test_a_damaged_platform_file_is_refused_or_sets_rows_aside(family: str, tmp_path: Path) -> None:
    refused, read = survive(family, tmp_path, rounds=1, each=64)
    assert refused > 5
    assert read > 5


@pytest.mark.soak
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_damaged_platform_files_crash_nothing(family: str, tmp_path: Path) -> None:
    survive(family, tmp_path, rounds=50)
