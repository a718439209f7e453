"""Undo: ten seconds in which whoever decided takes it back; nothing goes out before, nothing is removed, nothing is doubled."""

import os
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from apps import operations
from apps.approvals import chain, outbox
from apps.approvals.chain import SYSTEM, Event, append
from apps.approvals.decisions import decide
from apps.approvals.live import load
from apps.approvals.orders import Answer, Desk
from apps.approvals.store import reading, writing
from apps.approvals.undoing import undoable
from apps.approvals.verify import verify
from ingestion.connectors.operations import CONNECTOR
from tests.apps.approvals.office import NOW, Office, office, staff, withdrawal
from tests.apps.approvals.racing import at_once
from tests.apps.approvals.test_killed_between_steps import counting, forked, own_engine
from warehouse.settings import Settings

WINDOW = timedelta(seconds=10)


@pytest.fixture
def made(ops_store: sa.Engine) -> Office:
    found = office(ops_store)
    found.undo = WINDOW
    return found


@pytest.fixture
def settings(ops_settings: Settings) -> Settings:
    """The home, in which decisions go out as files ten seconds after they were taken."""
    return ops_settings.model_copy(update={"undo_seconds": WINDOW.total_seconds()})


def sending(made: Office, settings: Settings) -> Desk:
    return replace(made.desk, deliver=outbox.deliverer(settings))


def sent(settings: Settings) -> list[Path]:
    return sorted(settings.outbox.rglob("*.json"))


def undo(made: Office, desk: Desk, actor: str = "pay1", subject_id: str = "w1", **more: Any) -> Answer:
    return decide(desk, made.order("undo", actor, subject_id, **{"reason_code": None} | more))


def test_a_decision_undone_in_time_opens_the_subject_again_and_nothing_of_it_goes_out(made: Office, settings: Settings):
    desk = sending(made, settings)
    taken = decide(desk, made.order("approve", "pay1"))
    assert taken.done and made.count("outbox") > 0
    made.now = NOW + WINDOW
    assert outbox.deliver_due(made.engine, settings, made.now - timedelta(microseconds=1)) == []
    answer = undo(made, desk)
    assert answer.done and "undone" in answer.said and answer.waiting_for == ("payments", "finance")
    live = made.live()
    assert (live["state"], live["round"], live["step"], live["version"]) == ("open", 2, 0, 2)
    assert outbox.deliver_due(made.engine, settings, NOW + timedelta(hours=1)) == [] and sent(settings) == []
    (event,) = made.events("approval.undone")
    assert event["approval_id"] == taken.decision_id and len(event["after"]["recalled"]) > 0
    assert made.count("decisions") == 1 and verify(made.engine).whole


def test_after_it_was_undone_the_same_person_decides_anew_and_that_goes_out_once(made: Office, settings: Settings):
    desk = sending(made, settings)
    decide(desk, made.order("approve", "pay1"))
    assert undo(made, desk).done
    assert decide(desk, made.order("reject", "pay1")).done
    assert made.live()["state"] == "rejected"
    delivered = outbox.deliver_due(made.engine, settings, NOW + WINDOW)
    assert {one.outcome for one in delivered} == {"delivered"} and len(sent(settings)) == len(delivered)
    assert all('"decision": "reject"' in one.read_text() for one in sent(settings))
    assert verify(made.engine).whole


def test_after_the_seconds_it_has_gone_out_and_cannot_be_undone(made: Office, settings: Settings):
    desk = sending(made, settings)
    decide(desk, made.order("approve", "pay1"))
    made.now = NOW + WINDOW + timedelta(microseconds=1)
    answer = undo(made, desk)
    assert (answer.status, answer.code) == ("refused", "too_late") and "reversed by a request" in answer.said
    assert {one.outcome for one in outbox.deliver_due(made.engine, settings, made.now)} == {"delivered"}
    assert made.live()["state"] == "approved" and made.refusals() == ["too_late"]


