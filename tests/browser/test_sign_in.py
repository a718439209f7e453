"""Signing in at a real identity provider, in a real browser: who comes in, who does not, and what ends a session."""

import contextlib
import http.client
import json
import os
import re
import ssl
import subprocess
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value, decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from apps.approvals import chain
from apps.approvals.store import open_store, reading, writing
from apps.approvals.tables import events, sessions
from apps.cli import processes, sign_in
from tests import servers
from tests.apps.dashboard.hand_made import MARTS, STAFF, make
from warehouse.engine import connect
from warehouse.publish import publish
from warehouse.settings import PROJECT, Settings

pytestmark = pytest.mark.browser
USERS = ("petra.novak", "maeve.lynch", "nina.petrova", "mallory")
PROVIDER = re.compile(r"/(login|auth|oauth)\b")


@dataclass(frozen=True)
class Served:
    """A dashboard behind the proxy of docs/nginx.conf that asks an identity provider who comes, and one page that decides."""

    settings: Settings
    address: str
    deciding: str
    deciding_secrets: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("sign-in")
    home = make(Settings(home=folder / "home"), MARTS | STAFF).root
    inside, proxy, deciding = servers.free_port(), servers.free_port(), servers.free_port()
    public = {inside: f"https://localhost:{proxy}", deciding: f"http://127.0.0.1:{deciding}"}
    with contextlib.ExitStack() as stack:
        callbacks = ",".join(address + sign_in.CALLBACK for address in public.values())
        metadata = stack.enter_context(servers.identity_provider(folder, callbacks, USERS))
        for port, entry in ((inside, None), (deciding, PROJECT / "tests/browser/deciding.py")):
            settings = Settings(
                home=home, dashboard_port=port, public_url=public[port], oidc_metadata_url=metadata, oidc_client_id="daybook",
                oidc_client_secret="known-to-the-test", oidc_trust_email=True,
            )  # fmt: skip
            stack.enter_context(_dashboard(settings, folder, entry))
        stack.enter_context(servers.nginx(folder, inside, proxy))
        yield Served(settings, public[inside], public[deciding], folder / f"{deciding}.toml")


