"""Statements, payouts, review and what-if: as each role sees them, empty, failing, and as the files that leave the house."""

import io
import re
import struct
import zlib
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from openpyxl import load_workbook

from apps.dashboard.partner_tabs.review import EFFECTS
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.queries.common import whole
from apps.dashboard.statement_pdf import PDF_LINES, Statement, as_pdf
from apps.export import Manifest, as_xlsx
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.hand_made import MARTS, make
from tests.apps.dashboard.test_pages import words
from warehouse.reader import Reader
from warehouse.settings import Settings

TABS = ("statements", "payouts", "review", "what_if")
MANIFEST = Manifest("statement", {"partner": "p1"}, "Farid (farid)", "finance", 1, None, None, "0.1")


@pytest.fixture(scope="module")
def reader(hand_made: Settings) -> Reader:
    return Reader(hand_made)


@pytest.mark.parametrize(
    ("user", "tab"),
    [
        *(("farid", tab) for tab in TABS),
        ("paolo", "review"),
        ("lena", "review"),
        ("lena", "payouts"),
        ("astrid", "what_if"),
    ],
)
def test_each_part_opens_for_every_role_that_has_the_page_or_says_why_not(open_page: Open, user: str, tab: str) -> None:
    app = open_page("partners", user, tab=tab, partner="p1", month="2026-10")
    assert not app.exception
    assert not app.error, words(app)
    assert app.dataframe or "Not yours" in words(app) or tab == "what_if"


def test_a_statement_shows_the_account_and_its_lines(open_page: Open) -> None:
    app = open_page("partners", "farid", tab="statements", partner="p1", month="2026-10")
    account, lines = (frame.value for frame in app.dataframe[:2])
    assert account["accrued"].tolist() == [pytest.approx(sum(lines["amount"]))]


def test_a_month_that_is_none_is_refused(open_page: Open) -> None:
    assert "Refused" in words(open_page("partners", "farid", tab="statements", month="2027-13"))


def test_who_may_not_propose_a_run_is_told_who_may(open_page: Open) -> None:
    assert "proposed by partners or finance" in words(open_page("partners", "astrid", tab="payouts"))


def test_without_statements_the_page_says_that_they_are_not_loaded(open_page: Open, tmp_path) -> None:
    some = {name: sql for name, sql in MARTS.items() if name not in (accounts.STATEMENTS, accounts.PAYOUTS)}
    home = make(Settings(home=tmp_path), some)
    for tab in ("statements", "payouts"):
        app = open_page("partners", "farid", home=home.root, tab=tab)
        assert "Not loaded yet" in words(app), tab
        assert not app.exception


def test_a_part_that_fails_says_so_with_a_reference_and_the_rest_stands(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> pl.DataFrame:
        raise ValueError("boom")

    monkeypatch.setattr(accounts, "statements", broken)
    app = open_page("partners", "farid", tab="statements")
    assert "Failed (reference" in words(app) and "boom" not in words(app)
    assert app.metric


def test_the_four_causes_add_up_to_the_change_of_each_partner(reader: Reader) -> None:
    rows = accounts.review(reader, None, "2026-10", "2026-09")
    assert rows.height == 12
    for row in rows.iter_rows(named=True):
        causes = sum(row[f"{name}_usd"] for name in EFFECTS)
        assert causes == row["change_usd"] == row["cost"] - row["cost_before"]
    assert any(row["volume_usd"] for row in rows.iter_rows(named=True))


def statement(reader: Reader) -> Statement:
    account = accounts.statements(reader, None, "p1", "2026-10").row(0, named=True)
    return Statement(
        "p1", "Přítel & Söhne", "2026-10", "USD", account, whole(reader, accounts.lines("p1", "2026-10", "USD"))
    )


def printed(pdf: bytes) -> str:
    """The text of a PDF made here: its strings are numbers of the letters that its fonts carry along."""
    objects = dict(re.findall(rb"(?ms)^(\d+) 0 obj\n(.*?)endobj", pdf))
    letters = {}
    for name, font in re.findall(rb"/(F\d+) (\d+) 0 R", pdf):
        (told,) = re.findall(rb"/ToUnicode (\d+) 0 R", objects[font])
        pairs = re.findall(rb"<(\w{4})> <(\w{4})>\n", objects[told])
        letters[name] = {int(number, 16): chr(int(letter, 16)) for number, letter in pairs}
    found, font = [], b""
    for page in re.findall(rb"/Contents (\d+) 0 R", pdf):
        drawn = zlib.decompress(objects[page].split(b"stream\n", 1)[1].split(b"\nendstream")[0])
        for chosen, shown in re.findall(rb"(?s)/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", drawn):
            font = chosen or font
            plain = re.sub(rb"(?s)\\(.)", lambda one: {b"r": b"\r", b"n": b"\n"}.get(one[1], one[1]), shown)
            found.append("".join(letters[font][number] for (number,) in struct.iter_unpack(">H", plain)))
    return " ".join(found)


def test_the_pdf_and_the_workbook_hold_the_same_lines_and_the_same_total(reader: Reader) -> None:
    made = statement(reader)
    text = printed(as_pdf(made, MANIFEST))
    sheet = load_workbook(io.BytesIO(as_xlsx(made.lines, MANIFEST)))["Rows"]
    rows = list(sheet.iter_rows(values_only=True))
    amounts = [Decimal(str(row[rows[0].index("amount")])) for row in rows[1:]]
    assert sum(amounts) == made.account["accrued"]
    assert f"{len(amounts)} lines" in text and "what the account says was accrued" in text
    assert all(str(row["deal_id"]) in text for row in made.lines.iter_rows(named=True))


@pytest.mark.parametrize(
    "name", ["Přítel & Söhne", "Łódź Inwestycje", "Γιώργος Παπαδόπουλος", "Жуков и сыновья", "Đặng Văn"]
)
def test_a_name_prints_in_its_own_letters(reader: Reader, name: str) -> None:
    assert f"{name} (p1), in USD" in printed(
        as_pdf(Statement(**{**statement(reader).__dict__, "name": name}), MANIFEST)
    )


def test_a_letter_that_the_font_lacks_is_a_question_mark_and_no_failure(reader: Reader) -> None:
    text = printed(as_pdf(Statement(**{**statement(reader).__dict__, "name": "张伟 Ltd"}), MANIFEST))
    assert "?? Ltd (p1), in USD" in text


def test_a_pdf_whose_lines_do_not_add_up_says_so(reader: Reader) -> None:
    made = statement(reader)
    text = printed(as_pdf(Statement(**{**made.__dict__, "lines": made.lines.head(1)}), MANIFEST))
    assert "NOT the" in text


def test_a_long_statement_says_how_many_lines_are_not_printed() -> None:
    line = {
        name: None
        for name in (
            "executed_at",
            "deal_id",
            "client_id",
            "level",
            "rule_id",
            "rule_version",
            "basis_amount",
            "basis_unit",
            "rate",
        )
    }
    line |= {"executed_at": datetime(2026, 10, 1), "limited_by": None, "fx_rate": None, "amount": Decimal(1)}
    many = pl.DataFrame([line] * (PDF_LINES + 1))
    account = dict.fromkeys(
        ("opening", "adjustments", "paid", "closing", "open_accruals", "held", "payable", "held_back", "to_take_back"),
        Decimal(0),
    )
    text = printed(
        as_pdf(Statement("p1", None, "2026-10", "USD", account | {"accrued": Decimal(PDF_LINES + 1)}, many), MANIFEST)
    )
    assert "1,001 lines" in text and "first 1,000 are printed" in text
