"""What Streamlit must know to sign people in, from the settings into a file that only the service's user may read."""

import ipaddress
import json
import secrets
from pathlib import Path
from urllib.parse import urlparse

from warehouse.engine import WarehouseError
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

CALLBACK = "/oauth2callback"


def streamlit_options(settings: Settings) -> list[str]:
    """Options of the dashboards' command line that follow from an identity provider and a public address; none without them."""
    options = []
    if settings.oidc_metadata_url:
        options += ["--secrets.files", str(secrets_file(settings))]
    if settings.public_url:
        options += ["--server.allowedHosts", str(urlparse(settings.public_url).hostname)]
    return options


def secrets_file(settings: Settings) -> Path:
    """Where `write_secrets` puts them."""
    return settings.secrets / "dashboard.toml"


def write_secrets(settings: Settings) -> None:
    """Writes the provider's file where one is set. Raises WarehouseError, with the missing setting, for half of one."""
    if not settings.oidc_metadata_url:
        return
    _require_whole(settings)
    provider = {
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    # with max_age a provider must say when the person proved who they are (auth_time)
    scope = "openid email profile"
    usual = {"scope": scope, "max_age": settings.session_hours * 3600}
    again = {"scope": scope, "prompt": "login", "max_age": max(1, int(settings.reauthentication_minutes * 60))}
    sections = {
        "auth": {"redirect_uri": settings.public_url.rstrip("/") + CALLBACK, "cookie_secret": _cookie_secret(settings)},
        "auth.daybook": provider,
        "auth.daybook.client_kwargs": usual,
        "auth.again": provider,
        "auth.again.client_kwargs": again,
    }
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    _write(secrets_file(settings), "\n".join(lines))


def _require_whole(settings: Settings) -> None:
    needed = {
        "DAYBOOK_PUBLIC_URL": settings.public_url,
        "DAYBOOK_OIDC_CLIENT_ID": settings.oidc_client_id,
        "DAYBOOK_OIDC_CLIENT_SECRET": settings.oidc_client_secret.get_secret_value(),
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise WarehouseError(
            f"DAYBOOK_OIDC_METADATA_URL is set, and {', '.join(missing)} is not. See `docs/production.md`, *Signing in*."
        )
    for address in (settings.public_url, settings.oidc_metadata_url):
        if urlparse(address).scheme != "https" and not _loopback(str(urlparse(address).hostname)):
            raise WarehouseError(
                f"{address} is not https: passwords and cookies would travel in the clear. "
                "Put the proxy of `docs/nginx.conf` before it and set DAYBOOK_PUBLIC_URL=https://…"
            )


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _cookie_secret(settings: Settings) -> str:
    """The setting, or one made once for this home: a new one each start would sign everybody out."""
    given = settings.oidc_cookie_secret.get_secret_value()
    if given:
        return given
    path = settings.secrets / "cookie"
    if not path.exists():
        _write(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path) as part:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(text, encoding="utf-8")
