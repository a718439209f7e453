"""ISO 20022 statements: signs, batches, balances, and what is refused."""

from pathlib import Path

import pytest

from ingestion.connectors.base import BadFile, Batch
from ingestion.connectors.camt053 import CONNECTOR, Camt053
from tests.ingestion.connectors.samples import sample

TEMPLATE = """<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
<Stmt><Id>S1</Id><Acct><Id><IBAN>GB1</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>{opening}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-01-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-01-02</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<BookgDt><Dt>2026-01-02</Dt></BookgDt>{details}</Ntry>"""
BOOKED = "<Sts>BOOK</Sts>"
BOOKED_V8 = "<Sts><Cd>BOOK</Cd></Sts>"


def statement(
    tmp_path: Path, *entries: str, closing: str = "100", opening: str = "OPBD", version: str = "02"
) -> list[Batch]:
    path = tmp_path / "statement.xml"
    path.write_text(TEMPLATE.format(entries="".join(entries), closing=closing, opening=opening, version=version))
    return list(CONNECTOR.read(path))


def entry(amount: str, side: str, more: str = BOOKED, details: str = "") -> str:
    return ENTRY.format(amount=amount, side=side, more=more, details=details)


def amounts(batches: list[Batch]) -> list[str]:
    return [row["amount"] for batch in batches if batch.feed == "bank_statement_lines" for row in batch.rows.to_dicts()]


def test_a_batch_entry_becomes_one_line_for_each_of_its_transactions() -> None:
    head, lines = CONNECTOR.read(sample("camt053", "oca", "test-camt053-txdtls.xml"))
    assert [(row["line_no"], row["amount"], row["counterparty_account"]) for row in lines.rows.to_dicts()] == [
        ("1", "2187", "CH2222000000123456789"),
        ("2", "1296", "CH3333000000123456789"),
    ]
    assert head.rows.select("bank_account", "opening_balance", "closing_balance", "currency").row(0) == (
        "CH1111000000123456789",
        "75960.15",
        "79443.15",
        "CHF",
    )
    assert head.remarks == ()


def test_a_batch_whose_parts_do_not_add_up_stays_one_line(tmp_path: Path) -> None:
    parts = "".join(f'<TxDtls><Amt Ccy="EUR">{part}</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>' for part in (3, 4))
    batches = statement(tmp_path, entry("10", "CRDT", details=f"<NtryDtls>{parts}</NtryDtls>"), closing="90")
    assert amounts(batches) == ["10"]
    assert "kept as one line" in batches[1].remarks[0]


def test_a_reversal_is_not_turned_round_twice(tmp_path: Path) -> None:
    reversal = "<RvslInd>true</RvslInd>" + BOOKED
    assert amounts(statement(tmp_path, entry("5", "DBIT", reversal), closing="105")) == ["-5"]


def test_the_previous_closing_opens_a_statement_that_has_no_opening(tmp_path: Path) -> None:
    head, _ = statement(tmp_path, entry("5", "CRDT"), closing="95", opening="PRCD")
    assert head.rows["opening_balance"].to_list() == ["-100"]
    assert head.remarks == ()


def test_an_entry_that_is_not_booked_is_set_aside(tmp_path: Path) -> None:
    head, lines = statement(
        tmp_path, entry("5", "CRDT", "<Sts>PDNG</Sts>"), entry("7", "CRDT", BOOKED_V8), closing="93", version="08"
    )
    assert amounts([head, lines]) == ["7"]
    assert lines.rejected[0].rules == ("Sts: 'PDNG' is not booked; only booked entries move a statement's balance",)
    assert lines.rejected[0].row["Amt"] == "5"


