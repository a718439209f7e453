"""Who is looking. Where no identity provider is connected: one of the demo users, and only on one's own machine."""

import ipaddress
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml

from warehouse.reader import access


@dataclass(frozen=True)
class Viewer:
    """The person before the screen. `staff_id` None may look and not decide; `approval_limit_eur` None approves no money."""

    user: str
    name: str
    role: str
    email: str = ""
    staff_id: str | None = None
    approval_limit_eur: Decimal | None = None
    session_id: str | None = None

    @property
    def pages(self) -> tuple[str, ...]:
        """The pages that access.yml gives this role, in its order."""
        return tuple(access()["roles"].get(self.role, {}).get("pages", ()))


class OpenDoor(Exception):
    """The demo switcher asks nobody for a password, so it must not be reachable from another machine."""


@cache
def demo_users() -> tuple[Viewer, ...]:
    """Every demo user, in the order of the switcher; the first one is who a new visitor is."""
    users = yaml.safe_load((Path(__file__).parent / "demo_users.yml").read_text(encoding="utf-8"))
    return tuple(Viewer(**user) for user in users)


def require_loopback(address: str | None) -> None:
    """Raises OpenDoor unless the server is bound to, or asked by, a name of this machine; no address means every interface."""
    if address == "localhost":
        return
    try:
        if address and ipaddress.ip_address(address).is_loopback:
            return
    except ValueError:
        pass
    raise OpenDoor(
        f"The server is reached at {address or 'every interface'}, and the demo users need no password. "
        "Start it on this machine only: `daybook up` with DAYBOOK_BIND_ADDRESS=127.0.0.1, "
        "or connect an identity provider: `docs/production.md`."
    )
