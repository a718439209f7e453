"""Regulator query for every subject, and the audit explorer: what they show, what they leave out, and what they record."""

from datetime import datetime
from pathlib import Path

import pytest

from apps.access import journal
from apps.access.reads import reads
from apps.approvals.chain import Actor, Event
from apps.approvals.store import open_store
from apps.dashboard.ui.timeline import LANES, lane, swim_lanes
from apps.dossier.subjects import kinds
from tests.apps.dashboard.conftest import Open
from tests.apps.dashboard.test_pages import words
from warehouse.settings import Settings


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event_type": "withdrawal.requested", "actor_type": "client", "stream": "payment"}, "client"),
        ({"event_type": "risk_check.pass", "actor_type": "system", "stream": "payment"}, "checks"),
        ({"event_type": "kyc.check_completed", "actor_type": "system", "stream": "kyc"}, "checks"),
        ({"event_type": "approval.claimed", "actor_type": "staff", "stream": "approval"}, "people"),
        ({"event_type": "withdrawal.approved", "actor_type": "staff", "stream": "payment"}, "people"),
        ({"event_type": "outbox.delivered", "actor_type": "system", "stream": "outbox"}, "money"),
        ({"event_type": "withdrawal.paid", "actor_type": "provider", "stream": "payment"}, "money"),
        ({"event_type": "psp.deposit.completed", "actor_type": "provider", "stream": "payment"}, "money"),
    ],
)
def test_every_event_has_its_lane(event: dict[str, str], expected: str) -> None:
    assert lane(event) == expected


def test_lanes_stand_in_one_order_and_the_decision_is_drawn() -> None:
    at = datetime(2026, 3, 10, 10)
    events = [
        {"event_type": kind, "actor_type": who, "stream": "payment", "stream_id": "W1", "occurred_at": at, "recorded_at": at}
        for kind, who in (("withdrawal.approved", "staff"), ("psp.x", "provider"), ("risk_check.pass", "system"), ("a", "client"))
    ]  # fmt: skip
    figure = swim_lanes(events, "W1", at)
    assert [trace.name for trace in figure.data] == list(LANES)
    assert [note.text for note in figure.layout.annotations] == ["decision"]


@pytest.mark.parametrize("subject", ["deposit", "parameter_change"])
def test_an_unknown_id_is_answered_in_words(open_page: Open, subject: str) -> None:
    said = words(open_page("regulator_query", "astrid", subject=subject, id="nope:1"))
    assert f"No such {kinds()[subject].label.lower()}" in said
    assert "Failed" not in said


def test_a_request_that_is_not_ones_own_is_refused_by_its_address_too(open_page: Open) -> None:
    assert "Refused" in words(open_page("regulator_query", "astrid", tab="requests", request="R10"))


def test_the_trail_is_counted_and_filtered_by_what_the_address_says(open_page: Open) -> None:
    app = open_page("audit_explorer", "costas", period="all", about="c7")
    assert {str(one) for one in app.dataframe[0].value["client_id"]} == {"c7"}
    assert app.metric[0].value == str(len(app.dataframe[0].value))
    assert int(app.metric[1].value) > 0
    assert "Nothing matches" in words(open_page("audit_explorer", "costas", period="all", kind="withdrawal."))


def test_the_chain_is_verified_when_asked_and_not_before(open_page: Open) -> None:
    app = open_page("audit_explorer", "astrid", tab="chain")
    assert not app.success
    app = app.button[0].click().run()
    assert "The chain is whole" in app.success[0].value


def test_a_role_without_the_page_is_refused(open_page: Open) -> None:
    assert "may not open Audit explorer" in words(open_page("audit_explorer", "farid"))


def test_the_access_log_finds_who_looked_at_an_id_and_not_who_looked_at_one_like_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for number, client in enumerate(("C1", "C11")):
        event = Event(
            "page.viewed", Actor(f"S{number}", role="support"), "page", "clients", after={"query": {"client": client}}
        )
        journal.record_now(settings, event)
    journal.record_now(settings, Event("dossier.asked", Actor("S9"), "client", "C1", client_id="C1"))
    journal.record_now(settings, Event("session.started", Actor("S9"), "session", "x"))
    span = (datetime(2020, 1, 1), datetime.max)
    assert reads(open_store(settings), *span, about="C1")["who"].to_list() == ["S9", "S0"]
    assert reads(open_store(settings), *span, who="S1")["client_id"].to_list() == ["C11"]
    assert reads(open_store(settings), *span).height == 3
