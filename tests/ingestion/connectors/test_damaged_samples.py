"""Damaged copies of the samples: a connector refuses the file or accounts for each of its rows, and never fails in another way."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion.connectors import connectors
from ingestion.connectors.base import BadFile, Connector
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.samples import sample

# A family is a way of reading; its systems take turns.
FAMILIES: dict[str, dict[str, str]] = {
    "tables": {
        "stripe_balance": "stripe/smashpig/settlement_report.csv",
        "adyen_accounting": "adyen/smashpig/payments_accounting_report_nyce.csv",
        "paypal_statement": "paypal/oca/statement_en.csv",
        "dlocal_report": "dlocal/smashpig/donation.csv",
        "gr4vy": "gravy/smashpig/all_transactions_report_refund.csv",
        "hubspot_contacts": "crm/hubspot_fivetran_seed/contact_data.csv",
        "zendesk_tickets": "crm/zendesk_fivetran_seed/ticket_data.csv",
        "us_consolidated": "sanctions/csl_us_consolidated_small.csv",
    },
    "bodies": {
        "adyen_webhook": "adyen/smashpig/ipn_Chargeback.json",
        "braintree": "braintree/smashpig/raw_batch_report_refund.json",
        "stripe_objects": "stripe/openapi_fixtures/payout.json",
        "praxis": "praxis/notification_sale_approved_v1.3.json",
        "coinspaid": "coinspaid/withdrawal_btc.json",
        "fireblocks": "fireblocks/transaction_status_updated_v1.json",
        "onfido": "kyc/onfido/onfido-python/studio_webhook_event_with_list_in_output.json",
        "jumio": "kyc/jumio/go-kyc/response_01_deniedResponse.json",
        "complyadvantage": "kyc/complyadvantage/go-kyc/complyadvantage_00_approvedResp.json",
        "world_check": "kyc/thomsonreuters/go-kyc/client_04_syncScreeningResponseDenied.json",
        "synapsefi": "kyc/synapsefi/go-kyc/service_01_x.json",
    },
    "record lines": {
        "trustly": "trustly/smashpig/P11KFUN-3618-r-code-reversal.csv",
        "dlocal_settlement": "dlocal/wmf-crm/settlement_refund__Wikimedia_cross_border_report_20260207_083659.csv",
        "paypal_report": "paypal/wmf-crm/STL-20260106.01.009.csv",
        "ofac_sdn": "ofac/small/sdn.csv",
        "nuvei": "nuvei/dmn_querystrings.txt",
    },
    "xml": {
        "ingenico_wx": "ingenico/smashpig/refund_ingenico_connect.xml.gz",
        "camt053": "camt053/genkgo/camt054.v8.xml",
    },
    "mt940": {"mt940": "mt940/oca/test-ing.940"},
    "ofx": {"ofx": "ofx/oca/test_ofx.ofx"},
}


def csv_numbers(path: Path, connector: Connector) -> set[int]:
    delimiter = connector.spec.delimiter  # type: ignore[attr-defined]
    rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True)
    next(rows)
    return {number for number, row in enumerate(rows, start=1) if row}


def items(path: Path, connector: Connector) -> set[int]:
    beside = {
        "trustly": {"H", "L"},
        "paypal_report": {"RH", "FH", "SH", "CH", "SF", "SC", "RF", "RC", "FF", "FC", "RV"},
    }
    text = path.read_bytes().decode("utf-8-sig")
    rows = enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1)
    return {
        number
        for number, row in rows
        if any(cell.strip() for cell in row) and row[0].strip() not in beside[connector.name]
    }


def entries(path: Path, connector: Connector) -> set[int]:
    text = path.read_bytes().decode("latin-1")
    return set(range(1, len(re.findall(r"(?m)^(?:ï»¿)?:61:", "\n".join(text.splitlines()))) + 1))


COUNTED: dict[str, Callable[[Path, Connector], set[int]]] = {
    **dict.fromkeys(FAMILIES["tables"], csv_numbers),
    **dict.fromkeys(("trustly", "paypal_report"), items),
    "mt940": entries,
}
"""What must be in good or rejected rows, counted by other means, where a format has one row a line."""


def damaged(family: str, count: int, seed: int) -> Iterator[tuple[Connector, str, bytes]]:
    systems = FAMILIES[family]
    for place, (name, file) in enumerate(systems.items()):
        path = sample(*file.split("/"))
        share = count // len(systems) + (place < count % len(systems))
        for mutant in mutants(path.read_bytes(), seed + place, share):
            yield connectors()[name], path.name, mutant


def check(family: str, count: int, seed: int, folder: Path) -> None:
    refused = read = 0
    for connector, name, mutant in damaged(family, count, seed):
        path = folder / name
        path.write_bytes(mutant)
        connector.recognises(path, mutant[:65536])
        accounted: set[int] = set()
        try:
            for batch in connector.read(path):
                judged = judge(FEEDS[batch.feed], batch)
                assert judged.rows_read == batch.rows.height + len(batch.rejected)
                assert all(bad.rules and bad.rules[0] for bad in batch.rejected)
                if batch.feed != "bank_statements":
                    accounted |= {*batch.rows["_row_number"], *(bad.row_number for bad in batch.rejected)}
            read += 1
        except BadFile as error:
            assert error.reason
            refused += 1
            continue
        if connector.name in COUNTED:
            assert accounted == COUNTED[connector.name](path, connector), (name, mutant)
    assert refused > count / 50
    assert read > count / 50


@pytest.mark.parametrize("family", FAMILIES)
def test_three_hundred_damaged_files_are_refused_or_every_row_is_accounted_for(family: str, tmp_path: Path) -> None:
    check(family, 300, 20_260_301, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_damaged_files_are_refused_or_every_row_is_accounted_for(family: str, tmp_path: Path) -> None:
    check(family, 10_000, 7, tmp_path)
