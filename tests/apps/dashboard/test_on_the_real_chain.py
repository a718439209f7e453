"""The pages on what the real chain builds: every tab finds the columns that it asks for, and has something to show."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.cli.first_run import _links
from apps.dashboard.navigation import PAGES
from apps.dossier.requests import requests, respond
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.test_pages import words
from warehouse.reader import Reader
from warehouse.settings import Settings

TABS = {
    "overview": ("money", "revenue", "drivers", "rows"),
    "payments": ("flows", "psp", "settlement", "withdrawals", "rows"),
    "partners": ("accruals", "tree", "lines", "zeros"),
    "data": ("loads", "quarantine", "checks", "freshness", "models"),
}


@pytest.fixture(scope="module")
def broker(built_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: who looks at a page is written into the home's journal, which the next load would read."""
    return Path(shutil.copytree(built_home.root, tmp_path_factory.mktemp("looked-at") / "home"))


@pytest.mark.parametrize(("page", "tab"), [(page, tab) for page, tabs in TABS.items() for tab in tabs])
def test_a_tab_shows_the_broker_that_was_built(open_page: Open, broker: Path, page: str, tab: str) -> None:
    app = open_page(page, "astrid", home=broker, tab=tab, period="all")
    said = words(app)
    assert not app.exception
    assert not app.error, said
    assert "Not loaded" not in said
    assert app.dataframe


def test_an_entry_leads_to_the_row_of_the_file_that_made_it_masked_as_the_marts_are(
    open_page: Open, broker: Path
) -> None:
    lines = open_page("ledger", "farid", home=broker, tab="entries", account="1030", period="all").dataframe[0].value
    entry = next(one for one in lines["entry_id"] if one.startswith("psp_transactions:") and ":deposit:" in one)
    shown = {
        user: dict(open_page("ledger", user, home=broker, entry=entry).dataframe[-1].value.itertuples(index=False))
        for user in ("farid", "astrid")
    }
    assert shown["astrid"]["event_id"] == entry.split(":")[2]
    assert shown["farid"]["amount"] == shown["astrid"]["amount"]
    assert shown["farid"]["instrument_holder"] == f"{shown['astrid']['instrument_holder'][0]}…"


def test_every_mart_column_that_a_tile_or_table_shows_has_a_definition(open_page: Open, broker: Path) -> None:
    app = open_page("overview", "lena", home=broker, period="all")
    assert all(tile.help for tile in app.metric)


def test_the_dossier_answers_for_a_withdrawal_with_a_control_failure(open_page: Open, broker: Path) -> None:
    listed = open_page("regulator_query", "costas", home=broker, period="all", show="failures")
    identifier = str(listed.dataframe[0].value["request_id"].iloc[0])
    app = open_page("regulator_query", "costas", home=broker, id=identifier)
    assert not app.exception
    assert "control failure" in words(app)
    assert "As it was known then" in [item.value for item in app.subheader]


SUBJECTS = {
    "deposit": "select stream_id from compliance.fct_audit_events where event_type = 'psp.deposit.completed' order by 1 limit 1",
    "transfer": "select stream_id from compliance.fct_audit_events where event_type = 'internal_transfer.requested' order by 1 limit 1",
    "payout": "select payout_id from partners.fct_payouts order by 1 limit 1",
    "kyc_case": "select client_id from compliance.fct_kyc_status where status = 'APPROVED' order by 1 limit 1",
    "alert": "select alert_id from compliance.fct_alerts order by 1 limit 1",
    "parameter_change": "select stream_id from compliance.fct_audit_events where stream = 'parameter' order by 1 limit 1",
    "client": "select client_id from core.dim_clients where first_trade_at is not null order by 1 limit 1",
    "deal": "select platform || ':' || deal_id from trading.fct_deals where action = 'buy' order by 1 limit 1",
}


@pytest.fixture(scope="module")
def reader(broker: Path) -> Iterator[Reader]:
    opened = Reader(Settings(home=broker))
    yield opened
    opened.close()


@pytest.mark.parametrize("subject", list(SUBJECTS))
def test_there_is_an_answer_for_every_subject(open_page: Open, broker: Path, reader: Reader, subject: str) -> None:
    identifier = reader.query(SUBJECTS[subject]).item()
    app = open_page("regulator_query", "astrid", home=broker, subject=subject, id=identifier)
    said = words(app)
    assert not app.exception
    assert "Failed" not in said and "No such" not in said, said
    assert "Timeline" in [item.value for item in app.subheader]


def test_every_request_answers_and_only_the_mlro_is_offered_the_aml_file(broker: Path, reader: Reader) -> None:
    mlro = Reader(Settings(home=broker), role="mlro")
    client = reader.query(SUBJECTS["client"]).item()
    given = {
        "client_id": client,
        "from": datetime(2020, 1, 1),
        "until": datetime(2030, 1, 1),
        "at": reader.publish.published_at,
    }
    for asked in requests().values():
        found = respond(mlro, asked.name, {name: given[name] for name in asked.needs}, "me")
        assert found.rows.width > 1 and (found.rows.height or asked.name == "R6"), asked.name
    mlro.close()


def test_client_money_at_a_date_is_what_the_postings_say(reader: Reader) -> None:
    at = reader.publish.loaded_at
    told = respond(reader, "R4", {"at": at}, "me").rows["balance"].sum()
    posted = """
        select -sum(postings.amount) from finance.fct_postings as postings
        inner join finance.dim_ledger_accounts as accounts on postings.account_code = accounts.account_code and accounts.is_client_money
        where postings.client_id is not null and accounts.kind = 'liability' and postings.occurred_at::date <= $1::date
    """
    assert told == reader.query(posted, [at]).item()


def test_every_link_that_the_first_run_prints_opens_its_page_for_its_user(open_page: Open, broker: Path) -> None:
    found = [urlsplit(link) for _, link in _links(Settings(home=broker), "http://127.0.0.1:8501")]
    assert [one.path for one in found] == ["/regulator_query", "/payments", "/partners", "/approvals"]
    titles = {page.name: page.title for page in PAGES}
    for one in found:
        query = dict(parse_qsl(one.query))
        app = open_page(one.path.strip("/"), query.pop("user"), home=broker, **query)
        said = words(app)
        assert not app.exception
        # a control failure is what one of the links is there to show
        assert "Refused" not in said and "Failed (reference" not in said and "No such" not in said, said
        assert titles[one.path.strip("/")] in [title.value for title in app.title]


def test_an_unknown_withdrawal_is_told_with_the_nearest_ids(open_page: Open, broker: Path) -> None:
    said = words(open_page("regulator_query", "costas", home=broker, id="nothing-like-it"))
    assert "No such withdrawal" in said
    assert "data reach up to" in said