def test_only_whoever_decided_undoes_it_and_only_while_nothing_else_happened(made: Office):
    made.give("approve", "pay1")
    assert undo(made, made.desk, "pay2").code == "not_entitled"
    assert undo(made, made.desk, version=0).code == "version"
    made.ask(withdrawal("w2", amount=20_000))
    assert made.give("approve", "pay1", "w2").done
    assert made.give("claim", "fin1", "w2").done
    assert undo(made, made.desk, subject_id="w2").code == "version"
    assert undo(made, made.desk, "fin1", subject_id="w2").code == "not_entitled"
    made.ask(withdrawal("w3"))
    assert undo(made, made.desk, subject_id="w3", version=0).code == "undo"


def test_where_nothing_can_be_undone_the_order_is_refused(made: Office):
    made.undo = timedelta(0)
    made.give("approve", "pay1")
    assert undo(made, made.desk).code == "undo"


def test_undoing_the_last_of_two_steps_voids_the_round_and_both_decide_anew(made: Office):
    made.ask(withdrawal(amount=20_000))
    made.give("approve", "pay1")
    assert made.give("approve", "fin1").state == "approved"
    answer = undo(made, made.desk, "fin1")
    assert answer.done and "approvals of this round are void" in answer.said
    assert (made.live()["state"], made.live()["step"]) == ("open", 0)
    assert made.give("approve", "pay1").state == "waiting"
    assert made.give("approve", "fin1").state == "approved"
    assert made.count("decisions") == 4 and made.count("decisions", "final") == 2
    assert verify(made.engine).whole


def test_an_escalated_subject_is_escalated_again(made: Office):
    made.hire(staff("com1", "compliance"))
    made.give("escalate", "pay1")
    made.give("approve", "com1")
    answer = undo(made, made.desk, "com1")
    assert answer.done and made.live()["state"] == "escalated" and "compliance" in answer.waiting_for


def test_an_undo_sent_twice_is_carried_out_once(made: Office):
    made.give("approve", "pay1")
    order = made.order("undo", "pay1", reason_code=None)
    first, again = decide(made.desk, order), decide(made.desk, order)
    assert first.done and again.replayed and replace(again, replayed=False) == first
    assert len(made.events("approval.undone")) == 1 and made.version() == 2


