"""The guides name pages as the menu does, and the head of a page leads to them and to what a problem report needs."""

import re

import pytest

from apps.dashboard.guides import FOLDER
from apps.dashboard.navigation import PAGES, page_file
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.hand_made import MARTS, make
from warehouse.reader import access
from warehouse.settings import Settings

ROLES = access()["roles"]
BY_TITLE = {page.title: page.name for page in PAGES}
NAMED = re.compile(r"\*\*(.+?)\*\*")


def test_every_role_has_a_guide_with_a_daily_round_of_five_steps_each_on_a_page() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(ROLES)
    for role in ROLES:
        steps = re.findall(r"^\d\. (.+)$", (FOLDER / f"{role}.md").read_text(), re.MULTILINE)
        assert len(steps) == 5, role
        assert [step for step in steps if not NAMED.search(step)] == [], role


@pytest.mark.parametrize("role", ROLES)
def test_a_guide_names_only_pages_that_exist_and_that_the_role_may_open(role: str) -> None:
    text = (FOLDER / f"{role}.md").read_text()
    places = [tuple(name.split(" › ")) for name in NAMED.findall(text)]
    assert [page for page, *_ in places if BY_TITLE.get(page) not in ROLES[role]["pages"]] == []
    tabs = [(page, tab) for page, *tab in places for tab in tab]
    assert [one for one in tabs if f'"{one[1]}"' not in page_file(BY_TITLE[one[0]]).read_text()] == []


def test_the_head_of_a_page_holds_the_guide_of_the_role_and_what_to_report(open_page: Open) -> None:
    app = open_page("payments", "petra", entity="CY", period="7d")
    assert not app.exception
    assert any("## The daily round" in text.value and "Take next" in text.value for text in app.markdown)
    report = app.code[0].value
    assert "Page: payments?" in report and "entity=CY" in report and "period=7d" in report and "user=" not in report
    assert "Role: payments" in report and "Publish: 1 of run 1" in report and "Error reference: none" in report


def test_a_part_that_failed_brings_its_reference_into_the_report(open_page: Open, tmp_path) -> None:
    broken = {**MARTS, "operations.fct_payments_daily": MARTS["operations.fct_payments_daily"].replace(" as fees", " as costs")}  # fmt: skip
    app = open_page("payments", "petra", home=make(Settings(home=tmp_path / "home"), broken).root)
    failed = re.findall(r"\(reference (\w+)\)", " ".join(error.value for error in app.error))
    assert failed and [text.value.splitlines()[-2] for text in app.code[1:]] == [
        f"Error reference: {one}" for one in failed
    ]
    assert f"Error reference: {', '.join(failed)}" in app.run().code[0].value
