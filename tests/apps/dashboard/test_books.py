"""The pages on the books: for each role that may open them, on an empty home, when a mart fails, and what can be done there."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from apps.approvals import breaks
from apps.approvals.store import open_store, reading
from apps.dashboard.viewer import demo_users
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.deciding_home import STAFF
from tests.apps.dashboard.hand_made import MARTS, make
from tests.apps.dashboard.hand_made_books import BOOKS
from tests.apps.dashboard.test_pages import words
from warehouse.reader import access
from warehouse.settings import Settings

PAGES = ("ledger", "reconciliations", "client_money", "close_board", "restatements")
BY_ROLE = {viewer.role: viewer.user for viewer in reversed(demo_users())}
SEEN = [(page, role) for page in PAGES for role, rules in access()["roles"].items() if page in rules["pages"]]
SAMPLE = {
    ("ledger", "payments"), ("reconciliations", "mlro"), ("client_money", "leadership"), ("close_board", "compliance"),
    ("restatements", "leadership"),
}  # fmt: skip
"""One role a page in every run, finance in the other tests; `make soak` opens each page as each role."""
FEE = "psp:fee_differs:adyen:e2:0.5"
CLOSED = {
    "ledger": "finance.fct_trial_balance",
    "reconciliations": "finance.rec_breaks",
    "client_money": "finance.fct_client_money_daily",
    "close_board": "finance.fct_trial_balance",
    "restatements": "leadership.fct_restatements",
}
"""Of each page the mart without which it shows nothing."""


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The hand-made broker with the demo users as its staff, so that somebody may act."""
    clients = f"select *, null::varchar as email, null::date as birth_date from ({MARTS['core.dim_clients']})"
    partners = f"select *, null::varchar as client_id from ({MARTS['core.dim_partners']})"
    people = {"core.dim_staff": STAFF, "core.dim_clients": clients, "core.dim_partners": partners}
    return make(Settings(home=tmp_path_factory.mktemp("staffed")), {**MARTS, **people})