@contextlib.contextmanager
def _dashboard(settings: Settings, folder: Path, entry: Path | None) -> Iterator[None]:
    """Served as `daybook up` does, each with a secrets file of its own."""
    sign_in.write_secrets(settings)
    secrets = sign_in.secrets_file(settings).rename(folder / f"{settings.dashboard_port}.toml")
    command = list(processes.services(settings)[0].command)
    command[command.index("--secrets.files") + 1] = str(secrets)
    if entry:
        command[command.index("run") + 1] = str(entry)
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
        "DAYBOOK_HOME": str(settings.root), "DAYBOOK_PUBLIC_URL": settings.public_url, "DAYBOOK_OIDC_METADATA_URL": settings.oidc_metadata_url,
        "DAYBOOK_OIDC_CLIENT_ID": "daybook", "DAYBOOK_OIDC_CLIENT_SECRET": "known-to-the-test", "DAYBOOK_OIDC_TRUST_EMAIL": "true",
    }  # fmt: skip
    with (folder / f"{settings.dashboard_port}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=PROJECT)
        try:
            servers.until_it_serves(f"http://127.0.0.1:{settings.dashboard_port}/_stcore/health")
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that nobody has signed in with."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, ignore_https_errors=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def sign_in_as(page: Page, name: str) -> None:
    """Through the provider's own pages."""
    page.get_by_role("button", name="Sign in").first.click()
    page.wait_for_url(PROVIDER)
    page.fill("#login", name)
    page.get_by_role("button", name="Continue").click()
    prove(page, name)


def prove(page: Page, name: str) -> None:
    """Types the password, which the provider asks for."""
    page.fill("#password", f"the-password-of-{name}")
    page.locator("button[type=submit]").first.click()


def shown(page: Page, words: str) -> None:
    """Waits until the page says so."""
    expect(page.get_by_text(words).first).to_be_visible(timeout=60_000)


def opened(page: Page, title: str) -> None:
    """Waits until the page with this title is there."""
    expect(page.locator("h1")).to_have_text(title, timeout=60_000)


def numbers(page: Page) -> int:
    """How many figures and tables are on the screen."""
    return page.locator('[data-testid="stMetric"], [data-testid="stDataFrame"]').count()


def ours_refused(served: Served, line: ConsoleMessage) -> bool:
    """Whether the browser kept our page from doing something; the provider's pages have a policy of their own."""
    return "Content Security" in line.text and line.location["url"].startswith(served.address)


def said(served: Served, kind: str, actor: str) -> list[str | None]:
    """The reasons of these events in the chain, once there is one."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with reading(open_store(served.settings)) as connection:
            query = sa.select(events.c.body).where(events.c.type == kind, events.c.actor_id == actor)
            found = [json.loads(body).get("reason") for body in connection.scalars(query)]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no {kind} by {actor} in the chain")


def test_a_member_of_staff_signs_in_and_is_led_to_the_page_asked_for(served: Served, page: Page) -> None:
    refused_by_policy: list[str] = []
    page.on("console", lambda line: refused_by_policy.append(line.text) if ours_refused(served, line) else None)
    page.goto(f"{served.address}/payments?entity=CY&period=7d")
    sign_in_as(page, "petra.novak")
    page.wait_for_url(f"{served.address}/payments?**")
    opened(page, "Payments")
    assert "entity=CY" in page.url and "period=7d" in page.url
    shown(page, "Petra Novak · payments")
    assert said(served, "access.signed_in", "ST-07") == [None]
    assert said(served, "page.viewed", "ST-07")
    expect(page.locator('[data-testid="stPlotlyChart"] .main-svg').first).to_be_visible(timeout=60_000)
    assert refused_by_policy == [], "\n".join(refused_by_policy)


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("mallory", "unknown", "on no staff record"),
        ("nina.petrova", "inactive", "no longer active"),
    ],
)
def test_who_is_no_active_member_of_staff_sees_no_page(
    served: Served, page: Page, name: str, reason: str, words: str
) -> None:
    page.goto(f"{served.address}/payments?user=petra")
    sign_in_as(page, name)
    shown(page, words)
    page.goto(f"{served.address}/payments?user=petra")
    shown(page, words)
    assert numbers(page) == 0
    assert set(said(served, "access.refused", f"{name}@broker.example")) == {reason}


def test_a_cookie_kept_beyond_signing_out_opens_nothing(served: Served, page: Page, browser: Browser) -> None:
    page.goto(f"{served.address}/payments")
    sign_in_as(page, "petra.novak")
    opened(page, "Payments")
    stolen = page.context.cookies(served.address)
    identity = [cookie for cookie in stolen if cookie["name"].startswith("_streamlit_user")]
    assert identity and all(cookie["httpOnly"] and cookie["secure"] for cookie in identity)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda url: not url.startswith(f"{served.address}/payments"))
    thief = browser.new_context(ignore_https_errors=True)
    thief.add_cookies(stolen)
    other = thief.new_page()
    other.goto(f"{served.address}/payments")
    shown(other, "You have signed out of this session")
    assert numbers(other) == 0
    thief.close()
    assert said(served, "access.signed_out", "ST-07") == ["signed_out"]


def test_who_was_away_too_long_signs_in_again(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/payments")
    sign_in_as(page, "petra.novak")
    opened(page, "Payments")
    with writing(open_store(served.settings)) as connection:
        earlier = chain.now() - timedelta(minutes=31)
        connection.execute(sa.update(sessions).where(sessions.c.ended_at.is_(None)).values(last_seen_at=earlier))
    page.reload()
    shown(page, "away for more than 30 minutes")
    assert "idle" in said(served, "access.session_ended", "ST-07")
    page.get_by_role("button", name="Sign in again").click()
    prove(page, "petra.novak")
    opened(page, "Payments")


def test_who_decides_proves_who_they_are_again(served: Served, page: Page) -> None:
    page.goto(served.deciding)
    sign_in_as(page, "petra.novak")
    shown(page, "May decide")
    page.context.add_cookies([aged(served, page, minutes=11)])
    page.reload()
    shown(page, "Who decides proves who they are")
    assert page.get_by_text("May decide").count() == 0
    page.get_by_role("button", name="Sign in again to decide").click()
    page.wait_for_url(PROVIDER)
    prove(page, "petra.novak")
    shown(page, "May decide")


def aged(served: Served, page: Page, minutes: int) -> Any:
    """The identity cookie as it would be, had the person proved that many minutes earlier who they are."""
    secrets = tomllib.loads(served.deciding_secrets.read_text(encoding="utf-8"))["auth"]["cookie_secret"]
    cookie = next(one for one in page.context.cookies(served.deciding) if one["name"] == USER_COOKIE_NAME)
    claims = json.loads(decode_signed_value(secrets, USER_COOKIE_NAME, cookie["value"]) or b"")
    claims["auth_time"] -= minutes * 60
    value = create_signed_value(secrets, USER_COOKIE_NAME, json.dumps(claims)).decode()
    return {"name": USER_COOKIE_NAME, "value": value, "url": served.deciding, "httpOnly": True}


def test_a_role_taken_away_counts_from_the_next_run_on(served: Served, page: Page) -> None:
    page.goto(f"{served.address}/data")
    sign_in_as(page, "maeve.lynch")
    shown(page, "Maeve Lynch · mlro")
    republish(served.settings, "update core.dim_staff set is_active = false, _run_id = 2 where staff_id = 'ST-02'")
    page.reload()
    shown(page, "no longer active")
    assert numbers(page) == 0


def republish(settings: Settings, change: str) -> None:
    """A green run that made the change, published."""
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        connection.execute(change)
        connection.execute("update control.models set run_id = 2, high_water = 2 where model = 'dim_staff'")
        connection.execute(
            "insert into control.runs values (2, now()::timestamp, now()::timestamp, 'green', true, 2, 'x', null)"
        )
    publish(settings)


def ask(served: Served, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers (names in lower case) of what the proxy answers, without following it."""
    connection = http.client.HTTPSConnection(
        urlsplit(served.address).netloc, context=ssl._create_unverified_context(), timeout=20
    )
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_the_proxy_sends_the_headers_that_keep_a_page_to_itself(served: Served) -> None:
    for path in ("/", "/payments", "/_stcore/metrics"):
        _, headers = ask(served, path)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval'" not in headers["content-security-policy"].replace("wasm-unsafe-eval'", "")
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")
        assert headers["x-frame-options"] == "DENY"


def test_the_proxy_keeps_metrics_and_programs_out(served: Served) -> None:
    for path in ("metrics", "script-health-check", "agent/openapi.json", "agent/interact"):
        assert ask(served, f"/_stcore/{path}")[0] == 404
    assert ask(served, "/_stcore/health")[0] == 200


def test_a_socket_opens_for_our_own_page_only(served: Served) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    assert ask(served, "/_stcore/stream", **upgrade, Origin=served.address)[0] == 101
    assert ask(served, "/_stcore/stream", **upgrade, Origin="https://evil.example")[0] == 403
    assert ask(served, "/_stcore/stream", **upgrade)[0] == 403
    assert ask(served, "/payments", Origin="https://evil.example")[0] == 403


def test_a_large_identity_cookie_passes_the_proxy(served: Served) -> None:
    assert ask(served, "/", Cookie="; ".join(f"_streamlit_user_{number}={'x' * 3900}" for number in range(7)))[0] == 200


def test_starting_to_sign_in_too_often_is_slowed_down(served: Served) -> None:
    answers = [ask(served, "/auth/login")[0] for _ in range(40)]
    assert answers[0] == 302 and answers[-1] == 429
