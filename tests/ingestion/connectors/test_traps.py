"""The traps that cut across systems (formats.md, 9), each on the payment, bank, identification, CRM and list files that it bites in."""

import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestion.connectors import connectors
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.samples import sample

STRIPE = "balance_transaction_id,reporting_category,source_id,currency,gross,fee,net,created\n"
ACCOUNTING = (
    "Psp Reference,Merchant Reference,Booking Date,TimeZone,Record Type,Modification Psp Reference,Main Currency,Main Amount,"
    "Settlement Currency,Payable (SC),Commission (SC),Markup (SC),Scheme Fees (SC),Interchange (SC),Processing Fee Currency,Processing Fee (FC)\n"
)


def made(connector: str, path: Path, text: str | bytes | None = None) -> list[tuple[str, dict]]:
    """(feed, good row) of a file, in order."""
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [
        (batch.feed, row)
        for batch in connectors()[connector].read(path)
        for row in judge(FEEDS[batch.feed], batch).good.to_dicts()
    ]


def remarks(connector: str, path: Path) -> str:
    return " | ".join(remark for batch in connectors()[connector].read(path) for remark in batch.remarks)


def test_trap_1_zones_by_abbreviation_follow_daylight_saving_by_their_own_name(tmp_path: Path) -> None:
    line = "P1,M,2026-07-01 12:00:00,{},Received,,EUR,10,,,,,,,,\n"
    moments = [
        made("adyen_accounting", tmp_path / "a.csv", ACCOUNTING + line.format(zone))[0][1]["occurred_at"].hour
        for zone in ("CET", "CEST", "PDT", "PST", "HKT")
    ]
    assert moments == [11, 10, 19, 20, 4]


def test_trap_2_minor_major_and_text_units_and_currencies_without_cents(tmp_path: Path) -> None:
    webhook = {
        "eventCode": "CHARGEBACK",
        "pspReference": "P",
        "merchantAccountCode": "M",
        "eventDate": "2026-01-01T00:00:00+01:00",
    }
    for currency, value, expected in (("EUR", 200, "2"), ("JPY", 200, "200"), ("KWD", 2000, "2")):
        body = webhook | {"amount": {"currency": currency, "value": value}, "success": "true"}
        ((_, row),) = made("adyen_webhook", tmp_path / "a.json", json.dumps(body))
        assert row["amount"] == Decimal(expected)
    ((_, yen),) = made("paypal_report", sample("paypal", "smashpig", "trr_express_checkout_donation.csv"))
    assert (yen["currency"], yen["amount"], yen["fee_amount"]) == ("JPY", Decimal(150), Decimal(43))
    ((_, coin),) = made("fireblocks", sample("fireblocks", "transaction_status_updated_v1.json"))
    assert coin["amount"] == Decimal("0.01")
    ((_, bitcoin),) = made("coinspaid", sample("coinspaid", "deposit_btc.json"))
    assert bitcoin["amount"] == Decimal("6.53157512")


def test_trap_2_an_amount_that_json_wrote_as_a_number_stays_exact(tmp_path: Path) -> None:
    body = json.loads(sample("fireblocks", "transaction_status_updated_v1.json").read_text())
    del body["data"]["amountInfo"], body["data"]["feeInfo"]
    text = json.dumps(body).replace('"amount": 0.01', '"amount": 0.10000001')
    ((_, row),) = made("fireblocks", tmp_path / "a.json", text)
    assert row["amount"] == Decimal("0.10000001")


def test_trap_3_a_fee_that_costs_is_positive_whatever_its_source_writes(tmp_path: Path) -> None:
    ((_, stripe),) = made(
        "stripe_balance", tmp_path / "s.csv", f"{STRIPE}t,charge,ch,usd,30.00,1.20,28.80,2026-01-01\n"
    )
    paypal = [row for _, row in made("paypal_activity", sample("paypal", "oca", "activity_en.csv"))]
    back = [row for _, row in made("paypal_report", sample("paypal", "smashpig", "stl.csv")) if row["kind"] == "refund"]
    assert (stripe["fee_amount"], paypal[0]["fee_amount"]) == (Decimal("1.20"), Decimal("4.25"))
    assert [row["fee_amount"] for row in back] == [Decimal("-0.47")]


