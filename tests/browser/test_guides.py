"""Screens for the guides: the pages of each role's daily round, as the role sees them. They lie under data/, outside the repository."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.dashboard.guides import FOLDER
from apps.dashboard.navigation import PAGES
from apps.dashboard.viewer import demo_users
from warehouse.settings import PROJECT

SCREENS = PROJECT / "data" / "guide"
ONE_A_ROLE = {viewer.role: viewer.user for viewer in reversed(demo_users())}
BY_TITLE = {page.title: page.name for page in PAGES}


@pytest.mark.parametrize(
    "role", [role if role == "partners" else pytest.param(role, marks=pytest.mark.soak) for role in ONE_A_ROLE]
)
def test_the_daily_round_of_a_guide_is_walked_and_its_screens_are_kept(visit: Callable[[str], Page], role: str) -> None:
    text = (FOLDER / f"{role}.md").read_text()
    rounds = dict.fromkeys(re.findall(r"^\d\. \*\*([^*›]+?)(?: ›|\*\*)", text, re.MULTILINE))
    SCREENS.mkdir(parents=True, exist_ok=True)
    for number, title in enumerate(rounds, start=1):
        page = visit(f"{BY_TITLE[title]}?user={ONE_A_ROLE[role]}")
        expect(page.locator("h1")).to_have_text(title)
        assert page.get_by_text("Refused.").count() == 0
        page.screenshot(path=SCREENS / f"{role}-{number}-{BY_TITLE[title]}.png")
    page.get_by_role("button", name="Guide").click()
    expect(page.get_by_text("The daily round")).to_be_visible()
    page.screenshot(path=SCREENS / f"{role}-guide.png")
