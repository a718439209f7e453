"""How long a page takes the server, every page for one user who may open it, on the home that was benched."""

import os
import statistics
import sys
import time
from collections.abc import Callable

from streamlit import config
from streamlit.testing.v1 import AppTest

from apps.dashboard.navigation import PAGES
from apps.dashboard.viewer import demo_users
from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings

MAIN = PROJECT / "apps" / "dashboard" / "main.py"
ROUNDS = 3


def page_times(settings: Settings, progress: Callable[[str], None]) -> dict[str, list[float]]:
    """Milliseconds of each opening of each page, warm, by page; the script runs whole, without a browser."""
    config.set_option("server.address", "127.0.0.1")
    os.environ["DAYBOOK_HOME"] = str(settings.root)
    viewers = {page.name: next(one.user for one in demo_users() if page.name in one.pages) for page in PAGES}
    times: dict[str, list[float]] = {}
    main = sys.modules["__main__"]  # the page under test takes its place
    for attempt in range(ROUNDS + 1):
        for page, user in viewers.items():
            progress(f"page {page}")
            app = AppTest.from_file(str(MAIN), default_timeout=300)
            app.query_params["user"] = user
            app.switch_page(f"app_pages/{page}.py")
            started = time.perf_counter()
            app.run()
            if app.exception:
                raise WarehouseError(f"The page {page} failed: {app.exception[0].message}")
            if attempt:  # the first opening imports what the page needs
                times.setdefault(page, []).append((time.perf_counter() - started) * 1000)
    sys.modules["__main__"] = main
    return times


def p95(times: dict[str, list[float]]) -> float:
    """Over all openings of all pages."""
    return round(statistics.quantiles([one for page in times.values() for one in page], n=20)[-1], 1)
