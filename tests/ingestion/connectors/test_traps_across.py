"""The traps that cut across systems (formats.md, 9), where they lie between systems, loads or platforms rather than in one connector."""

import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.connectors import guess
from ingestion.connectors.base import BadFile
from ingestion.connectors.camt053 import CONNECTOR as CAMT
from ingestion.connectors.mt4_raw_report import CONNECTOR as RAW_REPORT
from ingestion.connectors.mt4_sql import Mt4Sql
from tests.ingestion.connectors.samples import sample
from tests.ingestion.connectors.test_mt_platforms import database, rows, trade
from tests.ingestion.connectors.test_traps import made, remarks
from tests.ingestion.landing import Landing, as_csv, deal

SYNTHETIC_SPANISH = """Fecha,Hora,Zona horaria,Descripción,Divisa,Bruto ,Comisión ,Neto,Saldo,Id. de transacción,Nombre,\
Id. de factura,Id. de referencia de trans.
"1/7/2025",15:37:32,Europe/Berlin,Pago con Pago exprés,EUR,"160,71","-5,01","155,70","606,37",T1,V. S.,F1,
"29/7/2025",09:23:05,Europe/Berlin,Retirada iniciada por el usuario,EUR,"-4.000,00","0,00","-4.000,00","366,11",T2,,,
"3/9/2025",03:20:51,Europe/Berlin,Reembolso de pago,EUR,"-92,88","0,25","-92,63","273,48",T3,,,T1
"3/9/2025",03:20:51,Europe/Berlin,Conversión de divisas general,EUR,"28,00","0,00","28,00","301,48",T4,,,
"""
GREEN, RED = (
    {"reviewAnswer": "GREEN"},
    {"reviewAnswer": "RED", "reviewRejectType": "FINAL", "rejectLabels": ["SANCTIONS"]},
)


def test_trap_1_the_day_of_a_deal_a_settlement_and_a_check_is_the_same_day_of_utc(tmp_path: Path) -> None:
    """One moment, 1 July 22:30 UTC: the 2nd on the server and in Cyprus, the 1st in California."""
    night = {"open": "2026-07-02 01:30:00", "close": "2026-07-02 01:30:00"}
    deals = rows(Mt4Sql(time_zone="+120 us").read(database(tmp_path, trade(92, **night))))
    report = (
        "CH,Transaction ID,Transaction Event Code,Transaction Completion Date,Transaction Debit or Credit,"
        "Gross Transaction Amount,Gross Transaction Currency\n"
    )
    ((_, payment),) = made(
        "paypal_report", tmp_path / "p.csv", report + "SB,T1,T0006,2026/07/01 15:30:00 -0700,CR,1000,USD\n"
    )
    body = {"applicantId": "A", "externalUserId": "C", "type": "applicantReviewed", "reviewResult": GREEN}
    events = made("sumsub", tmp_path / "k.json", json.dumps(body | {"createdAtMs": "2026-07-01 22:30:00.000"}))
    moments = [
        str(deals["185"]["executed_at"]).replace("T", " "),
        str(payment["occurred_at"])[:19],
        str(events[0][1]["occurred_at"])[:19],
    ]
    assert moments == ["2026-07-01 22:30:00"] * 3


def test_trap_2_lots_of_both_platforms_are_lots_and_cents_are_hundredths(tmp_path: Path) -> None:
    mt4 = rows(Mt4Sql(time_zone=0, cent_logins=["700"]).read(database(tmp_path, trade(92, volume=100))))
    (mt5,) = [
        row for _, row in made("mt5_webapi", sample("mt5", "webapi", "deal_get_page.json")) if row["deal_id"] == 19090
    ]
    assert (Decimal(mt4["185"]["volume_lots"]), mt4["185"]["profit"]) == (1, "0.378")
    assert mt5["volume_lots"] == Decimal("0.25")


