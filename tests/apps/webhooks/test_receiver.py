"""The webhook receiver as a process of its own: what is genuine is on the disk before its 200, and nothing else is."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.load import ingest
from ingestion.webhooks import SCHEMES, is_genuine
from tests.ingestion.connectors.samples import sample
from tests.servers import free_port, until_it_serves
from warehouse.engine import connect, make_home
from warehouse.settings import PROJECT, Settings

SECRET = "a secret"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    settings = Settings(home=tmp_path_factory.mktemp("webhooks") / "home")
    make_home(settings)
    port = free_port()
    environment = os.environ | {
        "DAYBOOK_HOME": str(settings.root), "DAYBOOK_WEBHOOK_PORT": str(port), "DAYBOOK_WEBHOOK_BYTES": "5000",
        "DAYBOOK_WEBHOOK_WAITING": "12", "DAYBOOK_WEBHOOK_SECRETS": json.dumps({"sumsub": SECRET, "nobody": "x"}), "PYTHONPATH": str(PROJECT),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "apps.webhooks.serve"], env=environment, cwd=PROJECT)
    try:
        until_it_serves(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/webhooks/", settings
    finally:
        process.terminate()
        process.wait(timeout=20)


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


def test_too_many_waiting_bodies_are_told_to_slow_down_and_none_is_lost(receiver: tuple[str, Settings]) -> None:
    address, settings = receiver
    contents = [body(number) for number in range(100, 130)]
    with ThreadPoolExecutor(1) as pool:
        answers = list(pool.map(lambda one: post(address + "sumsub", one, signed(one)), contents))
    taken = [one for one, (status, _) in zip(contents, answers, strict=True) if status == 200]
    assert {status for status, _ in answers} == {200, 429}
    assert {retry for status, retry in answers if status == 429} == {"10"}
    assert sorted(path.read_bytes() for path in landed(settings)) == sorted(taken)
    for path in landed(settings):
        path.unlink()


def test_a_disk_that_does_not_take_it_gets_no_200(receiver: tuple[str, Settings]) -> None:
    address, settings = receiver
    folder = settings.landing / "sumsub"
    kept = folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the folder should be")
    try:
        assert post(address + "sumsub", body(3), signed(body(3)))[0] in (401, 503)
        content = body(4)
        assert post(address + "sumsub", content, signed(content)) == (503, "10")
    finally:
        folder.unlink()
        kept.rename(folder)


def test_stripes_time_is_part_of_what_is_signed() -> None:
    content, now = b'{"id": "evt_1"}', int(time.time())
    digest = hmac.new(SECRET.encode(), f"{now}.".encode() + content, hashlib.sha256).hexdigest()
    assert is_genuine(SCHEMES["stripe"], {"stripe-signature": f"t={now},v1={digest}"}, content, SECRET)
    assert not is_genuine(SCHEMES["stripe"], {"stripe-signature": f"t={now + 1},v1={digest}"}, content, SECRET)


@pytest.mark.parametrize("name", ["check_completed", "workflow_task_started"])
def test_onfidos_own_examples_are_genuine_as_their_bytes_lie_and_not_when_written_anew(name: str) -> None:
    folder = ("kyc", "onfido", "onfido-python")
    content = sample(*folder, f"{name}.raw.json").read_bytes()
    told = json.loads(sample(*folder, f"{name}.signature.json").read_bytes())
    texts = [value for value in told.values() if isinstance(value, str)]
    pairs = [(given, secret) for given in texts for secret in texts if given != secret]
    assert any(is_genuine(SCHEMES["onfido"], {"x-sha2-signature": given}, content, secret) for given, secret in pairs)
    anew = json.dumps(json.loads(content), indent=2).encode()
    assert not any(is_genuine(SCHEMES["onfido"], {"x-sha2-signature": given}, anew, secret) for given, secret in pairs)
