"""The pages on monitoring: alerts with their evidence, the catalogue of rules with a replay, and the network of linked persons."""

import pytest

from apps.dashboard import rehearsals
from apps.dashboard.ui.network import network
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.test_books import BY_ROLE
from tests.apps.dashboard.test_pages import words
from warehouse.settings import Settings

PAGES = ("alerts", *(pytest.param(page, marks=pytest.mark.soak) for page in ("rules", "linked_persons")))
"""One page in every run; `make soak` opens the others too."""
REPLAYED = {
    "scenarios": [{"scenario": "A01", "stands": 8, "would_stand": 5, "added": 0, "gone": 3}],
    "added": [],
    "gone": [{
        "scenario": "A01", "client_id": "c1", "window_start": "2026-11-01T09:00:00", "window_end": "2026-11-04T09:00:00", "amount_eur": "5400",
        "score": "0.8", "detail": "3 deposits",
    }],
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_home_has_no_monitoring_yet(open_page: Open, home: Settings, page: str) -> None:
    app = open_page(page, BY_ROLE["compliance"], home=home.root)
    assert "Not loaded yet" in words(app)
    assert not app.exception


@pytest.mark.parametrize("page", PAGES)
def test_who_may_not_open_monitoring_is_refused_by_its_address_too(open_page: Open, page: str) -> None:
    assert "Refused" in words(open_page(page, BY_ROLE["payments"]))


def test_the_list_names_open_alerts_and_what_is_not_evaluated(open_page: Open) -> None:
    app = open_page("alerts", BY_ROLE["compliance"], period="all")
    assert not app.exception
    assert "account\\_snapshots" in words(app), "silence of A16 means nothing, and the page says so"
    shown = app.dataframe[0].value
    assert len(shown) == 10, "the two closed ones are left out"
    assert shown["scenario"].iloc[0] == "A09", "the critical ones come first"


def test_an_alert_shows_its_evidence_its_group_and_its_rule(open_page: Open) -> None:
    app = open_page("alerts", BY_ROLE["mlro"], id="A09-0")
    assert not app.exception
    evidence, group = (table.value for table in app.dataframe[:2])
    assert list(evidence["evidence_key"]) == ["psp_transactions:adyen:e0"]
    assert list(evidence["event_type"]) == ["psp_transaction.declined"]
    assert sorted(group["client_id"]) == ["c10", "c11"]
    assert "holds withdrawals" in words(app)
    assert "No such alert" in words(open_page("alerts", BY_ROLE["mlro"], id="A09-nothing"))


def test_a_rule_shows_its_parameters_and_what_another_value_would_have_found(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(rehearsals, "replayed", lambda settings, change: asked.append(change) or REPLAYED)
    app = open_page("rules", BY_ROLE["compliance"], scenario="A01")
    assert list(app.dataframe[0].value["parameter"]) == ["deposits", "window_days"]
    app.text_input[0].set_value("5")
    app.button[0].click().run()
    assert not app.exception
    assert asked == ["A01.deposits=5"]
    assert [metric.value for metric in app.metric] == ["8", "5", "0", "3"]


def test_an_auditor_sees_the_rules_and_runs_none(open_page: Open) -> None:
    app = open_page("rules", BY_ROLE["auditor"], scenario="A01")
    assert not app.exception
    assert not app.button
    assert len(open_page("rules", BY_ROLE["auditor"]).dataframe[0].value) == 3


def test_a_network_reaches_two_steps_and_says_what_each_link_is(open_page: Open) -> None:
    app = open_page("linked_persons", BY_ROLE["compliance"], client="c10")
    assert not app.exception
    links = app.dataframe[0].value
    assert set(links["to_id"]) == {"c11", "c12"}, "c13 is three steps away"
    assert len(open_page("linked_persons", BY_ROLE["compliance"]).dataframe[0].value) == 3


def test_a_drawing_tells_one_person_from_a_shared_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.dashboard.ui.theme.ink", lambda: "#000000")
    links = [
        {"from_id": "c1", "to_id": "c2", "attribute": "document", "is_same_person": True},
        {"from_id": "c1", "to_id": "c3", "attribute": "device", "is_same_person": False},
    ]
    figure = network(links, "c1", {"c3": ["A09"]})
    assert [trace.name for trace in figure.data[:2]] == ["one person", "shared"]
    records = figure.data[-1]
    assert dict(zip(records.text, records.marker.symbol, strict=True)) == {
        "c1": "circle",
        "c2": "circle",
        "c3": "diamond",
    }
