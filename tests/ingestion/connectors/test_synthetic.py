"""Systems without a sample, on files made from their description (each named synthetic), and the signatures of webhooks."""

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path

from ingestion.connectors import connectors, guess, nuvei, onfido, stripe_objects, veriff
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.samples import sample

UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-03-01T00:00:00Z"><INDIVIDUALS><INDIVIDUAL><DATAID>6908555</DATAID><VERSIONNUM>1</VERSIONNUM>
<FIRST_NAME>RI</FIRST_NAME><SECOND_NAME>WON HO</SECOND_NAME><UN_LIST_TYPE>DPRK</UN_LIST_TYPE><REFERENCE_NUMBER>KPi.033</REFERENCE_NUMBER>
<NATIONALITY><VALUE>Democratic People's Republic of Korea</VALUE></NATIONALITY>
<INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>R. WON</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1964-07-17</DATE></INDIVIDUAL_DATE_OF_BIRTH></INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY><DATAID>110403</DATAID><FIRST_NAME>AL RASHID TRUST</FIRST_NAME></ENTITY></ENTITIES></CONSOLIDATED_LIST>"""
UK = (
    "Last Updated,01/03/2026\nName 6,Name 1,Name 2,Name 3,Name 4,Name 5,Country,Group Type,Alias Type,Regime,Listed On,Last Updated,Group ID\n"
    "DOE,John,,,,,Cyprus,Individual,Primary name,Russia,01/02/2022,28/02/2026,14001\n"
)
EU = (
    "fileGenerationDate;Entity_LogicalId;Entity_SubjectType;NameAlias_LogicalId;NameAlias_WholeName;Entity_Regulation_Programme;"
    "Address_LogicalId;BirthDate_LogicalId;Identification_LogicalId\n01/03/2026;13;P;17;John Doe;RUS;;;\n"
)
SGML = """OFXHEADER:100
DATA:OFXSGML
VERSION:102

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>1<ACCTID>77<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260305<TRNAMT>12,50<FITID>a<NAME>A &amp; B<MEMO>W-1</STMTTRN>
<STMTTRN><TRNTYPE>FEE<DTPOSTED>20260306<TRNAMT>-2.50<FITID>b</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>110.00<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""
UNTRIED = {"veriff", "un_consolidated", "eu_consolidated", "uk_consolidated", "ewallet_statement"}


def made(connector: str, path: Path, text: str) -> list[tuple[str, dict]]:
    path.write_text(text)
    assert [one.name for one in guess(path)] == [connector]
    batches = [(batch, judge(FEEDS[batch.feed], batch)) for batch in connectors()[connector].read(path)]
    assert [bad.rules for _, judged in batches for bad in judged.bad] == []
    return [(batch.feed, row) for batch, judged in batches for row in judged.good.to_dicts()]


def test_what_was_never_tried_on_a_real_file_says_so_in_every_load(tmp_path: Path) -> None:
    assert {name for name, one in connectors().items() if getattr(one, "untried", False)} >= UNTRIED
    path = tmp_path / "synthetic.xml"
    path.write_text(UN)
    (batch,) = connectors()["un_consolidated"].read(path)
    assert "never tried on a real file" in batch.remarks[0]


def test_a_synthetic_un_list_gives_individuals_with_aliases_and_entities(tmp_path: Path) -> None:
    (_, person), (_, entity) = made("un_consolidated", tmp_path / "synthetic.xml", UN)
    assert (person["name"], person["aliases"], str(person["birth_date"])) == ("RI WON HO", ["R. WON"], "1964-07-17")
    assert str(person["valid_from"])[:10] == "2026-03-01"
    assert (entity["kind"], entity["name"]) == ("entity", "AL RASHID TRUST")


def test_synthetic_eu_and_uk_lists_are_read_by_their_yaml(tmp_path: Path) -> None:
    ((_, uk),) = made("uk_consolidated", tmp_path / "synthetic-2026-02-28.csv", UK)
    assert (uk["name"], uk["kind"], str(uk["valid_from"])[:10]) == ("John DOE", "individual", "2026-02-28")
    ((_, eu),) = made("eu_consolidated", tmp_path / "synthetic-eu.csv", EU)
    assert (eu["name"], eu["kind"], eu["entry_id"], str(eu["valid_from"])[:10]) == (
        "John Doe",
        "individual",
        "13:17",
        "2026-03-01",
    )


