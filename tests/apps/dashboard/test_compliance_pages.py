"""KYC queue, loss percentage and control failures: for each role that may open them, on an empty home, and what can be found there."""

import pytest

from apps.dashboard.viewer import demo_users
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.test_pages import words
from warehouse.reader import access
from warehouse.settings import Settings

PAGES = ("kyc_queue", "loss_percentage", "control_failures")
BY_ROLE = {viewer.role: viewer.user for viewer in reversed(demo_users())}
SEEN = [(page, role) for page in PAGES for role, rules in access()["roles"].items() if page in rules["pages"]]
SAMPLE = {("kyc_queue", "mlro"), ("loss_percentage", "leadership"), ("control_failures", "payments")}
"""One role a page in every run; `make soak` opens each page as each role."""


@pytest.mark.parametrize(
    ("page", "role"), [one if one in SAMPLE else pytest.param(*one, marks=pytest.mark.soak) for one in SEEN]
)
def test_a_role_that_may_open_a_compliance_page_sees_its_figures(open_page: Open, page: str, role: str) -> None:
    app = open_page(page, BY_ROLE[role], period="custom", **{"from": "2026-08-01", "to": "2026-11-22"})
    assert not app.exception
    assert not app.error, words(app)
    assert app.dataframe


@pytest.mark.parametrize("page", ["kyc_queue", *(pytest.param(page, marks=pytest.mark.soak) for page in PAGES[1:])])
def test_an_empty_home_has_not_loaded_them_yet(open_page: Open, home: Settings, page: str) -> None:
    app = open_page(page, BY_ROLE["compliance"], home=home.root)
    assert "Not loaded yet" in words(app)
    assert not app.exception
    assert not app.dataframe


def test_the_queue_narrows_to_a_reason_and_leaves_test_clients_out(open_page: Open) -> None:
    every = open_page("kyc_queue", BY_ROLE["compliance"]).dataframe[0].value
    decide = open_page("kyc_queue", BY_ROLE["compliance"], reason="to_decide", when="now").dataframe[0].value
    assert len(every) == 11
    assert set(decide["reason"]) == {"to_decide"} and all(decide["is_overdue"])


def test_a_case_shows_why_it_waits_what_its_client_may_do_and_both_clocks(open_page: Open) -> None:
    app = open_page("kyc_queue", BY_ROLE["compliance"], client="c1")
    said = words(app) + " ".join(part.value for part in (*app.text, *app.subheader))
    assert not app.exception
    for part in (
        "Client c1: IN_REVIEW",
        "passport ran out",
        "deposit: yes",
        "address: none",
        "rated low; score 65 says high",
    ):
        assert part in said.replace("\\", ""), part
    assert [len(frame.value) for frame in app.dataframe][:2] == [2, 1]


def test_a_client_nobody_knows_is_said_so(open_page: Open) -> None:
    assert "No such client" in words(open_page("kyc_queue", BY_ROLE["compliance"], client="nobody"))


def test_the_loss_percentage_is_shown_as_published_with_its_standing_and_its_doubtful_accounts(open_page: Open) -> None:
    app = open_page("loss_percentage", BY_ROLE["compliance"], which="doubtful")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["CY, 01 Oct 2026"] == "40.00 %"
    assert any("cannot be valued or does not tie" in caption.value for caption in app.caption)
    assert list(app.dataframe[-1].value["login"]) == [1007]


def test_failures_known_only_since_are_a_filter(open_page: Open) -> None:
    since = {"period": "custom", "from": "2026-08-01", "to": "2026-11-22"}
    later = open_page("control_failures", BY_ROLE["compliance"], clock="later", **since).dataframe[-1].value
    assert len(later) and all(later["discovered_later"])