def test_trap_3_a_reversal_of_a_credit_takes_money_and_of_a_debit_gives_it(tmp_path: Path) -> None:
    text = (
        ":20:X\n:25:DE1\n:28C:1\n:60F:C260101EUR10,\n:61:260101RC5,NTRFA\n:61:260101RDR2,5NTRFB\n:62F:C260101EUR7,5\n"
    )
    lines = [row for feed, row in made("mt940", tmp_path / "a.sta", text) if feed == "bank_statement_lines"]
    assert [(row["amount"], json.loads(row["_extra"])["is_reversal"]) for row in lines] == [
        (-5, "true"),
        (Decimal("2.5"), "true"),
    ]
    assert remarks("mt940", tmp_path / "a.sta") == ""


def test_trap_4_a_chargeback_after_the_payout_is_an_event_of_its_own_that_names_its_payment() -> None:
    ((_, row),) = made("adyen_webhook", sample("adyen", "smashpig", "ipn_Chargeback_ACH.json"))
    assert (row["kind"], row["status"], row["original_psp_txn_id"]) == ("chargeback", "completed", "ABCD9XH3TW43B769")
    assert row["psp_txn_id"] != row["original_psp_txn_id"]


def test_trap_5_a_webhook_delivered_twice_is_one_event() -> None:
    rows = [made("adyen_webhook", sample("adyen", "smashpig", "ipn_Capture.json"))[0][1] for _ in range(2)]
    assert rows[0] == rows[1]


def test_trap_6_a_refund_whose_payment_is_in_another_file_loads_with_its_reference() -> None:
    ((_, row),) = made("dlocal_report", sample("dlocal", "smashpig", "refund.csv"))
    assert (row["kind"], row["original_psp_txn_id"], row["client_reference"]) == ("refund", "7654321", "314159265.0")


@pytest.mark.parametrize(("text", "value"), [("15,", "15"), ("0000001000,5", "1000.5"), ("4711", "4711")])
def test_trap_7_numbers_as_banks_write_them(text: str, value: str, tmp_path: Path) -> None:
    statement = f":20:X\n:25:DE1\n:28C:1\n:60F:C260101EUR0,\n:61:260101C{text}NTRFA\n:62F:C260101EUR{text}\n"
    ((_, _), (_, line)) = made("mt940", tmp_path / "a.sta", statement)
    assert line["amount"] == Decimal(value)


def test_trap_7_thousands_and_nulls_of_other_makes() -> None:
    rows = [row for _, row in made("paypal_activity", sample("paypal", "oca", "activity_en.csv"))]
    assert rows[3]["amount"] == Decimal("1653.75")
    entries = [row for _, row in made("ofac_sdn", sample("ofac", "small", "add.csv"))]
    assert entries[0]["country"] is None


def test_trap_8_footings_that_lie_are_said_and_nothing_is_refused() -> None:
    assert "net is not gross - fee" in remarks("stripe_balance", sample("stripe", "smashpig", "settlement_report.csv"))
    assert "the footer states 134" in remarks("paypal_report", sample("paypal", "smashpig", "stl.csv"))
    assert "the L line counts 146 items" in remarks(
        "trustly", next(sample("trustly", "smashpig").glob("P11KFUN*0001of0001.csv"))
    )
    assert "difference -2038" in remarks("mt940", sample("mt940", "jejik", "abnamro.txt"))


def test_trap_9_a_doubled_column_two_headers_and_a_shorter_row() -> None:
    ((_, row),) = made(
        "adyen_accounting", sample("adyen", "smashpig", "payments_accounting_report_gravy_chargeback.csv")
    )
    assert (row["currency"], row["amount"], row["fee_amount"]) == ("USD", Decimal("1.75"), Decimal("7.99"))
    assert json.loads(row["_extra"])["Settlement Currency (2)"] == "USD"
    feeds = made("dlocal_settlement", sample("dlocal", "smashpig", "Wikimedia_Settlement_Reports_20260110.csv"))
    assert [row["kind"] for _, row in feeds] == ["settlement", "adjustment", *["deposit"] * 4, "fee"]


def test_trap_9_columns_in_another_order_and_fewer_of_them_give_the_same_row(tmp_path: Path) -> None:
    whole = pl.read_csv(sample("stripe", "smashpig", "payments_activity.csv"), infer_schema=False)
    fewer = whole.select(
        "net", "fee", "gross", "currency", "created", "source_id", "reporting_category", "balance_transaction_id"
    )
    (_, one), _ = made("stripe_balance", tmp_path / "a.csv", whole.write_csv())
    (_, other), _ = made("stripe_balance", tmp_path / "b.csv", fewer.write_csv())
    for name in ("event_id", "psp_txn_id", "kind", "amount", "currency", "fee_amount", "occurred_at"):
        assert one[name] == other[name]


