"""The dashboard served on a free port, and a headless browser that notes what it asks for."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.apps.dashboard.hand_made import make
from warehouse.settings import PROJECT, Settings

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard on a small published home."""
    with served(make(Settings(home=tmp_path_factory.mktemp("served")))) as address:
        yield address


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of a dashboard on this home, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "apps" / "dashboard" / "main.py")]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    process = subprocess.Popen(
        command, env={**os.environ, "DAYBOOK_HOME": str(settings.root)}, stdout=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(address: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"no dashboard at {address} after a minute")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it the tests fail in CI and are left out elsewhere."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        words = "no Chromium was found; `apt-get install chromium` provides it"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, dashboard: str) -> Iterator[Callable[[str], Page]]:
    """Opens an address of the dashboard and waits until the page is done; `page.asked` lists every request it made."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.asked = []  # type: ignore[attr-defined]
    page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]

    def opened(address: str) -> Page:
        page.goto(f"{dashboard}/{address}")
        finished(page)
        return page

    yield opened
    context.close()


def finished(page: Page) -> None:
    """Waits until the script has run and drawn the page's title."""
    page.wait_for_selector(f"{DONE} h1", timeout=120_000)
    page.wait_for_selector(DONE, timeout=120_000)
