"""A small published home, and the application run on it without a browser."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from tests.apps.dashboard.hand_made import make
from warehouse.settings import PROJECT, Settings

MAIN = PROJECT / "apps" / "dashboard" / "main.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def hand_made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Marts written by hand and published once; tests only read it."""
    return make(Settings(home=tmp_path_factory.mktemp("hand-made")))


@pytest.fixture(autouse=True)
def main_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page under test takes the place of `__main__`; whoever starts processes later must find pytest's own there."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def open_page(hand_made: Settings, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page as a role's demo user: `open_page("payments", "finance", period="7d")`; `home=` looks at another home."""
    config.set_option("server.address", "127.0.0.1")

    def opened(page: str, user: str, *, home: Path | None = None, **parameters: str) -> AppTest:
        monkeypatch.setenv("DAYBOOK_HOME", str(home or hand_made.root))
        app = AppTest.from_file(str(MAIN), default_timeout=60)
        for name, value in {"user": user, **parameters}.items():
            app.query_params[name] = value
        app.switch_page(f"app_pages/{page}.py")
        return app.run()

    return opened
