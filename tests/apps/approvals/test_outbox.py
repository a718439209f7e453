"""What a decision sends out arrives at least once, is recognisable as a repetition, and is never lost silently."""

import email
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from apps.approvals import outbox
from apps.approvals.chain import Actor
from apps.approvals.decisions import decide
from apps.approvals.deliveries import sign
from apps.approvals.destinations import DestinationError, destinations
from apps.approvals.store import open_store, reading, writing
from tests.apps.approvals.office import office, withdrawal
from tests.apps.approvals.sending import (
    AT,
    KEY,
    Receiver,
    crm,
    decided,
    kinds,
    listening,
    log,
    row,
    send_to,
    until_settled,
)
from tests.servers import free_port
from warehouse.settings import PROJECT, Settings


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as state:
        yield state


def test_a_webhook_gets_the_decision_signed_over_its_exact_bytes(ops_settings: Settings, receiver: Receiver) -> None:
    settings = send_to(ops_settings, crm(receiver))
    engine = open_store(settings)
    message = decided(engine)
    assert [one.outcome for one in outbox.deliver_due(engine, settings, AT)] == ["delivered"]
    headers, body = receiver.got[0]
    assert json.loads(body)["reason_code"] == "Grüße \u2028 =1+1"
    assert headers["daybook-signature"] == sign(KEY, int(headers["daybook-timestamp"]), body)
    assert headers["daybook-signature"] != sign(KEY, int(headers["daybook-timestamp"]) + 1, body)
    assert (headers["idempotency-key"], headers["daybook-event"]) == ("d1:crm", "withdrawal.approved")
    assert log(engine, message) == [(1, "delivered", 200)]
    assert kinds(engine) == ["outbox.delivered"]
    assert outbox.deliver_due(engine, settings, AT + timedelta(days=1)) == []
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "answers", [[500, 503, 200], [429, 408, 201], [0.8, 0.8, 202]], ids=["errors", "busy", "silent"]
)
def test_what_a_receiver_does_not_take_is_sent_again_with_the_same_key(
    ops_settings: Settings, receiver: Receiver, answers: list[Any]
) -> None:
    settings = send_to(ops_settings, crm(receiver))
    receiver.answers = answers
    engine = open_store(settings)
    message = decided(engine)
    until_settled(engine, settings, message)
    assert row(engine, message).status == "delivered"
    assert receiver.keys == ["d1:crm"] * 3
    assert [outcome for _, outcome, _ in log(engine, message)] == ["failed", "failed", "delivered"]


def test_only_what_closes_a_subject_is_sent_and_a_refused_order_sends_nothing(
    ops_settings: Settings, receiver: Receiver
) -> None:
    settings = send_to(ops_settings, crm(receiver))
    made = office(open_store(settings))
    made.ask(withdrawal(amount=20_000), withdrawal("w2"))
    desk = replace(made.desk, deliver=outbox.deliverer(settings))
    first, second = (decide(desk, made.order("approve", actor)) for actor in ("pay1", "pay2"))
    assert (first.state, second.done) == ("waiting", False)
    assert outbox.pending(made.engine, made.now) == 0
    third = decide(desk, made.order("approve", "fin1"))
    rejected = decide(desk, made.order("reject", "pay1", "w2"))
    assert [one.outcome for one in outbox.deliver_due(made.engine, settings, made.now)] == ["delivered"] * 2
    sent = {body["decision_id"]: body for _, raw in receiver.got if (body := json.loads(raw))}
    assert set(sent) == {third.decision_id, rejected.decision_id}
    paid = sent[third.decision_id]
    assert (paid["decision"], paid["decided_by"], paid["role"]) == ("approve", "fin1", "finance")
    assert Decimal(paid["amount"]) == 20_000
    assert sent[rejected.decision_id]["reason_code"] == "check_failed"


def test_each_failure_waits_longer_and_the_last_makes_a_dead_letter_that_a_person_revives(
    ops_settings: Settings, receiver: Receiver
) -> None:
    settings = send_to(ops_settings, crm(receiver))
    receiver.answers = [500] * 4 + [200]
    engine = open_store(settings)
    message = decided(engine)
    moments = until_settled(engine, settings, message)
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert waits == [outbox.backoff("d1:crm", failures) for failures in (1, 2, 3)]
    for failures, wait in enumerate(waits):
        assert timedelta(seconds=5) * 2**failures <= wait <= timedelta(seconds=10) * 2**failures
    with reading(engine) as connection:
        dead = outbox.dead_letters(connection)
    assert [(one.outbox_id, one.attempts) for one in dead] == [(message, 4)]
    assert "said the receiver" in dead[0].last_error
    assert outbox.deliver_due(engine, settings, AT + timedelta(days=9)) == []
    with writing(engine) as connection:
        assert outbox.retry(connection, message, Actor("ST-07"), AT)
        assert not outbox.retry(connection, message, Actor("ST-07"), AT)
    outbox.deliver_due(engine, settings, AT)
    assert (row(engine, message).status, row(engine, message).retried_by) == ("delivered", "ST-07")
    assert receiver.keys == ["d1:crm"] * 5
    assert kinds(engine) == ["outbox.dead_lettered", "outbox.retried", "outbox.delivered"]


