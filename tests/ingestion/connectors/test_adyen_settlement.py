"""Adyen's settlement detail report, on genuine and hand-edited files."""

import hashlib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.connectors.adyen_settlement import CONNECTOR, AdyenSettlement
from ingestion.connectors.base import BadFile
from tests.ingestion.connectors.samples import sample

CRM = ("adyen", "wmf-crm")
FIRST = "batch_1__settlement_detail_report_batch_1128.csv"
SECOND = "batch_2__settlement_detail_report_batch_1129.csv"
COPY = "batch_2__settlement_detail_report_batch_1129-duplicate.csv"


def rows(path: Path, connector: AdyenSettlement = CONNECTOR) -> list[dict[str, object]]:
    return [row for batch in connector.read(path) for row in batch.rows.to_dicts()]


def remarks(path: Path) -> str:
    return " | ".join(remark for batch in CONNECTOR.read(path) for remark in batch.remarks)


@pytest.mark.parametrize(
    ("name", "paid"),
    [
        (FIRST, {"USD": "59.75", "CAD": "9.54"}),
        (SECOND, {"USD": "37.82", "EUR": "28.51"}),
    ],
)
def test_a_batch_pays_out_what_its_other_rows_add_up_to(name: str, paid: dict[str, str]) -> None:
    moved: dict[str, Decimal] = defaultdict(Decimal)
    settled = {}
    for row in rows(sample(*CRM, name)):
        if row["kind"] == "settlement":
            settled[row["currency"]] = row["amount"]
        else:
            moved[str(row["currency"])] += Decimal(str(row["net_amount"]))
    assert settled == paid
    assert moved == {currency: Decimal(amount) for currency, amount in paid.items()}


def test_the_second_delivery_of_batch_1129_is_the_same_file_to_the_byte() -> None:
    digests = {hashlib.sha256(sample(*CRM, name).read_bytes()).hexdigest() for name in (SECOND, COPY)}
    assert len(digests) == 1


def test_a_payment_keeps_its_gross_fees_and_the_moment_it_was_booked() -> None:
    payment = rows(sample(*CRM, FIRST))[2]
    assert (payment["kind"], payment["status"], payment["method"]) == ("deposit", "completed", "card")
    assert (payment["amount"], payment["currency"]) == ("5.35", "USD")
    assert (payment["fee_amount"], payment["direction"]) == ("0.22", "in")
    assert (payment["psp_txn_id"], payment["client_reference"]) == ("3ABCD12345678910", "662717.1")
    assert payment["occurred_at"] == "2025-09-24T16:59:59"  # 09:59:59 PDT


def test_a_chargeback_names_the_payment_it_undoes_and_carries_its_fee() -> None:
    chargeback = next(row for row in rows(sample(*CRM, FIRST)) if row["kind"] == "chargeback")
    assert (chargeback["amount"], chargeback["fee_amount"]) == ("1", "10.65")
    assert (chargeback["psp_txn_id"], chargeback["original_psp_txn_id"]) == ("10CYZ12345678910", "9ABCD12345678910")


def test_a_payment_in_another_currency_is_settled_gross_with_the_shoppers_amount_beside_it() -> None:
    payment = next(row for row in rows(sample(*CRM, FIRST)) if row["gross_currency"] == "NZD")
    assert (payment["amount"], payment["currency"], payment["fee_amount"]) == ("30.88", "USD", "0.46")
    assert (payment["gross_amount"], payment["exchange_rate"]) == ("52", "0.593846153846154")


def test_fees_can_be_credited_on_a_refund() -> None:
    refund = next(
        row
        for row in rows(sample(*CRM, "refund_credit_fee__settlement_detail_report_batch.csv"))
        if row["kind"] == "refund"
    )
    assert (refund["amount"], refund["fee_amount"], refund["net_amount"]) == ("55", "-5", "-50")


