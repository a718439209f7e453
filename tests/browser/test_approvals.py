"""The approvals page in real browsers: two people and one subject, a form that survives, keys, and a screen that is live."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect

from apps.approvals import chain
from apps.approvals.store import open_store, reading
from apps.approvals.tables import drafts
from apps.pipeline import run_once
from tests.apps.dashboard.deciding_home import deciding
from tests.browser.conftest import DONE, finished, served
from warehouse.reader import Reader
from warehouse.settings import Settings

Visit = Callable[..., Page]
SOON = 30_000
GOOD = "withdrawal:w-good"
DRAFTED = "withdrawal:w-margin"
STRANGE = "Refund of 60.00 EUR to card …-new"


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with things to decide on; each test has subjects of its own."""
    return deciding(Settings(home=tmp_path_factory.mktemp("deciding")))


@pytest.fixture(scope="module")
def address(decided: Settings) -> Iterator[str]:
    """A dashboard on it."""
    with served(decided) as found:
        yield found


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    """The browsers that a test opened, closed after it."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


def visitor(browser: Browser, address: str, contexts: list[BrowserContext]) -> Visit:
    """Opens the page as a demo user, in a browser of their own: `visit("petra", subject="withdrawal:w-good")`."""

    def opened(user: str, **parameters: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        query = "&".join(f"{name}={value}" for name, value in {"user": user, **parameters}.items())
        page.goto(f"{address}/approvals?{query}")
        finished(page)
        return page

    return opened


@pytest.fixture
def visit_as(browser: Browser, address: str, contexts: list[BrowserContext]) -> Visit:
    """A visitor of the home with things to decide on."""
    return visitor(browser, address, contexts)


def settled(page: Page) -> None:
    page.wait_for_selector(DONE, timeout=SOON)


def prove(page: Page) -> None:
    """Confirms who decides, as signing in again does with an identity provider; like a person, once more where the screen just moved."""
    button = page.get_by_role("button", name=re.compile("^I am "))
    for _ in range(3):
        button.click()
        with contextlib.suppress(AssertionError):
            expect(button).to_have_count(0, timeout=8_000)
            return
    expect(button).to_have_count(0)


def fill(page: Page, action: str, reason: str, text: str | None = None) -> None:
    """Chooses what to do and why."""
    page.get_by_role("button", name=re.compile(f"^{action}")).first.click()
    page.get_by_role("combobox", name=re.compile("Reason")).click()
    page.get_by_role("option", name=reason).click()
    if text is not None:
        field = page.get_by_role("textbox", name=re.compile("^Text"))
        field.fill(text)
        field.blur()
    settled(page)


def by_key(page: Page) -> None:
    """Takes the next subject by its key, once the button that the key is for is there to hear it."""
    expect(page.get_by_role("button", name=re.compile("^Take next"))).to_be_visible(timeout=SOON)
    page.wait_for_timeout(1_000)
    page.keyboard.press("Alt+n")


def test_one_subject_before_two_people_is_decided_once_and_the_other_is_told(visit_as: Visit) -> None:
    petra, omar = visit_as("petra", subject=GOOD), visit_as("omar", subject=GOOD)
    for page in (petra, omar):
        fill(page, "Approve", "Every check passed and the evidence agrees")
        prove(page)
    button = re.compile("^Approve EUR 400 to …good")
    petra.get_by_role("button", name=button).click()
    expect(petra.get_by_text("Approved: Withdrawal of 400.00 EUR")).to_be_visible(timeout=SOON)
    # nobody touches the other browser: it looks again by itself
    expect(omar.get_by_text("Nothing is left to decide")).to_be_visible(timeout=SOON)
    expect(omar.get_by_role("button", name=button)).to_have_count(0)
    expect(omar.locator(".st-key-decision").get_by_text("ST-07")).to_be_visible()


def test_a_subject_decided_elsewhere_leaves_an_open_list_by_itself(visit_as: Visit) -> None:
    listing, petra = visit_as("omar", type="refund"), visit_as("petra", subject="refund:r-strange")
    expect(listing.get_by_text(STRANGE)).to_be_visible(timeout=SOON)
    fill(petra, "Reject", "A check did not pass")
    prove(petra)
    petra.keyboard.press("Control+Shift+Enter")
    expect(petra.get_by_text("Rejected: Refund of 60.00 EUR")).to_be_visible(timeout=SOON)
    expect(listing.get_by_text(STRANGE)).to_have_count(0, timeout=SOON)


def kept(settings: Settings, text: str) -> bool:
    """Whether a draft with this text reaches the store soon."""
    until = time.monotonic() + SOON / 1000
    while time.monotonic() < until:
        with reading(open_store(settings)) as connection:
            if any(form.get("note") == text for form in connection.execute(sa.select(drafts.c.form)).scalars()):
                return True
        time.sleep(0.2)
    return False


def test_what_is_being_typed_when_the_connection_and_the_browser_go_is_there_again(
    visit_as: Visit, decided: Settings
) -> None:
    page = visit_as("petra", subject=DRAFTED)
    fill(page, "Ask for more", "Something needs an explanation")
    field = page.get_by_role("textbox", name=re.compile("^Text"))
    field.click()
    field.press_sequentially("Why the new card?", delay=10)
    assert kept(decided, "Why the new card?")  # nobody leaves the field: it is handed over while it is written
    page.context.set_offline(True)
    page.context.close()
    again = visit_as("petra", subject=DRAFTED)
    expect(again.get_by_role("textbox", name=re.compile("^Text"))).to_have_value("Why the new card?", timeout=SOON)
    expect(again.get_by_text("Your draft of")).to_be_visible()
    other = visit_as("omar", subject=DRAFTED)
    expect(other.get_by_text("Choose what to do")).to_be_visible(timeout=SOON)
    expect(other.get_by_text("Why the new card?")).to_have_count(0)


def test_take_next_by_its_key_claims_for_one_person_and_others_see_who_holds_it(visit_as: Visit) -> None:
    petra = visit_as("petra", type="transfer")
    by_key(petra)
    expect(petra).to_have_url(re.compile("subject=transfer"), timeout=SOON)
    expect(petra.get_by_text("held by you")).to_be_visible(timeout=SOON)
    taken = re.search(r"subject=([^&]+)", petra.url)
    assert taken is not None
    omar = visit_as("omar", subject=taken[1].replace("%3A", ":"))
    expect(omar.get_by_text("ST-07 is working on this")).to_be_visible(timeout=SOON)
    by_key(omar)
    expect(omar.get_by_text("held by you")).to_be_visible(timeout=SOON)
    assert f"subject={taken[1]}" not in omar.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_a_subject_without_scrolling_sideways(visit_as: Visit, scheme: str) -> None:
    page = visit_as("petra", subject=DRAFTED)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    finished(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    decision, checks = page.locator(".st-key-decision").bounding_box(), page.locator(".st-key-checks").bounding_box()
    assert decision and checks and decision["y"] < checks["y"]


def large_request(settings: Settings) -> tuple[str, str]:
    """The id of a simulated withdrawal that two people must approve, and its amount as the page says it."""
    reader = Reader(settings)
    query = """
        select request_id, amount, currency from operations.fct_withdrawals
        where status = 'requested' and currency = 'EUR' and amount between 10000 and 25000 order by request_id limit 1
    """
    row = reader.query(query).row(0, named=True)
    reader.close()
    return row["request_id"], f"{row['currency']} {row['amount']:,.2f}".removesuffix(".00")


def paid(settings: Settings, request_id: str) -> None:
    """The provider's word that it paid, put into the landing folder and loaded."""
    line = f"paid-{request_id},{request_id},paid,system,psp,{chain.now():%Y-%m-%dT%H:%M:%SZ}"
    folder = settings.landing / "cash_requests"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paid.csv").write_text(f"event_id,request_id,event,actor_type,actor_id,occurred_at\n{line}\n")
    outcome = run_once(settings)
    assert outcome.green, (
        [(node.name, node.message) for node in outcome.build.failures] if outcome.build else "not built"
    )


