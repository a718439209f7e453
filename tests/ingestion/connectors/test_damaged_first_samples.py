"""Nothing a file of the first connectors may hold makes them fail (the others: test_damaged_samples, test_platform_samples)."""

from pathlib import Path

import pytest

from ingestion.connectors import connectors
from ingestion.connectors.base import BadFile, Connector
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.samples import sample

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
