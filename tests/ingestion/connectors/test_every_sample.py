"""Every sample of the trading platform loads or is refused for a stated reason, and nothing a file may hold makes a connector fail."""

from pathlib import Path

import pytest

from ingestion.connectors import connectors, guess
from ingestion.connectors.base import BadFile, Connector
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.samples import SAMPLES, sample

OWNERS = {"mt5/ReportHistory_wizard.xlsx": "mt5_report", "mt5/": "mt5_sql"}
# Samples in the same folders that no connector here takes for its own, and why.
NOBODYS = {"mt5/webapi/deal_get_page.json": "the Web API has a connector of its own, to come"}
REFUSED = {".sql": "Load a .sql dump"}
FAMILIES = {
    "adyen_settlement": ["adyen/wmf-crm/batch_1__settlement_detail_report_batch_1128.csv", "adyen/oca/adyen_test.xlsx"],
    "camt053": ["camt053/oca/test-camt053-txdtls.xml", "camt053/genkgo/camt053.v4.xml"],
    "sumsub": ["kyc/sumsub/lana-bank/05_applicantReviewed_RED.json", "kyc/sumsub/docs/02_applicantKytTxnRejected.json"],
    "mt5_report": ["mt5/ReportHistory_wizard.xlsx"],
    "mt5_sql": ["mt5/gana_mt5_sql_export_2019/mt5_users_no_pii.csv"],
    "checkout_settlement": [
        "checkoutcom/smashpig/settlement-breakdown_ent_testcheckoutfixture_20260702_00000003k599_1.csv"
    ],
}


def files() -> list[str]:
    folders = ("mt5",)
    found = [path for folder in folders for path in sorted((SAMPLES / folder).rglob("*")) if path.is_file()]
    return [path.relative_to(SAMPLES).as_posix() for path in found] or ["(none)"]


def owner(name: str) -> str | None:
    if name in NOBODYS:
        return None
    return next(
        (
            connector
            for start, connector in OWNERS.items()
            if Path(name).match(f"{start}*") or ("*" not in start and name.startswith(start))
        ),
        None,
    )


@pytest.mark.parametrize("name", files())
def test_a_sample_is_recognised_by_the_connector_of_its_system_alone(name: str) -> None:
    path = sample(*name.split("/"))
    expected = owner(name)
    assert [connector.name for connector in guess(path)] == ([expected] if expected else [])


@pytest.mark.parametrize("name", [name for name in files() if owner(name)])
def test_a_sample_loads_or_is_refused_for_a_stated_reason(name: str) -> None:
    path = sample(*name.split("/"))
    connector = connectors()[str(owner(name))]
    reason = next((reason for part, reason in REFUSED.items() if part in name), None)
    try:
        batches = list(connector.read(path))
    except BadFile as error:
        assert reason, error
        assert reason in str(error)
        assert error.remedy
        return
    assert reason is None
    assert sum(batch.rows.height for batch in batches) > 0
    for batch in batches:
        assert batch.rejected == ()
        judged = judge(FEEDS[batch.feed], batch)
        assert list(judged.bad) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_files_are_refused_or_set_rows_aside_and_nothing_else(family: str, tmp_path: Path) -> None:
    connector: Connector = connectors()[family]
    refused = read = 0
    for place, name in enumerate(FAMILIES[family]):
        original = sample(*name.split("/"))
        path = tmp_path / original.name
        for mutant in mutants(original.read_bytes(), seed=20_260 + place):
            path.write_bytes(mutant)
            connector.recognises(path, mutant[:65536])
            try:
                for batch in connector.read(path):
                    assert all(bad.rules and bad.rules[0] for bad in batch.rejected)
                    judge(FEEDS[batch.feed], batch)
                read += 1
            except BadFile as error:
                assert error.reason
                refused += 1
    assert refused > 10
    assert read > 0