def test_synthetic_veriff_decisions_and_steps(tmp_path: Path) -> None:
    decision = {
        "status": "success",
        "verification": {
            **{
                "id": "v",
                "code": 9102,
                "status": "declined",
                "reason": "Document not readable",
                "reasonCode": 201,
                "attemptId": "a",
            },
            **{
                "vendorData": "C-1",
                "decisionTime": "2026-03-01T10:00:00.000Z",
                "document": {"type": "PASSPORT", "country": "CY"},
            },
        },
    }
    (_, check), (_, status) = made("veriff", tmp_path / "synthetic.json", json.dumps(decision))
    assert (check["client_id"], check["check"], check["result"], check["reason_codes"]) == (
        "C-1",
        "identity",
        "fail",
        ["201"],
    )
    assert status["to_status"] == "REJECTED"
    step = {"id": "v", "attemptId": "a", "feature": "selfid", "code": 7002, "action": "submitted", "vendorData": "C-1"}
    ((_, submitted),) = made("veriff", tmp_path / "synthetic-step.json", json.dumps(step))
    assert submitted["to_status"] == "SUBMITTED"


SYNTHETIC_JUMIO_FORM = (
    "callBackType=NETVERIFYID&jumioIdScanReference=j-1&verificationStatus=DENIED_FRAUD&idScanStatus=ERROR&idType=PASSPORT&idCountry=USA"
    "&idExpiry=2030-01-31&rejectReason=%7B%22rejectReasonCode%22%3A%22102%22%2C%22rejectReasonDescription%22%3A%22PHOTOCOPY%22%7D"
    "&identityVerification=%7B%22similarity%22%3A%22MATCH%22%2C%22validity%22%3A%22FALSE%22%7D&customerId=C1"
    "&callbackDate=2026-03-02T09%3A00%3A00.000Z"
)


def test_a_synthetic_callback_of_jumio_is_a_form_with_json_inside_and_a_workflows_end_is_a_note(tmp_path: Path) -> None:
    (_, check), (_, status), (_, face) = made("jumio", tmp_path / "synthetic.txt", SYNTHETIC_JUMIO_FORM)
    assert (check["client_id"], check["result"], check["reason_codes"]) == ("C1", "fail", ["PHOTOCOPY"])
    document = (check["document_type"], check["document_country"], str(check["document_expires_on"]))
    assert document == ("PASSPORT", "USA", "2030-01-31")
    assert (status["to_status"], face["check"], face["result"]) == ("REJECTED", "liveness", "fail")
    said = {"callbackSentAt": "2026-03-02T09:00:00.000Z", "userReference": "C1"}
    ended = json.dumps(said | {"workflowExecution": {"id": "w", "status": "PROCESSED"}})
    ((_, note),) = made("jumio", tmp_path / "synthetic-end.txt", ended)
    assert (note["event"], note["client_id"], note["event_id"]) == ("note", "C1", "w:PROCESSED")


def test_a_synthetic_ofx_of_version_1_whose_tags_have_no_ends(tmp_path: Path) -> None:
    (_, head), *lines = made("ofx", tmp_path / "synthetic.ofx", SGML)
    assert (head["opening_balance"], head["closing_balance"]) == (Decimal(100), Decimal(110))
    assert [(row["amount"], row["kind"], row["counterparty_name"]) for _, row in lines] == [
        (Decimal("12.5"), "receipt", "A & B"),
        (Decimal("-2.5"), "bank_fee", None),
    ]


def test_onfidos_signatures_prove_the_exact_bytes_and_no_others() -> None:
    folder = sample("kyc", "onfido", "onfido-python")
    for name in ("check_completed", "workflow_task_started"):
        body = (folder / f"{name}.raw.json").read_bytes()
        said = json.loads((folder / f"{name}.signature.json").read_text())
        header, secret = said["signature_hex_hmac_sha256_of_raw_body"], said["secret_token"]
        assert onfido.verify_signature(body, header, secret)
        assert not onfido.verify_signature(json.dumps(json.loads(body)).encode(), header, secret)
        assert not onfido.verify_signature(body, header, "")


def test_stripes_signature_holds_for_five_minutes_and_for_these_bytes() -> None:
    body, secret = b'{"id": "evt_1"}', "whsec"
    sealed = hmac.new(secret.encode(), b"1000." + body, hashlib.sha256).hexdigest()
    header = f"t=1000,v1={sealed}"
    assert stripe_objects.verify_signature(body, header, secret, now=1299)
    assert not stripe_objects.verify_signature(body, header, secret, now=1301)
    assert not stripe_objects.verify_signature(body + b" ", header, secret, now=1000)


def test_veriffs_and_nuveis_seals() -> None:
    body = b"{}"
    assert veriff.verify_signature(body, hmac.new(b"s", body, hashlib.sha256).hexdigest().upper(), "s")
    assert not veriff.verify_signature(body, "0" * 64, "s")
    names = {
        "totalAmount": "1",
        "currency": "EUR",
        "responseTimeStamp": "t",
        "PPP_TransactionID": "p",
        "Status": "APPROVED",
        "productId": "x",
    }
    sealed = hashlib.sha256(b"secret1EURtpAPPROVEDx").hexdigest()
    assert nuvei.verify_checksum({**names, "advanceResponseChecksum": sealed}, "secret")
    assert not nuvei.verify_checksum({**names, "totalAmount": "2", "advanceResponseChecksum": sealed}, "secret")