@pytest.mark.parametrize("asked", ["3600", "Mon, 23 Nov 2026 10:00:00 GMT"])
def test_a_receiver_that_asks_for_time_is_given_it(ops_settings: Settings, receiver: Receiver, asked: str) -> None:
    settings = send_to(ops_settings, crm(receiver))
    receiver.answers = [(429, {"Retry-After": asked})]
    engine = open_store(settings)
    message = decided(engine)
    outbox.deliver_due(engine, settings, AT)
    assert row(engine, message).next_attempt_at == AT + timedelta(hours=1)


def test_a_redirect_is_not_followed(ops_settings: Settings, receiver: Receiver) -> None:
    settings = send_to(ops_settings, crm(receiver))
    receiver.answers = [(307, {"Location": receiver.url})]
    engine = open_store(settings)
    message = decided(engine)
    outbox.deliver_due(engine, settings, AT)
    assert (len(receiver.got), log(engine, message)) == (1, [(1, "failed", 307)])


def test_many_workers_send_each_message_once(ops_settings: Settings, receiver: Receiver) -> None:
    settings = send_to(ops_settings, crm(receiver, timeout_seconds=10))
    engine = open_store(settings)
    messages = [decided(engine, number=number) for number in range(30)]
    workers = [threading.Thread(target=outbox.deliver_due, args=(engine, settings, AT)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(receiver.keys) == sorted(f"d{number}:crm" for number in range(30))
    assert {row(engine, message).status for message in messages} == {"delivered"}


def test_a_decision_that_is_rolled_back_sends_nothing(ops_settings: Settings, receiver: Receiver) -> None:
    settings = send_to(ops_settings, crm(receiver))
    engine = open_store(settings)
    decided(engine)
    with pytest.raises(IntegrityError):
        decided(engine)
    outbox.deliver_due(engine, settings, AT)
    assert receiver.keys == ["d1:crm"]


KILLED = """
import sys
from datetime import datetime
from apps.approvals import outbox
from apps.approvals.store import open_store
from warehouse.settings import Settings
settings = Settings()
outbox.deliver_due(open_store(settings), settings, datetime(2026, 11, 23, 9, 0))
"""


def test_killed_between_sending_and_marking_it_is_sent_again_with_the_same_key(
    ops_settings: Settings, receiver: Receiver
) -> None:
    settings = send_to(ops_settings, crm(receiver, timeout_seconds=60))
    receiver.answers = [30.0, 200]
    engine = open_store(settings)
    message = decided(engine)
    environment = {
        **os.environ, "DAYBOOK_HOME": str(settings.root), "DAYBOOK_OUTBOX_SECRETS": json.dumps({"crm": KEY}),
        "DAYBOOK_OPS_URL": settings.ops_url.get_secret_value(),
    }  # fmt: skip
    worker = subprocess.Popen([sys.executable, "-c", KILLED], env=environment, cwd=PROJECT)
    _wait_for(lambda: len(receiver.got) == 1)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert row(engine, message).status == "pending"
    assert outbox.deliver_due(engine, settings, AT + timedelta(seconds=30)) == []  # its lease still holds
    outbox.deliver_due(engine, settings, AT + timedelta(seconds=121))
    assert receiver.keys == ["d1:crm", "d1:crm"]
    assert row(engine, message).status == "delivered"
    assert log(engine, message) == [(2, "delivered", 200)]


def test_a_message_that_kills_every_worker_ends_among_the_dead_letters(
    ops_settings: Settings, receiver: Receiver
) -> None:
    settings = send_to(ops_settings, crm(receiver))
    engine = open_store(settings)
    message = decided(engine)
    with writing(engine) as connection:
        connection.execute(sa.update(outbox.outbox).values(attempts=4, leased_by="a dead one", leased_until=AT))
    assert [one.outcome for one in outbox.deliver_due(engine, settings, AT)] == ["dead"]
    assert (row(engine, message).status, receiver.got) == ("dead", [])


def _wait_for(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_without_configuration_a_decision_lies_whole_in_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    engine = open_store(settings)
    decided(engine, "files")
    outbox.deliver_due(engine, settings, AT)
    (file,) = settings.outbox.iterdir()
    assert file.name.startswith("withdrawal-w1-") and file.suffix == ".json"
    content = json.loads(file.read_text(encoding="utf-8"))
    assert (content["idempotency_key"], content["payload"]["amount"]) == ("d1:files", "12.5")


def test_a_subject_id_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    engine = open_store(settings)
    payload = {"subject_type": "trigger", "subject_id": "../../../x/\n"}
    with writing(engine) as connection:
        outbox.put(connection, "files", "trigger.dormant", payload, AT)
    outbox.deliver_due(engine, settings, AT)
    assert [file.parent for file in tmp_path.rglob("*.json")] == [settings.outbox]


@dataclass
class Mailbox:
    refusals: int = 0
    got: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 later, please"
        self.got.append(envelope.content)
        return "250 taken"


def test_a_mail_server_that_defers_gets_the_same_message_again(tmp_path: Path) -> None:
    mailbox = Mailbox(refusals=2)
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        place = {
            "name": "desk", "kind": "email", "host": "127.0.0.1", "port": server.port, "tls": "none",
            "sender": "daybook@broker.example", "to": ["desk@broker.example"],
        }  # fmt: skip
        settings = send_to(Settings(home=tmp_path), place)
        engine = open_store(settings)
        message = decided(engine, "desk")
        until_settled(engine, settings, message)
    finally:
        server.stop()
    assert log(engine, message) == [(1, "failed", 451), (2, "failed", 451), (3, "delivered", 250)]
    (mail,) = (email.message_from_bytes(raw) for raw in mailbox.got)
    assert mail["Subject"] == "Daybook: withdrawal w1 withdrawal.approved"
    assert mail["Idempotency-Key"] == "d1:desk"
    attached = next(part for part in mail.walk() if part.get_filename() == "decision.json")
    assert json.loads(attached.get_payload(decode=True))["currency"] == "EUR"  # type: ignore[arg-type]


def test_a_receiver_that_is_not_there_or_not_named_any_more_loses_nothing(tmp_path: Path) -> None:
    gone = {"name": "crm", "kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/"}
    settings = send_to(Settings(home=tmp_path), gone)
    engine = open_store(settings)
    messages = [decided(engine), decided(engine, "forgotten", 2)]
    outbox.deliver_due(engine, settings, AT)
    assert "ConnectionRefused" in row(engine, messages[0]).last_error
    assert "no destination forgotten" in row(engine, messages[1]).last_error
    assert {row(engine, message).status for message in messages} == {"pending"}


def test_a_webhook_without_its_key_says_which_setting_to_write(tmp_path: Path, receiver: Receiver) -> None:
    settings = send_to(Settings(home=tmp_path), crm(receiver)).model_copy(update={"outbox_secrets": {}})
    engine = open_store(settings)
    message = decided(engine)
    outbox.deliver_due(engine, settings, AT)
    assert 'DAYBOOK_OUTBOX_SECRETS=\'{"crm"' in row(engine, message).last_error
    assert receiver.got == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"name": "crm", "kind": "webhook", "url": "http://crm.example/in"}, "must be https"),
        ({"name": "crm", "kind": "webhook", "url": "https://crm.example/in", "colour": "red"}, "colour"),
        ({"name": "crm", "kind": "pigeon"}, "pigeon"),
        ({"name": "Bad Name", "kind": "file", "folder": "x"}, "name"),
    ],
)
def test_a_destination_half_described_is_refused_in_words(tmp_path: Path, place: dict[str, Any], words: str) -> None:
    with pytest.raises(DestinationError, match=words) as refused:
        destinations(send_to(Settings(home=tmp_path), place))
    assert isinstance(refused.value.__cause__, ValidationError)


def test_a_destination_gets_only_what_it_asks_for(tmp_path: Path, receiver: Receiver) -> None:
    settings = send_to(
        Settings(home=tmp_path),
        crm(receiver, subjects=["withdrawal"], decisions=["approve"]),
        {"name": "all", "kind": "file", "folder": "all"},
    )
    wanted = {
        (name, subject, decision)
        for name, one in destinations(settings).items()
        for subject in ("withdrawal", "alert")
        for decision in ("approve", "reject")
        if one.wants(subject, decision)
    }
    assert {row for row in wanted if row[0] == "crm"} == {("crm", "withdrawal", "approve")}
    assert len([row for row in wanted if row[0] == "all"]) == 4