def test_trap_4_a_client_who_was_approved_is_rejected_later_and_both_stay(landing: Landing) -> None:
    for number, (answer, moment) in enumerate(((RED, "2026-03-02 11:00:00.000"), (GREEN, "2026-03-01 10:00:00.000"))):
        body = {"applicantId": "A", "externalUserId": "C", "type": "applicantReviewed", "createdAtMs": moment}
        landing.load(
            f"sumsub/{number}.json", json.dumps(body | {"reviewResult": answer}).encode()
        )  # the newer one comes first
    stands = "select to_status from raw.kyc_events where event = 'status_changed' order by occurred_at"
    assert landing.rows(stands) == [("APPROVED",), ("REJECTED",)]


def test_trap_5_two_statements_that_overlap_give_each_deal_once(landing: Landing) -> None:
    whole = sample("mt4", "lab2acs_Statement.htm")
    (first, *_) = landing.ingest(whole, connector="mt4_statement")
    again = whole.read_text(encoding="utf-8").replace("<b>Closed Transactions:</b>", "<b>Closed Transactions:</b> ")
    outcomes = landing.ingest(landing.put("mt4_statement/again.htm", again.encode()))
    deals = [one for one in outcomes if one.feed == "deals"]
    assert [(one.rows_loaded, one.rows_duplicate) for one in deals] == [(0, first.rows_loaded)]


def test_trap_6_a_deal_whose_login_is_gone_and_a_settlement_without_its_payment_load(landing: Landing) -> None:
    landing.load("deals/a.csv", as_csv([deal(login="999999")]))
    outcomes = landing.ingest(sample("paypal", "smashpig", "stl_chargeback_with_fee.csv"), guess=True)
    assert [(one.rows_loaded > 0, one.rows_quarantined) for one in outcomes] == [(True, 0)]
    assert landing.one("select count(*) from raw.deals where login = 999999") == 1
    assert landing.one("select count(*) from raw.psp_transactions where original_psp_txn_id is not null") > 0


def test_trap_7_spanish_numbers_dates_and_headers_are_read_as_they_are_meant(tmp_path: Path) -> None:
    path = tmp_path / "spanish.csv"
    found = [row for _, row in made("paypal_statement_es", path, SYNTHETIC_SPANISH)]
    assert [connector.name for connector in guess(path)] == ["paypal_statement_es"]
    told = [
        (row["kind"], row["amount"], row["fee_amount"], row["direction"], str(row["occurred_at"])[:16]) for row in found
    ]
    assert told == [
        ("deposit", Decimal("160.71"), Decimal("5.01"), "in", "2025-07-01 13:37"),
        ("settlement", Decimal(4000), Decimal(0), "out", "2025-07-29 07:23"),
        ("refund", Decimal("92.88"), Decimal("-0.25"), "out", "2025-09-03 01:20"),
        ("adjustment", Decimal(28), Decimal(0), "in", "2025-09-03 01:20"),
    ]
    assert found[2]["original_psp_txn_id"] == "T1"
    assert "never confirmed on a real file" in remarks("paypal_statement_es", path)
    wrong = SYNTHETIC_SPANISH.replace('"155,70"', '"155,71"')
    assert "Neto is not Bruto + Comisión" in remarks("paypal_statement_es", write(tmp_path / "w.csv", wrong))
    activity = SYNTHETIC_SPANISH.replace("Descripción", "Tipo,Estado").replace("exprés,", "exprés,Completado,")
    (_, first), *_ = made("paypal_activity_es", tmp_path / "a.csv", "".join(activity.splitlines(keepends=True)[:2]))
    assert (first["status"], first["amount"], first["event_id"]) == ("completed", Decimal("160.71"), "T1:Completado")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_trap_9_lines_above_the_header_and_below_the_rows_are_no_rows() -> None:
    path = sample("mt4", "kvb", "KVB_MT4_RawReport_2026-10-04.csv")
    found = rows(RAW_REPORT.read(path))
    assert found and all(row["login"] for row in found.values())
    assert "the report's total 38232.81" in remarks("mt4_raw_report", path)


