"""The long-lived processes of `daybook up`: started together, found again by a file of ids, stopped without leaving a child."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from apps.cli import sign_in
from warehouse.engine import WarehouseError
from warehouse.settings import PROJECT, Settings

DAGSTER_YAML = "telemetry:\n  enabled: false\nconcurrency:\n  pools:\n    default_limit: 1\n"


PORT_SETTINGS = {
    "dashboards": "DAYBOOK_DASHBOARD_PORT",
    "dagster": "DAYBOOK_DAGSTER_PORT",
    "webhooks": "DAYBOOK_WEBHOOK_PORT",
}


@dataclass(frozen=True)
class Service:
    """A process to run; `address` is what answers over HTTP when it is up, or '' when it serves nothing."""

    name: str
    command: tuple[str, ...]
    port: int | None
    address: str


def services(settings: Settings) -> list[Service]:
    """Dashboards, the orchestrator's page and daemon, the worker that sends decisions out; the webhook receiver where a provider has a secret."""
    host = settings.bind_address
    streamlit = [sys.executable, "-m", "streamlit", "run", str(PROJECT / "apps" / "dashboard" / "main.py")]
    streamlit += ["--server.port", str(settings.dashboard_port), "--server.address", host, "--server.headless", "true"]
    streamlit += ["--browser.gatherUsageStats", "false", *sign_in.streamlit_options(settings)]
    module = ["-m", "orchestration.definitions", "-d", str(PROJECT)]
    webserver = [_beside("dagster-webserver"), "-h", host, "-p", str(settings.dagster_port), *module]
    receiver = (sys.executable, "-m", "apps.webhooks.serve")
    health = f"http://{host}:{settings.webhook_port}/healthz"
    webhooks = [Service("webhooks", receiver, settings.webhook_port, health)] if settings.webhook_secrets else []
    return [
        Service("dashboards", tuple(streamlit), settings.dashboard_port, f"http://{host}:{settings.dashboard_port}"),
        Service("dagster", tuple(webserver), settings.dagster_port, f"http://{host}:{settings.dagster_port}"),
        Service("dagster-daemon", (_beside("dagster-daemon"), "run", *module), None, ""),
        Service("outbox", (_beside("daybook"), "outbox", "work"), None, ""),
        *webhooks,
    ]


def start(settings: Settings, timeout_seconds: float = 90) -> list[tuple[Service, int]]:
    """Starts what is not running and returns once every address answers; raises WarehouseError with the log's place otherwise."""
    running = alive(settings)
    wanted = services(settings)
    sign_in.write_secrets(settings)
    for service in wanted:
        if service.name not in running and service.port and taken(settings.bind_address, service.port):
            name = PORT_SETTINGS[service.name]
            raise WarehouseError(
                f"Port {service.port} is taken by another program. Choose another: `{name}={service.port + 100} daybook up`."
            )
    started = {service.name: running.get(service.name) or _launch(settings, service) for service in wanted}
    _pid_file(settings).write_text(json.dumps(started), encoding="utf-8")
    deadline = time.monotonic() + timeout_seconds
    for service in wanted:
        while service.address and not _answers(service.address):
            if not psutil.pid_exists(started[service.name]) or time.monotonic() > deadline:
                raise WarehouseError(f"{service.name} did not come up. Its log: {_log(settings, service.name)}")
            time.sleep(0.2)
    return [(service, started[service.name]) for service in wanted]


def stop(settings: Settings) -> list[str]:
    """Ends every process of `daybook up` and its children; gives the names of those that were running."""
    running = alive(settings)
    families = []
    for pid in running.values():
        process = psutil.Process(pid)
        families += [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(families, timeout=10)
    for process in left:
        process.terminate()
    for process in psutil.wait_procs(left, timeout=5)[1]:
        process.kill()
    _pid_file(settings).unlink(missing_ok=True)
    return list(running)


def alive(settings: Settings) -> dict[str, int]:
    """The recorded processes that still run (an id that another program got since does not count)."""
    path = _pid_file(settings)
    recorded: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {name: pid for name, pid in recorded.items() if _ours(pid)}


def _ours(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and any(
            word in " ".join(process.cmdline()) for word in ("streamlit", "dagster", "daybook", "apps.webhooks")
        )
    except psutil.Error:
        return False


def _launch(settings: Settings, service: Service) -> int:
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    (settings.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    environment = {
        **os.environ,
        "DAYBOOK_HOME": str(settings.root),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(PROJECT),
    }
    with open(_log(settings, service.name), "ab") as log:
        process = subprocess.Popen(
            service.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=PROJECT,
            start_new_session=True,
        )
    return process.pid


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def taken(host: str, port: int) -> bool:
    """True when another program listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _log(settings: Settings, name: str) -> Path:
    return settings.logs / f"{name}.log"


def _pid_file(settings: Settings) -> Path:
    return settings.logs / "processes.json"


def _beside(program: str) -> str:
    """A console script of this environment."""
    return str(Path(sys.executable).parent / program)
