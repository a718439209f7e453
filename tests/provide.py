"""Provides what the tests need beyond Python packages: a browser, PostgreSQL, MariaDB. `make test` runs it first.

Debian's packages are installed where that is allowed; otherwise it says which tests are left out and why. In CI nothing may be left out.
"""

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
)


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
    for need in missing():
        print(
            f"Left out: {need.tests}; {need.name} is not installed. On Debian: apt-get install {' '.join(need.packages)}"
        )
    if missing() and os.environ.get("CI"):
        sys.exit("In CI no test may be left out.")


if __name__ == "__main__":
    main()
