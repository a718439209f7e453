"""Real database servers for tests: each in an empty folder, on a free port of the loopback, gone after the test."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import provide
from warehouse.settings import PROJECT

_UNPRIVILEGED = 65534  # nobody: PostgreSQL refuses to run as root


def absent(what: str) -> None:
    """Skips the test with a sentence; where CI=true is set, fails it, because there nothing may be left out."""
    sentence = f"{what} is not installed here, so this test was left out (apt-get install provides it)"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def free_port() -> int:
    """A port of the loopback nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A MariaDB with an empty database `mt5`; gives its URL."""
    server = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        absent("MariaDB (mariadbd)")
    data, port = folder / "mariadb", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    common = ["--no-defaults", f"--datadir={data}", *user]
    quiet = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([str(install), *common, *quiet], check=True, capture_output=True, timeout=120)
    network = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={data}/s.sock", f"--pid-file={data}/pid"]
    modest = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    url = f"mysql+pymysql://root@127.0.0.1:{port}/"
    with _running([str(server), *common, *network, *modest], data / "server.log", None):
        _until_it_answers(url)
        _run(url, "CREATE DATABASE mt5 CHARACTER SET utf8mb4")
        yield f"{url}mt5"


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL with an empty database `postgres`; gives its URL.

    Its folder is not pytest's: each pytest that starts closes that one to other users again, under a running server.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        absent("PostgreSQL (initdb, postgres)")
    with tempfile.TemporaryDirectory(prefix="daybook-postgresql-", ignore_cleanup_errors=True) as folder:
        yield from _postgresql(Path(folder), Path(str(initdb)))


def _postgresql(data: Path, initdb: Path) -> Iterator[str]:
    port, user = free_port(), None
    if os.geteuid() == 0:
        user = _UNPRIVILEGED
        os.chown(data, user, user)
    options = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
    subprocess.run([str(initdb), *options], check=True, capture_output=True, timeout=120, user=user, cwd=data)
    server = [str(initdb.with_name("postgres")), "-D", str(data), "-p", str(port), "-h", "127.0.0.1"]
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    with _running([*server, "-k", str(data), "-F"], data / "server.log", user):
        _until_it_answers(url)
        yield url


@contextmanager
def identity_provider(folder: Path, callback: str, users: Sequence[str]) -> Iterator[str]:
    """A real OpenID Connect provider with these users; gives the address of its metadata. Client and passwords: identity_provider.py."""
    python, port = provide.identity_provider(), free_port()
    if not python.exists():
        absent("The identity provider (python -m tests.provide)")
    program = Path(__file__).with_name("identity_provider.py")
    command = [str(python), str(program), str(port), callback, *users]
    address = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    with _running(command, folder / "identity-provider.log", None):
        until_it_serves(address)
        yield address


@contextmanager
def nginx(folder: Path, upstream: int, port: int, webhooks: int = 8600) -> Iterator[str]:
    """A proxy by docs/nginx.conf before these ports of the loopback, at https://localhost:port; gives its log's path."""
    program = provide.found("nginx")
    if program is None:
        absent("nginx")
    _certificate(folder / "daybook.crt", folder / "daybook.key")
    ours = (PROJECT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    for stands, becomes in (
        ("server 127.0.0.1:8501", f"server 127.0.0.1:{upstream}"),
        ("server 127.0.0.1:8600", f"server 127.0.0.1:{webhooks}"),
        ("https://daybook.example", f"https://localhost:{port}"),
        ("daybook.example", "localhost"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("listen 80", f"listen 127.0.0.1:{free_port()}"),
        ("/etc/nginx/", f"{folder}/"),
    ):
        assert stands in ours, stands
        ours = ours.replace(stands, becomes)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    # its workers would otherwise be nobody, who may not write into our folder what a slow browser has not fetched yet
    user = "user root;\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log {folder}/access.log;\n{places}{ours}}}\n",
        encoding="utf-8",
    )
    with _running([program, "-c", str(config), "-e", f"{folder}/error.log"], folder / "nginx.log", None):
        _until_it_listens(port)
        yield str(folder / "error.log")


def _until_it_listens(port: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _certificate(certificate: Path, key: Path) -> None:
    """A certificate for localhost that nobody else vouches for."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def until_it_serves(address: str, seconds: float = 60) -> None:
    """Returns once the address answers over HTTP with a success; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within {seconds:.0f} seconds")


@contextmanager
def _running(command: list[str], log: Path, user: int | None) -> Iterator[None]:
    with log.open("wb") as handle:
        process = subprocess.Popen(command, stdout=handle, stderr=subprocess.STDOUT, user=user, cwd=log.parent)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_it_answers(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            _run(url, "SELECT 1")
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _run(url: str, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
    finally:
        engine.dispose()
