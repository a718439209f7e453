"""The Overview's tab Alerts: what fires is told, and acknowledged by whom it concerns."""

from datetime import datetime
from pathlib import Path

import pytest

from apps.approvals.store import open_store, reading
from apps.metric_alerts.standing import standing, watch
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.deciding_home import STAFF
from tests.apps.dashboard.hand_made import MARTS, make
from tests.apps.dashboard.test_pages import words
from warehouse.settings import Settings

RULES = """
- {name: deposits_high, metric: deposits, when: above, limit: 1, period: 7d, owner: payments, severity: high, advice: Look at the *providers*.}
- {name: deposits_fine, metric: deposits, when: below, limit: 1, period: 7d, owner: payments, severity: low, advice: Nothing.}
"""
CLIENTS = """
    select 'c1' as client_id, 'CY' as entity, 'p1' as partner_id, 'a@b.example' as email, 'Ann' as first_name, 'Lee' as last_name,
        date '1980-01-01' as birth_date, 'CY' as country_of_residence, false as is_test"""


@pytest.fixture(scope="module")
def alerting(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home in which deposits are higher than a rule allows."""
    marts = {**MARTS, "core.dim_staff": STAFF, "core.dim_clients": CLIENTS}
    settings = make(Settings(home=tmp_path_factory.mktemp("alerting")), marts)
    (settings.root / "metric_alerts.yml").write_text(RULES)
    assert watch(settings, datetime(2026, 11, 22, 9)) == 1
    return settings


def state(settings: Settings) -> str:
    with reading(open_store(settings)) as connection:
        return standing(connection)["deposits_high"].state


def test_an_alert_is_told_above_the_tiles_and_only_those_it_concerns_may_acknowledge_it(
    open_page: Open, alerting: Settings
) -> None:
    app = open_page("overview", "simon", home=alerting.root, tab="alerts", alert="deposits_high")
    assert not app.exception
    assert "1 alert on metrics:** Deposits" in words(app) and "Look at the *providers*." in words(app)
    assert app.dataframe[0].value["rule"].to_list() == ["deposits_high"]
    assert "It is acknowledged by payments, leadership, data; you are finance" in words(app)
    app = open_page("overview", "petra", home=alerting.root, tab="alerts", alert="deposits_high")
    app.button(key="session.again").click().run()
    app.text_input(key="alert.note").input("The provider paid two days at once")
    app.button(key="alert.go").click().run()
    assert not app.exception and "Acknowledged" in words(app)
    assert state(alerting) == "acknowledged"
    assert app.dataframe[-1].value["state"].to_list() == ["acknowledged", "firing"]
    assert "alert on metrics" not in words(open_page("overview", "lena", home=alerting.root))


def test_rules_that_cannot_be_used_are_said_on_the_page(open_page: Open, tmp_path: Path) -> None:
    settings = make(Settings(home=tmp_path / "home"))
    (settings.root / "metric_alerts.yml").write_text("- {name: x}\n")
    app = open_page("overview", "lena", home=settings.root, tab="alerts")
    assert "No metric is watched" in words(app) and "No alert is open" in words(app) and not app.exception