def test_trap_10_a_comment_cut_at_its_31st_byte_keeps_what_is_left_of_the_reference(tmp_path: Path) -> None:
    cut = "CRM-D-1003616 депозит через карт"[:31]
    found = rows(Mt4Sql(time_zone=0).read(database(tmp_path, trade(92, cmd=6, comment=cut))))
    assert (found["184"]["comment"], found["184"]["reference"]) == (cut, "CRM-D-1003616")


def test_trap_11_chinese_comments_and_utf_16_parts_are_text(tmp_path: Path) -> None:
    found = rows(Mt4Sql(time_zone=0).read(database(tmp_path, trade(92, comment="马丁 EA#3"))))
    assert found["185"]["comment"] == "马丁 EA#3"
    with zipfile.ZipFile(sample("mt5", "ReportHistory_wizard.xlsx")) as parts:
        assert any(parts.read(name).startswith(b"\xff\xfe<\x00") for name in parts.namelist())  # it is such a file
    assert made("mt5_report", sample("mt5", "ReportHistory_wizard.xlsx"))


def test_trap_12_the_same_login_and_deal_on_two_servers_are_two(landing: Landing) -> None:
    landing.load("deals/a.csv", as_csv([deal(platform=name) for name in ("mt5-live", "mt5-demo", "mt4-live")]))
    assert landing.rows("select count(*), count(distinct login), count(distinct deal_id) from raw.deals") == [(3, 1, 1)]


def camt(*names: str) -> list[bytes]:
    return [sample("camt053", "genkgo", name).read_bytes() for name in names]


def archived(path: Path, *files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_statements_in_a_zip_archive_load_as_they_would_alone(tmp_path: Path, method: int) -> None:
    one, other = camt("camt053.v2.minimal.xml", "camt053.v4.xml")
    path = archived(tmp_path / "day.zip", ("b.xml", other), ("a.xml", one), ("readme.txt", b"hello"), method=method)
    assert CAMT.recognises(path, path.read_bytes()[:65536])
    alone = [
        list(CAMT.read(write_bytes(tmp_path / f"{name}.xml", content))) for name, content in (("a", one), ("b", other))
    ]
    together = list(CAMT.read(path))
    assert [batch.rows.drop("_row_number").to_dicts() for batch in together] == [
        batch.rows.drop("_row_number").to_dicts() for batches in alone for batch in batches
    ]


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_zip_archive_that_is_damaged_empty_or_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = camt("camt053.v2.minimal.xml")
    good = archived(tmp_path / "a.zip", ("a.xml", one)).read_bytes()
    monkeypatch.setattr("ingestion.connectors.xml_documents.MAX_BYTES", 100_000)
    cases = {
        "is damaged": write_bytes(tmp_path / "cut.zip", good[: len(good) // 2]),
        "holds no XML": archived(tmp_path / "none.zip", ("a.txt", b"x")),
        "unpacks to more": archived(tmp_path / "bomb.zip", ("a.xml", one), ("b.xml", b" " * 200_000)),
        "b.xml in mixed.zip is not well-formed": archived(tmp_path / "mixed.zip", ("a.xml", one), ("b.xml", b"<a>")),
    }
    for said, path in cases.items():
        with pytest.raises(BadFile, match=said):
            list(CAMT.read(path))


def test_mt4_stamps_of_utc_check_the_servers_clock_and_tell_it_where_nothing_else_does(tmp_path: Path) -> None:
    """The record was closed at 12:00 on the server and stamped 10:00 UTC."""
    path = database(tmp_path, *(trade(number, timestamp=1772445600) for number in range(90, 94)))
    fits, off, told = (list(Mt4Sql(time_zone=zone).read(path)) for zone in (120, 0, None))
    assert [remark for batch in fits for remark in batch.remarks] == []
    assert (
        "4 of 4 rows lie +120 minutes beside their own stamp with the clock assumed (0): check time_zone"
        in off[-1].remarks
    )
    assert rows(told)["185"]["executed_at"] == "2026-03-02T10:00:00"
    assert "120 estimated from the rows' stamps" in told[0].remarks[0]
