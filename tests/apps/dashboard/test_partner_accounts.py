"""Statements, payouts, review and what-if: as each role sees them, empty, failing, and as the files that leave the house."""

import io
import zlib
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from openpyxl import load_workbook

from apps.dashboard.export import Manifest, as_xlsx
from apps.dashboard.queries import partner_accounts as accounts
from apps.dashboard.queries.common import whole
from apps.dashboard.statement_pdf import PDF_LINES, Statement, as_pdf
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
        assert (
            row["volume"] + row["rate"] + row["mix"] + row["tree"] == row["change"] == row["cost"] - row["cost_before"]
        )
    assert any(row["tree"] for row in rows.iter_rows(named=True)) or any(
        row["volume"] for row in rows.iter_rows(named=True)
    )


def statement(reader: Reader) -> Statement:
    account = accounts.statements(reader, None, "p1", "2026-10").row(0, named=True)
    return Statement(
        "p1", "Přítel & Söhne", "2026-10", "USD", account, whole(reader, accounts.lines("p1", "2026-10", "USD"))
    )


def printed(pdf: bytes) -> str:
    """The text of a PDF made here: its streams are deflated, its strings plain."""
    found = []
    for part in pdf.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompress(part.split(b"\nendstream")[0]).decode("latin-1"))
        except (zlib.error, UnicodeDecodeError):
            continue
    return "".join(found)


def test_the_pdf_and_the_workbook_hold_the_same_lines_and_the_same_total(reader: Reader) -> None:
    made = statement(reader)
    text = printed(as_pdf(made, MANIFEST))
    sheet = load_workbook(io.BytesIO(as_xlsx(made.lines, MANIFEST)))["Rows"]
    rows = list(sheet.iter_rows(values_only=True))
    amounts = [Decimal(str(row[rows[0].index("amount")])) for row in rows[1:]]
    assert sum(amounts) == made.account["accrued"]
    assert f"{len(amounts)} lines" in text and "what the account says was accrued" in text
    assert all(str(row["deal_id"]) in text for row in made.lines.iter_rows(named=True))
    assert "P??tel & S\xf6hne" in text or "P\\?" in text or "hne" in text


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
