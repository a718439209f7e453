"""The receiver behind the proxy of docs/nginx.conf: the bytes pass untouched, the sender's address is the one that the proxy saw."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import servers
from tests.apps.webhooks.test_receiver import body, landed, served, signed
from warehouse.engine import make_home
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Settings]]:
    folder: Path = tmp_path_factory.mktemp("proxied")
    settings = Settings(home=folder / "home")
    make_home(settings)
    port = servers.free_port()
    with (
        served(settings) as (_, address),
        servers.nginx(folder, servers.free_port(), port, webhooks=int(urlsplit(address).port or 0)),
    ):
        yield port, settings


def post(port: int, path: str, content: object, headers: dict[str, str]) -> tuple[int, bytes]:
    context = ssl._create_unverified_context()
    with closing(http.client.HTTPSConnection("localhost", port, context=context, timeout=20)) as connection:
        connection.request("POST", path, content, headers, encode_chunked=not isinstance(content, bytes))  # type: ignore[arg-type]
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_signed_body_passes_the_proxy_byte_for_byte_whole_or_in_chunks(proxied: tuple[int, Settings]) -> None:
    port, settings = proxied
    whole, pieces = body(1).replace(b", ", b" ,\t"), body(2)
    assert post(port, "/webhooks/sumsub", whole, signed(whole)) == (200, b'{"status":"stored"}')
    chunked = signed(pieces) | {"Transfer-Encoding": "chunked"}
    assert post(port, "/webhooks/sumsub", iter([pieces[:100], pieces[100:]]), chunked)[0] == 200
    assert {path.read_bytes() for path in landed(settings)} == {whole, pieces}
    assert post(port, "/webhooks/sumsub", whole, {})[0] == 401


def test_what_no_provider_sends_does_not_reach_the_receiver(proxied: tuple[int, Settings]) -> None:
    port, _ = proxied
    huge = b"x" * (2**20 + 1)
    assert post(port, "/webhooks/sumsub", huge, signed(huge))[0] == 413
    content = body(3)
    assert post(port, "/webhooks/sumsub", content, signed(content) | {"Origin": "https://evil.example"})[0] == 403
    assert post(port, "/webhooks/nobody", content, signed(content))[0] == 404
    assert post(port, "/healthz", b"", {})[0] in (404, 405, 502)  # what the process says of itself stays on its machine


def test_the_address_that_proves_a_provider_is_the_one_the_proxy_saw(proxied: tuple[int, Settings]) -> None:
    port, settings = proxied
    form = b"callBackType=NETVERIFYID&jumioIdScanReference=j1&verificationStatus=APPROVED_VERIFIED&callbackDate=2099-01-01T00%3A00%3A00Z"
    pretended = {"X-Forwarded-For": "34.253.41.236", "X-Real-IP": "34.253.41.236"}
    assert post(port, "/webhooks/jumio", form, pretended)[0] == 200  # 127.0.0.1, whatever the sender says of itself
    assert [path.read_bytes() for path in (settings.landing / "jumio").iterdir()] == [form]