@pytest.mark.parametrize(
    ("page", "role"), [one if one in SAMPLE else pytest.param(*one, marks=pytest.mark.soak) for one in SEEN]
)
def test_a_role_that_may_open_a_page_on_the_books_sees_its_figures(open_page: Open, page: str, role: str) -> None:
    app = open_page(page, BY_ROLE[role])
    assert not app.exception
    assert not app.error, words(app)
    assert "Not yours to see" not in words(app)
    assert app.dataframe or app.metric


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_home_is_not_loaded_yet(open_page: Open, home: Settings, page: str) -> None:
    app = open_page(page, "farid", home=home.root)
    assert "Not loaded yet" in words(app)
    assert not app.exception
    assert not app.dataframe


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which the marts of these pages have lost the columns they ask for."""
    broken = {name: "select 1 as nothing" if name in CLOSED.values() else sql for name, sql in MARTS.items()}
    return make(Settings(home=tmp_path_factory.mktemp("failing")), broken)


@pytest.mark.parametrize("page", PAGES)
def test_what_fails_says_so_with_a_reference_and_nothing_else(open_page: Open, failing: Settings, page: str) -> None:
    app = open_page(page, "farid", home=failing.root)
    assert "Failed (reference" in words(app)
    assert not app.exception


def test_from_a_row_of_the_trial_balance_to_its_lines_and_one_entry(open_page: Open) -> None:
    lines = open_page("ledger", "farid", tab="entries", account="2010", currency="EUR").dataframe[0].value
    assert [str(amount) for amount in lines["amount"]] == ["400.00000000", "-1000.00000000"]
    app = open_page("ledger", "farid", entry=lines["entry_id"].iloc[1])
    assert list(app.dataframe[0].value["account_code"]) == ["1030", "2010"]
    assert "cannot be read back" in words(app), "its file is not in this home's archive, and the page says so"


def test_a_trial_balance_that_is_not_zero_says_by_how_much(open_page: Open, tmp_path) -> None:
    lopsided = BOOKS["finance.fct_trial_balance"].replace(
        "sum(amount)::decimal(38, 8) as balance", "(sum(amount) + 1)::decimal(38, 8) as balance"
    )
    settings = make(Settings(home=tmp_path / "home"), {**MARTS, "finance.fct_trial_balance": lopsided})
    assert "The trial balance is not zero in EUR" in words(open_page("ledger", "farid", home=settings.root))


@pytest.mark.parametrize("reconciliation", ["psp", "platform", "bank", "client_money", "partners"])
def test_both_sides_of_a_break_stand_beside_each_other(open_page: Open, reconciliation: str) -> None:
    listed = open_page("reconciliations", "farid", reconciliation=reconciliation, status="all").dataframe[0].value
    app = open_page("reconciliations", "farid", **{"break": listed["break_id"].iloc[0]})
    assert not app.exception
    assert not app.error, words(app)
    assert len(app.subheader) >= 4, "its name, our side, the other side, what is done about it"


def test_resolved_and_gone_breaks_are_not_among_the_open_ones(open_page: Open) -> None:
    assert set(open_page("reconciliations", "farid").dataframe[0].value["status"]) == {"open"}
    assert set(open_page("reconciliations", "farid", status="all").dataframe[0].value["status"]) == {
        "open",
        "resolved",
        "gone",
    }


@pytest.fixture
def confirmed(open_page: Open, staffed: Settings) -> Callable[..., AppTest]:
    """Opens a page as somebody who has just proved who they are."""

    def opened(page: str, user: str, **parameters: str) -> AppTest:
        app = open_page(page, user, home=staffed.root, **parameters)
        return app.button(key="session.again").click().run()

    return opened


def test_a_break_is_given_to_somebody_and_explained_and_both_are_sealed_events(
    confirmed: Callable[..., AppTest], staffed: Settings
) -> None:
    app = confirmed("reconciliations", "farid", **{"break": FEE})
    app.selectbox(key="break.owner").select("ST-06")
    app.button(key="break.assign.go").click().run()
    assert "With **ST\\-06**" in words(app)
    app.text_area(key="break.text").input("the contract's fee changed in November")
    app.text_input(key="break.entry").input("no such entry")
    app.button(key="break.comment.go").click().run()
    assert "There is no journal entry no such entry" in words(app).replace("\\", "")
    app.text_area(key="break.text").input("the contract's fee changed in November")
    app.text_input(key="break.entry").input("psp_transactions:adyen:e1:deposit:v1")
    app.button(key="break.comment.go").click().run()
    with reading(open_store(staffed)) as connection:
        told = breaks.said(connection, FEE)
        assert breaks.newest(connection)[FEE] == {"owner": "ST-06", "comment": "the contract's fee changed in November"}
    assert [(one.kind, one.actor_id) for one in told] == [("assigned", "ST-05"), ("commented", "ST-05")]


def test_who_does_not_handle_breaks_may_look_and_is_told_who_does(open_page: Open, staffed: Settings) -> None:
    app = open_page("reconciliations", "astrid", home=staffed.root, **{"break": FEE})
    assert "taken and explained by finance or payments or partners" in words(app)
    assert not [button for button in app.button if button.key in ("break.assign.go", "break.comment.go")]


def test_a_close_is_proposed_once_and_decided_elsewhere(confirmed: Callable[..., AppTest]) -> None:
    app = confirmed("close_board", "farid", close="2026-09")
    app.button(key="propose.period_close.CY.").click().run()
    assert "Somebody else decides now" in words(app)
    app.button(key="propose.period_close.CY.").click().run()
    assert "is proposed already" in words(app).replace("\\", "")


def test_a_closed_period_is_reopened_only_with_a_reason(confirmed: Callable[..., AppTest]) -> None:
    app = confirmed("close_board", "farid", close="2026-10")
    assert app.button(key="propose.period_reopening.CY.").disabled
    app.text_input(key="reopen.why").input("a late invoice").run()
    app.button(key="propose.period_reopening.CY.").click().run()
    assert "Somebody else decides now" in words(app)


def test_the_board_counts_what_blocks_a_close(open_page: Open) -> None:
    board = open_page("close_board", "farid", close="2026-11-20").dataframe[0].value.iloc[0]
    assert (board["open_breaks"], board["not_posted"], board["statements_missing"]) == (3, 1, 1)
    before = open_page("close_board", "farid", close="2026-10").dataframe[0].value.iloc[0]
    assert (before["status"], before["open_breaks"], before["not_posted"]) == ("closed", 0, 0)


def test_client_money_says_what_to_pay_in_by_when(open_page: Open) -> None:
    said = words(open_page("client_money", "lena"))
    assert "CY · Pay in EUR 100.00** by the close of 2026-11-23" in said


def test_only_restatements_of_closed_periods_when_asked_for_them(open_page: Open) -> None:
    assert len(open_page("restatements", "lena", which="closed").dataframe[-1].value) == 1
    assert len(open_page("restatements", "lena").dataframe[-1].value) == 2
