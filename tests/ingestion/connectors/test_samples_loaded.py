"""The samples through the loader: archived, counted, once by hash, figures reproduced from raw."""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.load import FileOutcome, ingest
from tests.ingestion.connectors.samples import SAMPLES, sample
from warehouse.engine import connect
from warehouse.settings import Settings

FOLDERS = {
    "adyen_settlement": ("adyen/wmf-crm", "adyen/smashpig", "adyen/oca"),
    "camt053": ("camt053/genkgo", "camt053/oca"),
    "sumsub": ("kyc/sumsub/lana-bank", "kyc/sumsub/docs", "kyc/sumsub/go-kyc"),
    "mt5_report": ("mt5",),
    "checkout_settlement": ("checkoutcom/smashpig",),
}


@pytest.fixture
def connection(home: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    home.build_file.parent.mkdir(parents=True, exist_ok=True)
    with connect(home.build_file, home) as opened:
        yield opened


def land(home: Settings, connector: str, *paths: Path) -> None:
    folder = home.landing / connector
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / f"{path.parent.name}-{path.name}")


def test_the_duplicate_of_batch_1129_is_counted_once(connection: duckdb.DuckDBPyConnection, home: Settings) -> None:
    folder = sample("adyen", "wmf-crm")
    land(home, "adyen_settlement", *sorted(folder.glob("batch_*.csv")))
    outcomes = ingest(connection, home)
    assert sorted(outcome.status for outcome in outcomes) == ["duplicate_file", "loaded", "loaded"]
    paid = connection.execute(
        "select settlement_batch_id, currency, sum(amount) from raw.psp_transactions where kind = 'settlement' group by all"
    ).fetchall()
    assert {(batch, currency): amount for batch, currency, amount in paid} == {
        ("1128", "USD"): Decimal("59.75"),
        ("1128", "CAD"): Decimal("9.54"),
        ("1129", "USD"): Decimal("37.82"),
        ("1129", "EUR"): Decimal("28.51"),
    }


@pytest.mark.parametrize("connector", FOLDERS)
def test_every_file_is_accounted_for_row_by_row(
    connection: duckdb.DuckDBPyConnection, home: Settings, connector: str
) -> None:
    for folder in FOLDERS[connector]:
        paths = [path for path in sorted(sample(*folder.split("/")).iterdir()) if path.is_file()]
        land(home, connector, *(path for path in paths if not path.name.startswith(("ipn_", "payments_accounting"))))
    outcomes = ingest(connection, home)
    read = [outcome for outcome in outcomes if outcome.status == "loaded"]
    assert read
    for outcome in read:
        assert outcome.rows_read == outcome.rows_loaded + outcome.rows_duplicate + outcome.rows_quarantined
        assert outcome.rows_quarantined == 0
    assert all(outcome.reason for outcome in outcomes if outcome.status not in ("loaded", "duplicate_file"))
    assert connection.execute("select count(*) from raw.quarantine").fetchone() == (0,)


def statuses(outcomes: list[FileOutcome]) -> set[str]:
    return {outcome.status for outcome in outcomes}


def test_guessing_finds_the_connector_of_a_file_that_lies_anywhere(
    connection: duckdb.DuckDBPyConnection, home: Settings, tmp_path: Path
) -> None:
    names = ("mt5/ReportHistory_wizard.xlsx", "camt053/oca/test-camt053-txdtls.xml")
    paths = [sample(*name.split("/")) for name in names]
    outcomes = ingest(connection, home, paths, guess=True)
    assert statuses(outcomes) == {"loaded"}
    assert {outcome.connector for outcome in outcomes} == {"mt5_report", "camt053"}
    assert all((SAMPLES / name).exists() for name in names)
    assert connection.execute("select count(*), sum(profit) from raw.deals").fetchone() == (18, Decimal("0.33"))
    assert connection.execute("select sum(amount) from raw.bank_statement_lines").fetchone() == (Decimal("3483"),)
