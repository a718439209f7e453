"""How one message goes out: a signed POST, a mail, or a file. Each carries the message's key, by which a receiver knows a repetition."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import smtplib
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import singledispatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apps.approvals.canonical import canonical
from apps.approvals.destinations import Email, File, Webhook, secret
from warehouse.settings import Settings

AGENT = "Daybook"
SAID = 500
"""Characters of a receiver's words that the log keeps."""


@dataclass(frozen=True)
class Message:
    """What goes out: the payload is plain JSON; `key` is the same for every attempt."""

    outbox_id: str
    key: str
    subject_type: str
    subject_id: str
    kind: str
    payload: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        """The exact bytes that are sent and signed."""
        return canonical(self.payload).encode()

    @property
    def files(self) -> list["Attached"]:
        """The files that the payload carries (in base64, under `files`), as they are."""
        return [
            Attached(Path(one["name"]).name, base64.b64decode(one["base64"])) for one in self.payload.get("files", [])
        ]


@dataclass(frozen=True)
class Attached:
    """A file that goes out with a message."""

    name: str
    content: bytes


class NotDelivered(Exception):
    """The receiver did not take it; `status_code` is its answer, `wait_seconds` how long it asked us to wait."""

    def __init__(self, said: str, status_code: int | None = None, wait_seconds: float = 0) -> None:
        super().__init__(said)
        self.status_code, self.wait_seconds = status_code, wait_seconds


@singledispatch
def send(destination: Any, message: Message, settings: Settings, at: datetime) -> int | None:
    """Delivers the message, and gives the receiver's status code where there is one. Raises NotDelivered, or OSError for a broken line."""
    raise NotImplementedError(type(destination).__name__)


def sign(key: str, timestamp: int, body: bytes) -> str:
    """`v1=` and the hex HMAC-SHA256 of "timestamp.body": the time is signed too, so that an old message cannot be sent again as new.

    >>> sign("secret", 1, b"{}")
    'v1=1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908'
    """
    return "v1=" + hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


@send.register
def _(destination: Webhook, message: Message, settings: Settings, at: datetime) -> int:
    timestamp = int(at.replace(tzinfo=UTC).timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Idempotency-Key": message.key,
        "Daybook-Event": message.kind,
        "Daybook-Timestamp": str(timestamp),
        "Daybook-Signature": sign(secret(settings, destination.name), timestamp, message.body),
    }
    connection, path = _open(destination)
    try:
        connection.request("POST", path, message.body, headers)
        answer = connection.getresponse()
        said = answer.read(SAID).decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise NotDelivered(f"The receiver broke off: {type(error).__name__} {error}") from error
    finally:
        connection.close()
    if 200 <= answer.status < 300:
        return answer.status
    # a redirect is not followed: the signature was made for this address
    wait = _seconds(answer.getheader("Retry-After"), at)
    raise NotDelivered(f"{answer.status} {answer.reason}: {said}", answer.status, wait)


def _open(destination: Webhook) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(destination.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.netloc, timeout=destination.timeout_seconds, context=context), path
    return http.client.HTTPConnection(parts.netloc, timeout=destination.timeout_seconds), path


def _seconds(retry_after: str | None, at: datetime) -> float:
    """Retry-After as seconds: it is a number, or a date."""
    if not retry_after:
        return 0
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    return max(0.0, (until.astimezone(UTC).replace(tzinfo=None) - at).total_seconds())


@send.register
def _(destination: Email, message: Message, settings: Settings, at: datetime) -> int:
    mail = EmailMessage()
    mail["From"], mail["To"] = destination.sender, ", ".join(destination.to)
    mail["Subject"] = f"Daybook: {message.subject_type} {message.subject_id} {message.kind}".replace("\n", " ")
    # the same id each time: a mailbox shows a repetition once
    mail["Message-ID"] = f"<{uuid.uuid5(uuid.NAMESPACE_URL, message.key)}@daybook>"
    mail["Idempotency-Key"] = message.key
    lines = [f"{name}: {value}" for name, value in message.payload.items() if not isinstance(value, (dict, list))]
    mail.set_content("\n".join(lines))
    if files := message.files:
        for one in files:
            mail.add_attachment(one.content, maintype="application", subtype="octet-stream", filename=one.name)
    else:
        mail.add_attachment(message.body, maintype="application", subtype="json", filename="decision.json")
    server = smtplib.SMTP_SSL if destination.tls == "tls" else smtplib.SMTP
    try:
        with server(destination.host, destination.port, timeout=destination.timeout_seconds) as connection:
            if destination.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if destination.user:
                connection.login(destination.user, secret(settings, destination.name))
            refused = connection.send_message(mail)
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise NotDelivered(f"{error.smtp_code} {said}", error.smtp_code) from error
    except smtplib.SMTPException as error:
        raise NotDelivered(f"{type(error).__name__}: {error}") from error
    if refused:
        raise NotDelivered(f"The mail server refused {', '.join(refused)}; the others have it.")
    return 250


@send.register
def _(destination: File, message: Message, settings: Settings, at: datetime) -> None:
    folder = settings.root / destination.folder
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{message.subject_type}-{message.subject_id}")[:80]
    target = folder / f"{stem}-{hashlib.sha256(message.key.encode()).hexdigest()[:16]}.json"
    for one in message.files:
        _write(folder / one.name, one.content)
    content = {"idempotency_key": message.key, "event": message.kind, "payload": message.payload}
    _write(target, f"{json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1)}\n".encode())


def _write(target: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    with temporary.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(target)