def test_a_withdrawal_goes_from_request_to_paid_by_two_people_and_a_third_is_refused(
    browser: Browser, built_copy: Settings, contexts: list[BrowserContext]
) -> None:
    identifier, amount = large_request(built_copy)
    with served(built_copy) as address:
        visit = visitor(browser, address, contexts)
        subject = f"withdrawal:{identifier}"
        third = visit("petra", subject=subject)
        expect(third.get_by_text(re.compile("and your limit is EUR 10,000.00"))).to_be_visible(timeout=SOON)
        expect(third.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)

        simon = visit("simon", subject=subject)
        fill(simon, "Approve", "Every check passed and the evidence agrees")
        prove(simon)
        simon.get_by_role("button", name=re.compile(f"^Approve step 1 of 2: {amount} to …")).click()
        expect(simon.get_by_text("Step 1 of 2 approved. Waiting for finance, due")).to_be_visible(timeout=SOON)
        expect(simon.get_by_text("each step is another person's")).to_be_visible(timeout=SOON)

        farid = visit("farid", subject=subject)
        fill(farid, "Approve", "Every check passed and the evidence agrees")
        prove(farid)
        farid.get_by_role("button", name=re.compile(f"^Approve step 2 of 2: {amount} to …")).click()
        expect(farid.get_by_text("Nothing is left to decide")).to_be_visible(timeout=SOON)
        expect(third.get_by_text("Nothing is left to decide")).to_be_visible(timeout=SOON)

        paid(built_copy, identifier)
        # the screen looks again by itself, and finds the new publish
        expect(farid.get_by_text("The source says: paid.")).to_be_visible(timeout=2 * SOON)
        assert identifier not in str(visit("petra", type="withdrawal").content())
