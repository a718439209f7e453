"""The pages while the chain works on what they show."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from apps.dashboard.navigation import PAGES
from apps.dashboard.viewer import demo_users
from ingestion.simulator import simulate
from tests.browser.conftest import finished, served
from warehouse.engine import make_home
from warehouse.lake import publishes
from warehouse.settings import PROJECT, Settings

RUN = [sys.executable, "-c", "from apps.cli.main import main; main()"]


@pytest.mark.soak
def test_pages_answer_without_error_while_a_million_deals_are_run(browser: Browser, tmp_path: Path, record_property):
    settings = Settings(home=tmp_path / "home")
    make_home(settings)
    simulate(settings.landing, truth=settings.truth, deals=1_000_000)
    visits = [(listed.name, viewer.user) for viewer in demo_users() for listed in PAGES if listed.name in viewer.pages]
    seconds: list[float] = []
    with served(settings) as address:
        page = browser.new_context().new_page()
        for command in (["run"], ["build", "--full-refresh"]):  # nothing is published yet; then everything is made anew
            process = subprocess.Popen(
                [*RUN, *command], env={**os.environ, "DAYBOOK_HOME": str(settings.root)}, cwd=PROJECT
            )
            while process.poll() is None:
                name, user = visits[len(seconds) % len(visits)]
                started = time.monotonic()
                page.goto(f"{address}/{name}?user={user}")
                finished(page)
                seconds.append(time.monotonic() - started)
                assert page.locator('[data-testid="stException"]').count() == 0, (name, user)
                assert page.get_by_text("Failed (reference").count() == 0, (name, user)
            assert process.returncode == 0
    assert len(publishes(settings)) == 2
    assert len(seconds) > 2 * len(PAGES)
    record_property("slowest_page_seconds", max(seconds))
