"""The webhook receiver as a process of its own: what is genuine is on the disk before its 200, and nothing else is."""

import hashlib
import hmac
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from apps.cli.processes import services
from ingestion.load import ingest
from ingestion.webhook_proofs import Delivery
from ingestion.webhooks import SCHEMES, is_genuine
from tests.ingestion.connectors.samples import sample
from tests.servers import free_port, until_it_serves
from warehouse.engine import connect, make_home
from warehouse.settings import PROJECT, Settings

SECRET = "a secret"
WAITING, AT_ONCE = 12, 8


@contextmanager
def served(settings: Settings, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The process as `daybook up` starts it, and its address."""
    port = free_port()
    secrets = {"sumsub": SECRET, "nobody": "x", "jumio": "127.0.0.1"}
    environment = os.environ | {
        "DAYBOOK_HOME": str(settings.root), "DAYBOOK_WEBHOOK_PORT": str(port), "DAYBOOK_WEBHOOK_SECRETS": json.dumps(secrets),
        "PYTHONPATH": str(PROJECT), **more,
    }  # fmt: skip
    with_secrets = Settings(home=settings.home, webhook_port=port, webhook_secrets={"sumsub": SecretStr(SECRET)})
    (service,) = [one for one in services(with_secrets) if one.name == "webhooks"]
    process = subprocess.Popen(service.command, env=environment, cwd=PROJECT)
    try:
        until_it_serves(service.address)
        yield process, f"http://127.0.0.1:{port}/webhooks/"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    settings = Settings(home=tmp_path_factory.mktemp("webhooks") / "home")
    make_home(settings)
    limits = {
        "DAYBOOK_WEBHOOK_BYTES": "5000",
        "DAYBOOK_WEBHOOK_WAITING": str(WAITING),
        "DAYBOOK_WEBHOOK_AT_ONCE": str(AT_ONCE),
    }
    with served(settings, **limits) as (_, address):
        yield address, settings


def body(number: int = 1, at: datetime | None = None) -> bytes:
    given = json.loads(sample("kyc", "sumsub", "lana-bank", "02_applicantReviewed_GREEN.json").read_bytes())
    moment = at or datetime.now(UTC)
    return json.dumps(
        given | {"correlationId": f"c{number}", "createdAtMs": f"{moment:%Y-%m-%d %H:%M:%S}.001"}
    ).encode()


def signed(content: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {"X-Payload-Digest": digest, "X-Payload-Digest-Alg": "HMAC_SHA256_HEX"}


def post(address: str, content: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
    """Status and Retry-After."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, content, headers), timeout=20) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Retry-After")


def landed(settings: Settings) -> list[Path]:
    return [path for path in (settings.landing / "sumsub").glob("*") if path.is_file()]


def test_a_genuine_body_lies_in_the_landing_folder_byte_for_byte_once_it_is_answered(
    receiver: tuple[str, Settings],
) -> None:
    address, settings = receiver
    content = body(1)
    assert post(address + "sumsub", content, signed(content)) == (200, None)
    (path,) = landed(settings)
    assert path.read_bytes() == content
    assert post(address + "sumsub", content, signed(content)) == (200, None)
    assert landed(settings) == [path]  # sent again, stored once
    with connect(settings.build_file, settings) as connection:
        (outcome,) = ingest(connection, settings)
    assert (outcome.status, outcome.rows_quarantined) == ("loaded", 0)
    assert post(address + "sumsub", content, signed(content)) == (200, None)
    assert landed(settings) == []  # sent again after it was loaded: the archive has it


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({}, None),
        (signed(b"other"), None),
        (None, datetime.now(UTC) - timedelta(days=5)),
    ],
    ids=["no signature", "another body's signature", "an event five days old"],
)
def test_what_is_not_genuine_or_of_now_is_refused_and_leaves_nothing(
    receiver: tuple[str, Settings], headers: dict[str, str] | None, at: datetime | None
) -> None:
    address, settings = receiver
    content = body(2, at)
    before = landed(settings)
    assert post(address + "sumsub", content, signed(content) if headers is None else headers)[0] == 401
    assert post(address + "sumsub", content, signed(content, "wrong secret"))[0] == 401
    assert landed(settings) == before