def test_trap_10_our_own_reference_is_taken_from_where_each_system_hides_it() -> None:
    references = {
        "praxis": sample("praxis", "notification_sale_approved_v1.3.json"),
        "coinspaid": sample("coinspaid", "withdrawal_btc.json"),
        "nuvei": sample("nuvei", "dmn_querystrings.txt"),
    }
    found = {name: made(name, path)[0][1]["client_reference"] for name, path in references.items()}
    assert found == {"praxis": "test-1560610955", "coinspaid": "10", "nuvei": "Leverate Multi"}


def test_trap_11_latin_1_bom_and_control_bytes_are_read_and_said() -> None:
    assert "Latin-1" in remarks("mt940", sample("mt940", "wolph", "self-provided__raiffeisen-cmi.sta"))
    assert "control characters" in remarks("mt940", sample("mt940", "wolph", "mBank__mt940.sta"))
    assert made("paypal_report", sample("paypal", "wmf-crm", "STL-20260106.01.009.csv"))[0][1]["psp_txn_id"] == "81X4"


def test_trap_12_a_person_with_two_ids_of_one_object_is_one(tmp_path: Path) -> None:
    text = "id,account_id,last_modified_date,mailing_country,master_record_id,reports_to_id,first_name,last_name,email,title,owner_id\n"
    row = "{},0011G,2026-01-01,CY,,,A,B,a@b.cy,x,o\n"
    short, long = "0031G00000rfAvu", "0031G00000rfAvuQAE"
    clients = [
        made("salesforce_contacts", tmp_path / "c.csv", text + row.format(one))[0][1]["client_id"]
        for one in (short, long)
    ]
    assert clients == [long, long]


def test_an_entry_date_is_of_the_year_that_brings_it_nearest_and_the_30th_of_february_is_its_last_day(
    tmp_path: Path,
) -> None:
    text = ":20:X\n:25:DE1\n:28C:1\n:60F:C251231EUR0,\n:61:2512310102C1,NTRFA\n:61:2601021231C1,NTRFB\n:61:2602300301C1,NTRFC\n:62F:C260301EUR3,\n"
    lines = [row for feed, row in made("mt940", tmp_path / "a.sta", text) if feed == "bank_statement_lines"]
    assert [(str(row["value_on"]), str(row["booked_on"])) for row in lines] == [
        ("2025-12-31", "2026-01-02"),
        ("2026-01-02", "2025-12-31"),
        ("2026-02-28", "2026-03-01"),
    ]


def test_an_interim_report_gives_lines_that_are_marked_and_no_statement() -> None:
    rows = made("mt940", sample("mt940", "wolph", "self-provided__mt942.sta"))
    assert [(feed, row["is_interim"], row["amount"], row["currency"]) for feed, row in rows] == [
        ("bank_statement_lines", True, Decimal("-0.42"), "EUR")
    ]


def test_merges_and_soft_deletes_of_a_crm_are_events_of_their_own() -> None:
    rows = made("hubspot_contacts", sample("crm", "hubspot_fivetran_seed", "contact_data.csv"))
    merged = [
        (row["object_id"], row["other_id"]) for feed, row in rows if feed == "crm_events" and row["event"] == "merged"
    ]
    assert merged == [("76340251", "78971951"), ("46897301", "78971951"), ("76226001", "78971951")]
    accounts = made("salesforce_accounts", sample("crm", "salesforce_fivetran_seed", "sf_account_data.csv"))
    assert {row["event"] for feed, row in accounts if feed == "crm_events"} == {"deleted", "merged"}
    tickets = made("zendesk_tickets", sample("crm", "zendesk_fivetran_seed", "ticket_data.csv"))
    assert [(row["object_id"]) for feed, row in tickets if feed == "crm_events" and row["event"] == "merged"] == [
        "1967"
    ]


def test_the_sdn_list_keeps_aliases_addresses_and_births(tmp_path: Path) -> None:
    dated = tmp_path / "sdn_2026-03-02.csv"
    dated.write_bytes(sample("ofac", "small", "sdn.csv").read_bytes())
    rows = {row["entry_id"]: row for _, row in made("ofac_sdn", dated)}
    assert str(rows["10278"]["birth_date"]) == "1963-07-28"
    assert rows["10278"]["aliases"] == ["BURTON BURGESS"]
    assert str(rows["10278"]["valid_from"])[:10] == "2026-03-02"
    assert json.loads(rows["11195"]["attributes"])["programs"] == ["NPWMD", "IFSR", "IRAN-CON-ARMS-EO"]
    aliases = [row for _, row in made("ofac_sdn", sample("ofac", "small", "alt.csv"))]
    assert (aliases[0]["entry_id"], aliases[0]["name"]) == ("10416:alt:10278", "KARADH AL-HASSAN")
