"""Clients, Trading and Support on a hand-made broker: full, empty and failing, and what each role may know of a client."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.dashboard.queries import client_record, clients
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.hand_made import MARTS, make
from tests.apps.dashboard.hand_made_growth import GROWTH
from tests.apps.dashboard.test_pages import words
from warehouse.reader import Reader
from warehouse.settings import Settings

TABS = {
    "clients": ("funnel", "cohorts", "segments", "triggers"),
    "trading": ("activity", "exposure", "margin", "flow", "slippage", "profit", "rows"),
    "support": ("tickets", "waiting", "complaints", "rows"),
}
PARTS = ("timeline", "money", "trading", "identity", "contact", "decisions")
OPENS = {
    "clients": "growth.fct_leads",
    "trading": "trading.fct_profitability_daily",
    "support": "operations.fct_ticket_times",
}
"""Of each page the mart without which a tab of it shows nothing."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make(Settings(home=tmp_path_factory.mktemp("grown")), {**MARTS, **GROWTH})


@pytest.fixture(scope="module")
def compliance(grown: Settings) -> Iterator[Reader]:
    opened = Reader(grown, role="compliance")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Each page's first mart has lost the columns that the page asks for."""
    lost = {mart: f"select 'x' as nothing_of_use from ({GROWTH[mart]})" for mart in OPENS.values()}
    return make(Settings(home=tmp_path_factory.mktemp("broken")), {**MARTS, **GROWTH, **lost})


def sampled(cases: list[Any], sample: set[Any]) -> list[Any]:
    """The cases, those outside the sample for `make soak` alone."""
    return [
        case
        if case in sample
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.soak)
        for case in cases
    ]


EVERY_TAB = [(page, tab) for page, tabs in TABS.items() for tab in tabs]
SAMPLE = {
    ("clients", "funnel"),
    ("clients", "segments"),
    ("trading", "exposure"),
    ("trading", "profit"),
    ("support", "tickets"),
}


@pytest.mark.parametrize(("page", "tab"), sampled(EVERY_TAB, SAMPLE))
def test_a_tab_shows_its_figures(open_page: Open, grown: Settings, page: str, tab: str) -> None:
    app = open_page(page, "astrid", home=grown.root, tab=tab)
    assert not app.exception
    assert not app.error, words(app)
    assert "Not loaded" not in words(app) and "Nothing matches" not in words(app)
    assert app.dataframe


@pytest.mark.parametrize("part", sampled(list(PARTS), {"timeline", "decisions"}))
def test_a_part_of_the_client_record_opens(open_page: Open, grown: Settings, part: str) -> None:
    app = open_page("clients", "astrid", home=grown.root, id="c7", part=part)
    assert not app.exception
    assert not app.error, words(app)
    assert "Aleksandra Kowalczyk" in app.subheader[0].value


@pytest.mark.parametrize("page", TABS)
def test_an_empty_home_is_not_loaded_yet(open_page: Open, home: Settings, page: str) -> None:
    app = open_page(page, "astrid", home=home.root)
    assert "Not loaded yet" in words(app) and not app.exception


@pytest.mark.parametrize("page", TABS)
def test_what_fails_says_so_and_the_page_stands(open_page: Open, broken: Settings, page: str) -> None:
    app = open_page(page, "astrid", home=broken.root, **({"tab": "funnel"} if page == "clients" else {}))
    assert "Failed (reference" in words(app) and not app.exception
    assert app.title[0].value


@pytest.mark.parametrize("page", sampled(list(TABS), {"support"}))
def test_nothing_matches_before_the_first_day(open_page: Open, grown: Settings, page: str) -> None:
    days = {"period": "custom", "from": "2020-01-01", "to": "2020-01-02"}
    app = open_page(page, "astrid", home=grown.root, tab=TABS[page][0], **days)
    assert "Nothing matches" in words(app) and not app.exception


@pytest.mark.parametrize(
    ("asked", "found_by", "best"),
    [
        ("c7", "id", "c7"),
        ("Aleksandra Kowalczyk", "name", "c7"),
        ("kowalczik aleksandra", "name", "c7"),
        ("alexandra kowalcyzk", "name", "c7"),
        ("c7@mail.exmaple", "e-mail", "c7"),
        ("500107", "login", "c7"),
        ("fp_00000007", "card", "c7"),
    ],
)
def test_a_client_is_found_by_what_is_known_of_them_also_with_a_slip(
    compliance: Reader, asked: str, found_by: str, best: str
) -> None:
    first = clients.search(compliance, asked).row(0, named=True)
    assert (first["client_id"], first["found_by"]) == (best, found_by)


def test_who_may_not_see_names_finds_nobody_by_them_and_a_partners_manager_only_introduced_clients(
    grown: Settings,
) -> None:
    payments, partners = Reader(grown, role="payments"), Reader(grown, role="partners")
    assert clients.search(payments, "Aleksandra Kowalczyk").is_empty()
    assert clients.search(payments, "c7")["name"].to_list()[0] == "A… K…"
    assert clients.search(partners, "c7").filter(clients.pl.col("client_id") == "c7").is_empty()
    assert client_record.timeline(partners, "c7").is_empty()
    assert not client_record.timeline(partners, "c8").is_empty()


@pytest.mark.parametrize(("user", "seen"), [("sunita", "Aleksandra"), ("petra", "A…"), ("lena", None)])
def test_the_record_shows_each_role_what_it_may_know(
    open_page: Open, grown: Settings, user: str, seen: str | None
) -> None:
    app = open_page("clients", user, home=grown.root, id="c7")
    assert not app.exception
    if seen is None:
        assert "Not yours to see" in words(app)
    else:
        assert app.subheader[0].value.startswith(seen)
        details = dict(app.dataframe[-1].value.itertuples(index=False))
        assert details["birth date"] == "—"
        assert details["email"] == ("c7@mail.example" if user == "sunita" else "c…@mail.example")


def test_a_tile_is_the_metric_and_its_rows_add_up_to_it(open_page: Open, grown: Settings) -> None:
    app = open_page("trading", "farid", home=grown.root, tab="rows", entity="CY", period="30d")
    rows = app.dataframe[0].value
    revenue = next(tile.value for tile in app.metric if tile.label == "Revenue")
    assert set(rows["entity"]) == {"CY"} and revenue == f"USD {sum(rows['revenue_usd']):,.0f}"


def test_an_unknown_segment_in_the_address_is_refused(open_page: Open, grown: Settings) -> None:
    app = open_page("clients", "astrid", home=grown.root, tab="segments", segment="rich_and_famous")
    assert "Refused" in words(app)


def test_the_record_of_nobody_is_a_sentence(open_page: Open, grown: Settings) -> None:
    app = open_page("clients", "astrid", home=grown.root, id="nobody")
    assert "No such client" in words(app) and not app.exception
