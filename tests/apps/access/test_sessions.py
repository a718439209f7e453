"""How long a session lasts, what ends it, how often one may try, and that all of it is in the chain."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from apps.access import journal, sessions
from apps.access.identity import Identity, NotAdmitted
from apps.approvals import store
from apps.approvals.chain import Actor, Event
from apps.approvals.store import open_store, reading
from apps.approvals.tables import events
from apps.approvals.verify import verify
from warehouse.settings import Settings

AT = datetime(2026, 11, 23, 9, 0)
PETRA = Actor("ST-07", role="payments")
WHO = Identity("petra@broker.example", "1", "https://id.example", AT, AT, AT + timedelta(days=9), "digest-1")


@pytest.fixture
def engine(ops_settings: Settings) -> sa.Engine:
    return open_store(ops_settings)


def admit(engine: sa.Engine, at: datetime = AT, who: Identity = WHO, actor: Actor = PETRA) -> sessions.Admission:
    return sessions.admit(engine, who, actor, "address:1", Settings(), at)


def said(engine: sa.Engine) -> list[tuple[str, str | None]]:
    with reading(engine) as connection:
        bodies = [json.loads(body) for body in connection.scalars(sa.select(events.c.body).order_by(events.c.seq))]
    return [(body["type"], body.get("reason")) for body in bodies]


def reason_of(refused: pytest.ExceptionInfo[NotAdmitted]) -> str:
    return refused.value.reason


def test_a_token_seen_first_is_a_sign_in_and_seen_again_is_not(engine: sa.Engine) -> None:
    assert admit(engine).new
    again = admit(engine, AT + timedelta(minutes=1))
    assert not again.new and again.stale
    assert said(engine) == [("access.signed_in", None)]
    assert verify(engine).whole


def test_being_away_too_long_ends_the_session_for_good(engine: sa.Engine) -> None:
    admit(engine)
    with pytest.raises(NotAdmitted, match="away") as refused:
        admit(engine, AT + timedelta(minutes=31))
    assert reason_of(refused) == "idle"
    with pytest.raises(NotAdmitted) as refused:
        admit(engine, AT + timedelta(minutes=32))
    assert reason_of(refused) == "signed_out"
    assert said(engine) == [("access.signed_in", None), ("access.session_ended", "idle")]


def test_being_there_keeps_the_session_but_not_beyond_its_hours(
    engine: sa.Engine,
    ops_settings: Settings,
) -> None:
    admit(engine)
    for minutes in range(25, 600, 25):
        admit(engine, AT + timedelta(minutes=minutes))
        journal.seen(ops_settings, WHO.session_id, AT + timedelta(minutes=minutes))
        journal.journal(ops_settings).flush()
    with pytest.raises(NotAdmitted) as refused:
        admit(engine, AT + timedelta(hours=10, minutes=1))
    assert reason_of(refused) == "too_long"


def test_signing_out_counts_wherever_the_cookie_is(engine: sa.Engine) -> None:
    admit(engine)
    assert sessions.going_on(engine, WHO, Settings(), AT)
    sessions.end(engine, WHO.session_id, PETRA, "signed_out", AT)
    sessions.end(engine, WHO.session_id, PETRA, "signed_out", AT)
    assert not sessions.going_on(engine, WHO, Settings(), AT)
    with pytest.raises(NotAdmitted) as refused:
        admit(engine)
    assert reason_of(refused) == "signed_out"
    assert said(engine) == [("access.signed_in", None), ("access.signed_out", "signed_out")]


def test_a_session_does_not_pass_to_another_staff_record(engine: sa.Engine) -> None:
    admit(engine)
    with pytest.raises(NotAdmitted) as refused:
        admit(engine, actor=Actor("ST-99"))
    assert reason_of(refused) == "another_person"


def test_an_old_proof_of_who_one_is_opens_no_session(engine: sa.Engine) -> None:
    old = replace(WHO, authenticated_at=AT - timedelta(hours=11))
    with pytest.raises(NotAdmitted) as refused:
        admit(engine, who=old)
    assert reason_of(refused) == "too_long"
    assert said(engine) == []


def test_the_sixth_try_in_a_row_waits_and_a_success_forgives(engine: sa.Engine) -> None:
    for minute in range(5):
        sessions.try_sign_in(engine, "again:ST-07", PETRA, Settings(), AT + timedelta(minutes=minute))
    with pytest.raises(NotAdmitted, match="after 09:15 UTC") as refused:
        sessions.try_sign_in(engine, "again:ST-07", PETRA, Settings(), AT + timedelta(minutes=6))
    assert reason_of(refused) == "locked"
    sessions.try_sign_in(engine, "again:ST-08", PETRA, Settings(), AT + timedelta(minutes=6))
    assert said(engine) == [("access.locked", "too_many_attempts")]
    sessions.try_sign_in(engine, "again:ST-07", PETRA, Settings(), AT + timedelta(minutes=15))
    admit(engine, AT + timedelta(minutes=15))
    for _ in range(4):
        sessions.try_sign_in(engine, "again:ST-07", PETRA, Settings(), AT + timedelta(minutes=16))


def test_refusals_are_recorded_and_cannot_flood_the_chain(engine: sa.Engine) -> None:
    for _ in range(50):
        sessions.refuse(engine, "mallory@x.example", "unknown", "address:1", Settings(), AT, "10.0.0.9")
    assert said(engine) == [("access.refused", "unknown")] * 5 + [("access.locked", "too_many_attempts")]


def view(page: str) -> Event:
    return Event("page.viewed", PETRA, "page", page, stream="access", after={"query": {"entity": "CY"}})


def test_views_are_in_the_chain_within_a_moment_and_no_page_waits_for_them(
    engine: sa.Engine,
    ops_settings: Settings,
) -> None:
    with store.writing(engine):  # somebody else holds the store
        started = datetime.now()
        for number in range(100):
            journal.record(ops_settings, view(f"page {number}"))
        took = datetime.now() - started
    journal.journal(ops_settings).flush()
    assert took < timedelta(milliseconds=200)  # 100 of them
    assert said(engine) == [("page.viewed", None)] * 100
    assert verify(engine).whole


def test_while_views_cannot_be_written_the_pages_close_and_nothing_is_lost(
    engine: sa.Engine,
    ops_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: Settings) -> sa.Engine:
        raise store.StoreError("no disk")

    monkeypatch.setattr(journal, "OVERDUE_SECONDS", -1)
    with monkeypatch.context() as broken_store:
        broken_store.setattr(journal, "open_store", broken)
        journal.record(ops_settings, view("payments"))
        journal.journal(ops_settings).flush()
        with pytest.raises(NotAdmitted, match="stay closed"):
            journal.require_written(ops_settings)
    journal.journal(ops_settings).flush()
    monkeypatch.setattr(journal, "OVERDUE_SECONDS", 60)
    journal.require_written(ops_settings)
    assert said(engine) == [("page.viewed", None)]