def test_a_reversed_chargeback_and_a_reversed_refund_come_back_in() -> None:
    reversal = rows(sample(*CRM, "chargeback_reversal__settlement_detail_report_batch_1120.csv"))[2]
    assert (reversal["kind"], reversal["direction"], reversal["original_psp_txn_id"]) == (
        "chargeback_reversal",
        "in",
        "1234893193133131",
    )
    refund = rows(sample(*CRM, "refunded_reversal__settlement_detail_report_batch_1120.csv"))[2]
    assert (refund["kind"], refund["direction"], refund["amount"]) == ("adjustment", "in", "5")


def test_corrections_and_balance_transfers_move_the_balance_either_way() -> None:
    corrections = rows(sample("adyen", "smashpig", "settlement_detail_report_deposit_correction.csv"))
    assert [(row["kind"], row["direction"], row["amount"]) for row in corrections] == [
        ("adjustment", "out", "500"),
        ("adjustment", "in", "300"),
    ]
    moved = rows(sample("adyen", "oca", "settlement_detail_report_batch_238.csv"))
    assert [(row["kind"], row["direction"]) for row in moved] == [
        ("adjustment", "in"),
        ("fee", "out"),
        ("adjustment", "out"),
    ]


def test_rows_and_batches_that_do_not_add_up_are_remarked_on_and_load() -> None:
    assert "2 row(s) (1, 2): net is not gross less fees" in remarks(sample(*CRM, FIRST))
    assert "debit and credit are both filled" in remarks(sample(*CRM, FIRST))
    wrong = sample("adyen", "smashpig", "settlement_detail_report_chargeback.csv")
    assert "pays out 4.03 USD, its rows add up to -4.8 USD" in remarks(wrong)
    assert len(rows(wrong)) == 3


def test_the_spreadsheet_of_a_batch_gives_the_same_kind_of_rows() -> None:
    path = sample("adyen", "oca", "adyen_test_credit_fees.xlsx")
    batch = rows(path)
    assert len(batch) == 40
    moved = sum(Decimal(str(row["net_amount"])) for row in batch if row["kind"] != "settlement")
    assert moved == Decimal("10506.69")
    assert remarks(path) == ""


def test_references_that_a_spreadsheet_rounded_stay_apart_and_are_remarked_on() -> None:
    path = sample("adyen", "oca", "adyen_test.xlsx")
    assert len({row["event_id"] for row in rows(path)}) == len(rows(path)) == 21
    assert "rounded by a spreadsheet" in remarks(path)


def test_the_event_ids_of_a_file_are_distinct() -> None:
    for path in sorted(sample("adyen").rglob("settlement_detail_report*.csv")):
        events = [row["event_id"] for row in rows(path)]
        assert len(set(events)) == len(events), path.name


def test_columns_in_another_order_change_nothing(tmp_path: Path) -> None:
    lines = [
        line.split(",")
        for line in sample(*CRM, "refunded_reversal__settlement_detail_report_batch_1120.csv").read_text().splitlines()
    ]
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(",".join(reversed(line)) for line in lines) + "\n")
    straight = tmp_path / "straight.csv"
    straight.write_text("\n".join(",".join(line) for line in lines) + "\n")
    assert rows(turned) == rows(straight)


def test_an_unknown_journal_type_and_a_short_line_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    text = sample(*CRM, FIRST).read_text().replace(",InvoiceDeduction,", ",Surprise,")
    path = tmp_path / "report.csv"
    path.write_text(text + "only,three,cells\n")
    (batch,) = CONNECTOR.read(path)
    assert [(bad.row_number, bad.rules[0]) for bad in batch.rejected] == [
        (12, "Type: 'Surprise' is no journal type this connector knows"),
        (16, "has 3 columns where the header has 34"),
    ]
    assert batch.rows.height == 14


def test_a_payout_goes_to_the_bank_account_that_the_settings_name() -> None:
    connector = AdyenSettlement(bank_accounts={"USD": "US-1"})
    settled = {
        row["currency"]: row["bank_account"]
        for row in rows(sample(*CRM, FIRST), connector)
        if row["kind"] == "settlement"
    }
    assert settled == {"USD": "US-1", "CAD": None}


def test_the_accounting_report_is_refused_by_its_name() -> None:
    with pytest.raises(BadFile, match="payments accounting report"):
        list(CONNECTOR.read(sample("adyen", "smashpig", "payments_accounting_report_nyce.csv")))