def test_the_name_of_the_other_side_is_found_where_version_8_puts_it(tmp_path: Path) -> None:
    party = "<RltdPties><Dbtr><Pty><Nm>PAYER</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>C-17</Ustrd></RmtInf>"
    details = f"<NtryDtls><TxDtls><Refs><EndToEndId>W-9</EndToEndId></Refs>{party}</TxDtls></NtryDtls>"
    _, lines = statement(tmp_path, entry("5", "CRDT", BOOKED_V8, details), closing="95", version="08")
    row = lines.rows.to_dicts()[0]
    assert (row["counterparty_name"], row["reference"], row["kind"]) == ("PAYER", "C-17 W-9", "receipt")


def test_bank_fees_and_own_transfers_are_told_by_code_and_by_settings(tmp_path: Path) -> None:
    code = "<BkTxCd><Domn><Cd>ACMT</Cd><Fmly><Cd>MDOP</Cd><SubFmlyCd>CHRG</SubFmlyCd></Fmly></Domn></BkTxCd>"
    other = "<RltdPties><CdtrAcct><Id><IBAN>GB2</IBAN></Id></CdtrAcct></RltdPties>"
    details = f"<NtryDtls><TxDtls>{other}</TxDtls></NtryDtls>"
    path = tmp_path / "own.xml"
    entries = entry("1", "DBIT", BOOKED + code) + entry("2", "DBIT", details=details)
    path.write_text(TEMPLATE.format(entries=entries, closing="103", opening="OPBD", version="02"))
    head, lines = Camt053(own_accounts=("GB2",), client_money_accounts=("GB1",)).read(path)
    assert lines.rows["kind"].to_list() == ["bank_fee", "own_transfer"]
    assert head.rows["is_client_money"].to_list() == ["true"]


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("genkgo/camt053.v2.five.decimals.xml", "difference 0.05"),
        ("genkgo/camt053.v2.minimal.xml", "closing balance is in SEK"),
        ("genkgo/camt053.v4.xml", "does not foot"),
        ("oca/test-camt053-bookgdt-dttm.xml", "difference 307.1"),
    ],
)
def test_a_statement_that_does_not_foot_loads_and_says_by_how_much(name: str, difference: str) -> None:
    head, lines = CONNECTOR.read(sample("camt053", *name.split("/")))
    assert difference in " ".join(head.remarks)
    assert (lines.rows.height, lines.rejected) == (1, ())


def test_a_booking_time_keeps_the_day_the_bank_wrote() -> None:
    _, lines = CONNECTOR.read(sample("camt053", "oca", "test-camt053-bookgdt-dttm.xml"))
    assert lines.rows.select("booked_on", "value_on", "amount").row(0) == ("2014-01-04", "2014-01-05", "-754.25")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("camt053.v2.wrong.xml", "holds no statement"),
    ],
)
def test_what_is_no_statement_is_refused_for_a_reason(name: str, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        list(CONNECTOR.read(sample("camt053", "genkgo", name)))


@pytest.mark.parametrize(("name", "currency"), [("camt054.v2.xml", "SEK"), ("camt054.v8.xml", "SEK")])
def test_a_notification_gives_interim_lines_and_no_statement(name: str, currency: str) -> None:
    (batch,) = CONNECTOR.read(sample("camt053", "genkgo", name))
    assert batch.feed == "bank_statement_lines"
    assert batch.rows.select("amount", "currency", "is_interim").rows() == [("-200000", currency, "true")]
    assert batch.rows["statement_id"][0].startswith("interim:")


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for name, doctype in (("file", f'<!ENTITY x SYSTEM "{secret.as_uri()}">'), ("bomb", f'<!ENTITY l0 "ha">{laughs}')):
        path = tmp_path / f"{name}.xml"
        body = TEMPLATE.format(entries=entry("5", "CRDT"), closing="95", opening="OPBD", version="02")
        body = body.replace("<Id>S1</Id>", "<Id>&x;</Id>" if name == "file" else "<Id>&l9;</Id>")
        path.write_text(body.replace('<?xml version="1.0"?>', f'<?xml version="1.0"?><!DOCTYPE Document [{doctype}]>'))
        with pytest.raises(BadFile) as caught:
            list(CONNECTOR.read(path))
        assert "SECRET" not in str(caught.value)