def test_a_provider_without_a_connector_or_secret_is_not_there(receiver: tuple[str, Settings]) -> None:
    address, _ = receiver
    assert {post(address + name, b"{}", signed(b"{}"))[0] for name in ("nobody", "veriff", "..%2Fsumsub")} == {404}


def test_a_body_too_large_is_cut_short(receiver: tuple[str, Settings]) -> None:
    address, _ = receiver
    assert post(address + "sumsub", b"x" * 5001, signed(b"x" * 5001))[0] == 413


def test_when_too_many_wait_more_are_told_to_come_again_and_none_that_was_taken_is_lost(
    receiver: tuple[str, Settings],
) -> None:
    address, settings = receiver
    before = len(landed(settings))
    contents = [body(number) for number in range(100, 260)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda one: post(address + "sumsub", one, signed(one)), contents))
    taken = [one for one, (status, _) in zip(contents, answers, strict=True) if status == 200]
    assert {status for status, _ in answers} == {200, 503}
    assert {retry for status, retry in answers if status == 503} == {"10"}
    assert sorted(path.read_bytes() for path in landed(settings)) == sorted(taken)
    assert (
        WAITING <= len(landed(settings)) + before <= WAITING + AT_ONCE
    )  # those under way when the limit is reached are still taken
    for path in landed(settings):
        path.unlink()


def test_the_same_body_sent_many_times_at_once_is_stored_once(receiver: tuple[str, Settings]) -> None:
    address, settings = receiver
    content = body(500)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(address + "sumsub", content, signed(content))[0], range(24)))
    assert 200 in answers and set(answers) <= {200, 503}
    assert [path.read_bytes() for path in landed(settings)] == [content]
    landed(settings)[0].unlink()


def test_what_was_answered_200_is_on_the_disk_though_the_receiver_was_killed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    make_home(settings)
    with served(settings, DAYBOOK_WEBHOOK_AT_ONCE="64") as (process, address):
        answered: list[bytes] = []

        def send(number: int) -> None:
            content = body(number)
            try:
                if post(address + "sumsub", content, signed(content))[0] == 200:
                    answered.append(content)
            except OSError:  # the line broke: nothing was promised
                return
            if len(answered) == 15:
                process.kill()

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(send, range(1000, 1060)))
    on_disk = {path.read_bytes() for path in landed(settings) if not path.name.startswith(".")}
    assert len(answered) >= 15
    assert set(answered) <= on_disk
    with connect(settings.build_file, settings) as connection:
        assert {one.status for one in ingest(connection, settings)} == {"loaded"}  # none is half


def test_a_disk_that_does_not_take_it_gets_no_200(receiver: tuple[str, Settings]) -> None:
    address, settings = receiver
    folder = settings.landing / "sumsub"
    folder.mkdir(exist_ok=True)  # of a delivery before this one, where there was any
    kept = folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the folder should be")
    try:
        assert post(address + "sumsub", body(3), signed(body(3)))[0] in (401, 503)
        content = body(4)
        assert post(address + "sumsub", content, signed(content)) == (503, "10")
    finally:
        folder.unlink()
        kept.rename(folder)


@pytest.mark.parametrize("name", ["check_completed", "workflow_task_started"])
def test_onfidos_own_examples_are_genuine_as_their_bytes_lie_and_not_when_written_anew(name: str) -> None:
    folder = ("kyc", "onfido", "onfido-python")
    content = sample(*folder, f"{name}.raw.json").read_bytes()
    told = json.loads(sample(*folder, f"{name}.signature.json").read_bytes())
    texts = [value for value in told.values() if isinstance(value, str)]
    pairs = [(given, secret) for given in texts for secret in texts if given != secret]
    anew = json.dumps(json.loads(content), indent=2).encode()
    for body, genuine in ((content, True), (anew, False)):
        proofs = [(Delivery({"x-sha2-signature": given}, body), secret) for given, secret in pairs]
        assert any(is_genuine(SCHEMES["onfido"], delivery, secret) for delivery, secret in proofs) is genuine
