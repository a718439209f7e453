"""Connectors by YAML: Checkout.com's files, an e-wallet's, and a sentence for each mistake in a YAML."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.configured import WrongSettings, configured
from ingestion.connectors.tabular import Tabular, WrongYaml, load_yaml_connectors
from ingestion.connectors.tabular_spec import read_spec
from tests.ingestion.connectors.samples import sample

VALID = """
name: example
feed: psp_transactions
recognise: [Id, Kind]
columns:
  psp: {constant: example}
  event_id: Id
  kind: {from: Kind, map: {Pay: deposit}}
  status: {constant: completed}
  currency: Currency
  amount: {from: Amount, units: minor}
  occurred_at: {from: At, time_zone: Europe/Athens}
"""
CSV = "Id,Kind,Currency,Amount,At,Note\n1,Pay,EUR,1234,2026-07-01 12:00:00,hello\n2,Pay,JPY,1234,2026-01-01 12:00:00,\n"


def shipped(name: str) -> Tabular:
    return next(one for one in load_yaml_connectors() if one.name == name and isinstance(one, Tabular))


def made(tmp_path: Path, text: str = VALID) -> Tabular:
    path = tmp_path / "example.yml"
    path.write_text(text)
    return Tabular(read_spec(path))


def read(connector: Tabular, tmp_path: Path, text: str = CSV) -> list[Batch]:
    path = tmp_path / "example.csv"
    path.write_text(text)
    return list(connector.read(path))


def breakdown() -> Path:
    return next(sample("checkoutcom", "smashpig").glob("settlement-breakdown*.csv"))


def test_checkouts_breakdown_adds_up_to_the_net_it_states() -> None:
    (batch,) = shipped("checkout_settlement").read(breakdown())
    assert batch.rejected == ()
    rows = batch.rows.to_dicts()
    net = sum(
        Decimal(row["amount"]) * (1 if row["kind"] == "deposit" else -1) - Decimal(row["fee_amount"] or 0)
        for row in rows
    )
    assert net == Decimal("79.50")
    assert [row["kind"] for row in rows] == ["deposit"] * 3 + ["fee"] * 6
    assert len({row["event_id"] for row in rows}) == 9


@pytest.mark.parametrize(("folder", "amount"), [("smashpig", "79.51"), ("wmf-crm", "79.5")])
def test_checkouts_payout_is_what_reaches_the_bank(folder: str, amount: str) -> None:
    path = next(sample("checkoutcom", folder).glob("payouts*.csv"))
    (batch,) = shipped("checkout_payouts").read(path)
    assert batch.rows.select("kind", "amount", "currency").row(0) == ("settlement", amount, "USD")


def test_a_reserve_that_no_rule_explains_sets_its_row_aside(tmp_path: Path) -> None:
    lines = breakdown().read_text().splitlines()
    place = lines[0].split(",").index("Reserve In Holding Currency")
    cells = lines[1].split(",")
    cells[place] = "-5"
    path = tmp_path / "breakdown.csv"
    path.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
    (batch,) = shipped("checkout_settlement").read(path)
    assert [bad.row_number for bad in batch.rejected] == [1]
    assert "is not zero" in batch.rejected[0].rules[0]


def test_an_e_wallets_statement_takes_its_currency_from_its_header_and_says_it_is_unconfirmed(tmp_path: Path) -> None:
    text = (
        "ID,Time (CET),Type,Transaction Details,[-] EUR,[+] EUR,Status,Balance,Reference\n"
        "7,2026-07-01 12:00:00,Receive Money,from C,,250.00,processed,250.00,W-1\n"
        "8,2026-01-01 12:00:00,Fee,,2.50,,processed,247.50,\n"
        "9,2026-01-01 12:00:00,Gift,,2.50,,processed,245.00,\n"
    )
    (batch,) = read(shipped("ewallet_statement"), tmp_path, text)
    assert batch.rows.select("kind", "amount", "currency", "occurred_at").rows() == [
        ("deposit", "250", "EUR", "2026-07-01T10:00:00"),
        ("fee", "2.5", "EUR", "2026-01-01T11:00:00"),
    ]
    assert "'Gift' in 'Type' is not foreseen" in batch.rejected[0].rules[0]
    assert "never confirmed" in batch.remarks[0]


def test_minor_units_follow_the_currency_and_local_times_their_daylight_rule(tmp_path: Path) -> None:
    (batch,) = read(made(tmp_path), tmp_path)
    assert batch.rows.select("amount", "currency", "occurred_at", "Note").rows() == [
        ("12.34", "EUR", "2026-07-01T09:00:00", "hello"),
        ("1234", "JPY", "2026-01-01T10:00:00", None),
    ]


def test_a_missing_column_and_a_doubled_one_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no column 'Amount'"):
        read(made(tmp_path), tmp_path, CSV.replace("Amount", "Sum"))
    with pytest.raises(BadFile, match="2 columns 'Id'"):
        read(made(tmp_path), tmp_path, CSV.replace("Note", "Id"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("feed: psp_transactions", "feed: psp", "example.yml line 3, feed: 'psp' is no canonical feed"),
        ("event_id: Id", "event_idd: Id", "example.yml line 7, columns.event_idd: is no column of psp_transactions"),
        ("map: {Pay: deposit}", "map: {Pay: paid}", "example.yml line 8, columns.kind: 'paid' is none of adjustment"),
        ("{constant: completed}", "{constant: done}", "line 9, columns.status: 'done' is none of"),
        ("  amount: {from: Amount, units: minor}\n", "", "columns: amount must be given for psp_transactions"),
        ("units: minor", "units: cents", "line 11, columns.amount.units: input should be 'major', 'minor' or"),
        ("units: minor", "unit: minor", "line 11, columns.amount.unit: is no key that a connector knows"),
        (
            "{from: Amount, units: minor}",
            "{units: minor}",
            "line 11, columns.amount: needs exactly one of from, first, join",
        ),
        ("{from: Amount, units: minor}", "{from: A, constant: '1'}", "published (found from and constant)"),
        ("Europe/Athens", "Athens", "line 12, columns.occurred_at: 'Athens' is no time zone"),
        ("name: example\n", "", "example.yml line 2, name: is missing; add it"),
        ("columns:\n", "columns: [\n", "is no YAML"),
    ],
)
def test_each_mistake_in_a_yaml_is_told_with_line_key_and_remedy(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    assert old in VALID
    with pytest.raises(WrongYaml, match=re.escape(sentence)):
        made(tmp_path, VALID.replace(old, new))


def test_every_mistake_of_a_yaml_is_told_at_once(tmp_path: Path) -> None:
    wrong = VALID.replace("units: minor", "units: cents").replace("time_zone: Europe/Athens", "zone: UTC")
    with pytest.raises(WrongYaml) as caught:
        made(tmp_path, wrong)
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("mt5: {}", "no connector 'mt5'"),
        ("mt5_report: {zone: 120}", "connectors.yml, mt5_report.zone: .* It knows platform, time_zone"),
        ("mt5_report: {time_zone: Mars}", "'Mars' is no time zone"),
        ("mt5_report: {platform: [1]}", "mt5_report.platform"),
        ("checkout_payouts: {x: 1}", "no settings"),
        ("- a", "must map connectors"),
        ("a: [", "no readable YAML"),
    ],
)
def test_wrong_settings_are_told_with_their_key(tmp_path: Path, settings: str, sentence: str) -> None:
    from ingestion.connectors import connectors

    path = tmp_path / "connectors.yml"
    path.write_text(settings)
    with pytest.raises(WrongSettings, match=sentence):
        configured(connectors(), path)


def test_settings_reach_their_connector_and_no_other(tmp_path: Path) -> None:
    from ingestion.connectors import connectors

    path = tmp_path / "connectors.yml"
    assert configured(connectors(), path) is connectors()
    path.write_text("mt5_report: {time_zone: +120 eu}\nadyen_settlement: {bank_accounts: {USD: US-1}}\n")
    known = configured(connectors(), path)
    assert known["mt5_report"].time_zone == "+120 eu"  # type: ignore[attr-defined]
    assert known["adyen_settlement"].bank_accounts == {"USD": "US-1"}  # type: ignore[attr-defined]
    assert known["camt053"] is connectors()["camt053"]
