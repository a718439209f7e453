"""What only a browser shows: addresses, reloads, refusals by address, and that nothing outside is asked for."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.dashboard.navigation import PAGES
from apps.dashboard.viewer import demo_users
from tests.browser.conftest import finished

Visit = Callable[[str], Page]
ONE_A_ROLE = {viewer.role: viewer for viewer in reversed(demo_users())}
VIEWERS = {viewer.user: viewer for viewer in ONE_A_ROLE.values()}


def exceptions(page: Page) -> int:
    return page.locator('[data-testid="stException"]').count()


SAMPLE = ("lena",)
"""One role, of some pages and not of others, by address in every run; `make soak` the rest. The whole cross is tried without a browser."""


@pytest.mark.parametrize(
    "user", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.soak) for name in VIEWERS]
)
def test_a_role_sees_its_pages_in_the_menu_and_is_refused_the_others_by_address(visit: Visit, user: str) -> None:
    granted = VIEWERS[user].pages
    for listed in PAGES:
        page = visit(f"{listed.name}?user={user}")
        expect(page.locator("h1")).to_have_text(listed.title)
        assert page.get_by_text("Refused.").count() == (0 if listed.name in granted else 1)
        assert (
            page.locator('[data-testid="stMetric"], [data-testid="stDataFrame"]').count() == 0 or listed.name in granted
        )
        assert exceptions(page) == 0
        assert page.get_by_text("Page not found").count() == 0
    menu = page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts()
    titles = {listed.title for listed in PAGES if listed.name in granted}
    # with a single page there is nothing to choose, and no menu
    assert {text.strip() for text in menu} == (titles if len(titles) > 1 else set())


def test_no_page_asks_anything_of_another_host(visit: Visit, dashboard: str) -> None:
    for listed in PAGES:
        page = visit(f"{listed.name}?user=astrid")
        outside = [
            url
            for url in page.asked
            if not url.startswith((dashboard, dashboard.replace("http", "ws"), "data:", "blob:"))
        ]
        assert outside == []


def test_the_view_survives_a_reload(visit: Visit) -> None:
    page = visit("payments?user=petra&entity=CY&period=7d&currency=EUR&tab=rows")
    figures = page.locator('[data-testid="stMetricValue"]')
    expect(figures).to_have_count(6, timeout=30_000)
    before = figures.all_inner_texts()
    page.reload()
    finished(page)
    expect(figures).to_have_text(before, timeout=30_000)
    for expected in ("entity=CY", "period=7d", "currency=EUR", "tab=rows"):
        assert expected in page.url


def test_a_filter_that_is_chosen_stands_in_the_address_and_stays_on_the_next_page(visit: Visit) -> None:
    page = visit("payments?user=petra")
    page.get_by_role("combobox", name=re.compile("^Entity|Entity$")).first.click()
    page.get_by_role("option", name="CY").click()
    expect(page).to_have_url(re.compile("entity=CY"))
    page.get_by_role("link", name="Overview").first.click()
    expect(page.locator("h1")).to_have_text("Overview")
    expect(page).to_have_url(re.compile("entity=CY"))


def test_an_unknown_value_in_the_address_is_refused(visit: Visit) -> None:
    page = visit("payments?user=petra&entity=Atlantis")
    expect(page.get_by_text("Refused.")).to_be_visible()
    assert page.locator('[data-testid="stMetric"]').count() == 0


def test_a_tile_leads_to_its_rows_with_every_filter_kept(visit: Visit) -> None:
    page = visit("payments?user=petra&entity=CY&period=7d&currency=EUR")
    page.get_by_role("link", name="Rows").first.click()
    expect(page).to_have_url(re.compile("tab=rows"))
    for expected in ("entity=CY", "period=7d", "currency=EUR"):
        assert expected in page.url


def test_an_export_holds_all_rows_and_says_what_it_is(visit: Visit, tmp_path) -> None:
    import openpyxl

    page = visit("payments?user=petra&period=all&currency=EUR&tab=rows")
    with page.expect_download(timeout=30_000) as download:
        page.get_by_role("button", name="XLSX").first.click()
    download.value.save_as(tmp_path / "rows.xlsx")
    book = openpyxl.load_workbook(tmp_path / "rows.xlsx", read_only=True)
    manifest = {row[0].value: row[1].value for row in book["Manifest"].iter_rows(min_row=2)}
    rows = list(book["Rows"].iter_rows(values_only=True))
    assert manifest["rows"] == len(rows) - 1 == 226
    deposits = rows[0].index("deposits")
    assert round(manifest["total deposits"], 4) == round(sum(row[deposits] for row in rows[1:]), 4)
    assert manifest["user"].startswith("Petra Novak")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_overview_without_scrolling_sideways(visit: Visit, scheme: str) -> None:
    page = visit("overview?user=lena")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    finished(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