def test_an_undo_beside_the_worker_at_the_last_moment_either_stops_the_message_or_is_refused(
    made: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(chain, "now", lambda: NOW + WINDOW)  # the worker writes its events by the same clock
    desk = sending(made, settings)
    for number in range(12):
        name = f"race{number}"
        made.ask(withdrawal(name))
        made.now = NOW
        taken = decide(desk, made.order("approve", "pay1", name))
        made.now = NOW + WINDOW
        order = made.order("undo", "pay1", name, reason_code=None)
        answers: list[Answer] = []

        def work(order: Any = order, answers: list[Answer] = answers) -> Any:
            answers.append(decide(desk, order))

        def deliver() -> Any:
            outbox.deliver_due(made.engine, settings, NOW + WINDOW)

        at_once([work, deliver] if number % 2 else [deliver, work])
        out = made.count("outbox", f"decision_id = '{taken.decision_id}'")
        assert bool(out) != answers[0].done, answers
        assert made.live(name)["state"] == ("open" if answers[0].done else "approved")
    assert verify(made.engine).whole


@pytest.mark.parametrize("points", [pytest.param(5, id="5"), pytest.param(0, id="all", marks=pytest.mark.soak)])
def test_an_undo_killed_between_any_two_steps_is_done_once_when_sent_again(
    made: Office, settings: Settings, points: int
):
    def decided(name: str) -> Any:
        made.ask(withdrawal(name))
        decide(sending(made, settings), made.order("approve", "pay1", name))
        return made.order("undo", "pay1", name, reason_code=None, key=f"undo-{name}")

    probe = own_engine(made)
    order = decided("probe")
    passed = counting(probe, 0)
    decide(replace(sending(made, settings), engine=probe), order)
    probe.dispose()
    steps = passed[0]
    for at in range(1, steps + 1, steps // points if points else 1):
        order = decided(f"k{at}")

        def killed(at: int = at, order: Any = order) -> None:
            engine = own_engine(made)
            counting(engine, at)
            decide(replace(sending(made, settings), engine=engine), order)
            os._exit(0)

        assert forked(killed) == signal.SIGKILL, at
        assert verify(made.engine).whole
        assert decide(sending(made, settings), order).done
        where = f"subject_id = 'k{at}'"
        assert (made.live(f"k{at}")["round"], made.count("outbox", where)) == (2, 0)
    assert Counter(event["subject_id"] for event in made.events("approval.undone")).most_common(1)[0][1] == 1


def test_what_can_be_undone_is_known_to_the_page_for_as_long_as_it_can(made: Office):
    made.give("approve", "pay1")
    with reading(made.engine) as connection:
        live = load(connection, "withdrawal", "w1")
        found = undoable(connection, live, made.people["pay1"], NOW + WINDOW, WINDOW)
        assert found is not None and (found.decision, found.until) == ("approve", NOW + WINDOW)
        late = NOW + WINDOW + timedelta(microseconds=1)
        assert undoable(connection, live, made.people["pay1"], late, WINDOW) is None
        assert undoable(connection, live, made.people["fin1"], NOW, WINDOW) is None


def landed(settings: Settings) -> list[int]:
    """The numbers of the events that would be landed now."""
    path = operations.land(settings, None)
    if path is None:
        return []
    found = [
        row["seq"]
        for batch in CONNECTOR.read(path)
        if batch.feed == "operational_events"
        for row in batch.rows.to_dicts()
    ]
    path.unlink()
    return [int(seq) for seq in found]


def happen(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        append(connection, [Event("note.made", SYSTEM, "note", "n1")])


def test_the_warehouse_learns_a_decision_when_it_can_no_longer_be_undone(
    made: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    made.give("claim", "pay1")
    made.give("approve", "pay1")
    happen(made.engine)
    monkeypatch.setattr(operations, "now", lambda: NOW + WINDOW)
    assert operations.head(settings).seq == 1 and landed(settings) == [1]
    assert operations.urgent(settings, 0) and not operations.urgent(settings, 1)
    monkeypatch.setattr(operations, "now", lambda: NOW + WINDOW + timedelta(microseconds=1))
    assert operations.urgent(settings, 1) and operations.head(settings).seq == 3 and landed(settings) == [1, 2, 3]


def test_an_undone_decision_comes_with_its_undoing_and_decides_nothing_in_any_feed(
    made: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    made.give("approve", "pay1")
    made.ask(withdrawal("w2"))
    made.now = NOW + timedelta(seconds=3)
    made.give("approve", "pay2", "w2")
    made.now = NOW + timedelta(seconds=5)
    assert undo(made, made.desk).done
    monkeypatch.setattr(operations, "now", lambda: NOW + WINDOW + timedelta(seconds=1))
    assert landed(settings) == [], "the undoing stands behind a decision that waits, so what it undoes waits too"
    monkeypatch.setattr(operations, "now", lambda: NOW + timedelta(minutes=1))
    path = operations.land(settings, None)
    assert path is not None
    rows: dict[str, list[dict[str, Any]]] = {}
    for batch in CONNECTOR.read(path):
        rows.setdefault(batch.feed, []).extend(batch.rows.to_dicts())
    assert [row["request_id"] for row in rows["cash_requests"]] == ["w2"]
    assert len(rows["operational_events"]) == 3 and {row["subject_id"] for row in rows["risk_checks"]} == {"w1", "w2"}


def test_a_run_waits_for_what_was_decided_before_it_and_no_longer(made: Office, settings: Settings):
    brief = settings.model_copy(update={"undo_seconds": 1.0})
    made.now = chain.now()
    made.publish = replace(made.publish, published_at=made.now, loaded_at=made.now)
    made.ask(withdrawal(opened_at=made.now - timedelta(hours=1)))
    assert made.give("approve", "pay1").done
    said: list[str] = []
    operations.await_undo(brief, said.append)
    assert said and operations.head(brief).seq == 1
    said.clear()
    operations.await_undo(brief, said.append)
    assert said == []
