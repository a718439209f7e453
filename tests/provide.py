"""Provides what the tests need beyond our Python packages: a browser, databases, a proxy, an identity provider. `make test` runs it first.

Debian's packages are installed where that is allowed, the identity provider into an environment of its own below the user's cache;
otherwise it says which tests are left out and why. In CI nothing may be left out.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Need:
    """A program that some tests start, and the Debian packages that bring it."""

    name: str
    packages: tuple[str, ...]
    tests: str
    places: tuple[str, ...]

    def found(self) -> str | None:
        """The program's path, or None."""
        on_path = shutil.which(self.name)
        beside = (str(path) for place in self.places for path in sorted(Path("/").glob(place), reverse=True))
        return on_path or next(beside, None)


NEEDS = (
    Need(
        "chromium",
        ("chromium",),
        "tests/browser (pages in a real browser)",
        ("usr/bin/chromium*", "usr/bin/google-chrome"),
    ),
    Need("mariadbd", ("mariadb-server",), "MT5 export database on MariaDB", ("usr/sbin/mariadbd",)),
    Need(
        "initdb",
        ("postgresql",),
        "MT5 export database and lake catalog on PostgreSQL",
        ("usr/lib/postgresql/*/bin/initdb",),
    ),
    Need("nginx", ("nginx-light",), "the proxy example of docs/nginx.conf", ("usr/sbin/nginx",)),
)
PINS = Path(__file__).with_name("identity_provider.txt")


def identity_provider() -> Path:
    """The Python of the environment that holds the identity provider, named by its pins; there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache / "daybook-tests" / f"identity-provider-{version}-{digest}" / "bin" / "python"


def install_identity_provider() -> None:
    """Makes that environment; whole or not at all."""
    python = identity_provider()
    if python.exists():
        return
    print("Installing for the tests: an identity provider, in an environment of its own", flush=True)
    folder = python.parent.parent
    uv = [sys.executable, "-m", "uv"]
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    for arguments in (
        ["venv", "--quiet", "--relocatable", "--python", sys.executable, str(partial)],
        ["pip", "install", "--quiet", "--python", str(partial / "bin" / "python"), "--requirements", str(PINS)],
    ):
        outcome = subprocess.run([*uv, *arguments], capture_output=True, text=True, check=False)
        if outcome.returncode:
            print(f"`uv {arguments[0]}` failed: {outcome.stderr.strip()[-500:]}")
            shutil.rmtree(partial, ignore_errors=True)
            return
    partial.rename(folder)


def found(name: str) -> str | None:
    """The path of a needed program, or None."""
    return next(need.found() for need in NEEDS if need.name == name)


def missing() -> list[Need]:
    """What is still not there."""
    return [need for need in NEEDS if need.found() is None]


def install(needs: list[Need]) -> None:
    """Installs Debian packages; quietly does nothing where apt is missing or not allowed."""
    if not needs or shutil.which("apt-get") is None:
        return
    rights = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if rights and shutil.which("sudo") is None:
        return
    packages = [package for need in needs for package in need.packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print(f"Installing for the tests: {' '.join(packages)}", flush=True)
    for arguments in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
        outcome = subprocess.run([*rights, *arguments], env=environment, capture_output=True, text=True, check=False)
        if outcome.returncode:
            print(f"`{' '.join(arguments)}` failed: {outcome.stderr.strip()[-500:]}")


def main() -> None:
    """Installs what is missing and reports what could not be had."""
    install(missing())
    install_identity_provider()
    without = not identity_provider().exists()
    if without:
        print("Left out: tests/browser/test_sign_in.py; the identity provider could not be installed.")
    for need in missing():
        print(
            f"Left out: {need.tests}; {need.name} is not installed. On Debian: apt-get install {' '.join(need.packages)}"
        )
    if (missing() or without) and os.environ.get("CI"):
        sys.exit("In CI no test may be left out.")


if __name__ == "__main__":
    main()
