"""A real HTTP receiver, destinations that point to it, and decisions to send."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import SecretStr

from apps.approvals import outbox
from apps.approvals.attested import attest
from apps.approvals.chain import Actor, Event
from apps.approvals.soundness import payload
from apps.approvals.store import reading, writing
from apps.approvals.tables import events
from warehouse.settings import Settings

AT = datetime(2026, 11, 23, 9, 0)
KEY = "the-signing-key"


@dataclass
class Receiver:
    """A real HTTP receiver; answers with `answers` in turn, the last one for ever: a status, or (status, headers), or seconds of silence."""

    answers: list[Any] = field(default_factory=lambda: [200])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.got]


@contextlib.contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a port of its own, ended afterwards."""
    state, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                state.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                answer = state.answers[min(len(state.got), len(state.answers)) - 1]
            if isinstance(answer, float):
                time.sleep(answer)
                answer = 200
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"said the receiver")

        def log_message(self, format: str, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/in?from=daybook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def send_to(settings: Settings, *places: dict[str, Any]) -> Settings:
    """The home with these destinations and the webhook's key."""
    settings.root.mkdir(parents=True, exist_ok=True)
    (settings.root / "destinations.yml").write_text(yaml.safe_dump(list(places)), encoding="utf-8")
    return settings.model_copy(update={"outbox_secrets": {"crm": SecretStr(KEY)}, "outbox_attempts": 4})


def crm(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "crm", "kind": "webhook", "url": receiver.url, "timeout_seconds": 0.5, **more}


def decided(engine: sa.Engine, destination: str = "crm", number: int = 1) -> str:
    """A decision, attested as decisions are, and its message in the outbox; gives the message's id."""
    subject = {"subject_type": "withdrawal", "subject_id": f"w{number}"}
    row = {
        **subject, "decision_id": f"d{number}", "round": 1, "step": 1, "decision": "approve", "final": True, "actor_id": "s",
        "actor_role": "payments", "person_key": "s", "maker_person": "m", "reason_code": "Grüße \u2028 =1+1", "entity": "CY",
        "client_id": "c1", "amount": Decimal("12.5"), "currency": "EUR", "amount_eur": Decimal("12.5"), "policy_id": "withdrawal",
        "policy_version": 1, "publish_id": 1, "publish_age_seconds": 1, "facts_hash": "f", "decided_at": AT,
    }  # fmt: skip
    event = Event(
        "approval.approved", Actor("s"), "withdrawal", f"w{number}", approval_id=f"d{number}", event_id=f"d{number}"
    )
    with writing(engine) as connection:
        attest(connection, event, {"decisions": [row]}, AT)
        return outbox.put(connection, destination, "withdrawal.approved", payload(row, None))


def row(engine: sa.Engine, outbox_id: str) -> Any:
    with reading(engine) as connection:
        return connection.execute(sa.select(outbox.outbox).where(outbox.outbox.c.outbox_id == outbox_id)).one()


def log(engine: sa.Engine, outbox_id: str) -> list[tuple[int, str, int | None]]:
    with reading(engine) as connection:
        return [(line.attempt, line.outcome, line.status_code) for line in outbox.log(connection, outbox_id)]


def kinds(engine: sa.Engine) -> list[str]:
    """What happened to messages, in order."""
    query = sa.select(events.c.type).where(events.c.type.like("outbox.%")).order_by(events.c.seq)
    with reading(engine) as connection:
        return list(connection.scalars(query))


def until_settled(engine: sa.Engine, settings: Settings, outbox_id: str, start: datetime = AT) -> list[datetime]:
    """Works at each moment the message is due, until it is delivered or dead; gives those moments."""
    moments = [start]
    while row(engine, outbox_id).status == "pending":
        outbox.deliver_due(engine, settings, moments[-1])
        moments += [row(engine, outbox_id).next_attempt_at] if row(engine, outbox_id).next_attempt_at else []
    return moments
