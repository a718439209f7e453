"""Every setting of Daybook, from the environment (`DAYBOOK_*`) or a `.env` file. Nothing else reads the environment."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
PREFIX = "DAYBOOK_"
INNER = f"{PREFIX}BUILD_"
"""What a build tells dbt about itself; no settings."""
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """Paths are absolute; sizes carry their unit in the name. The defaults run on a laptop without any service."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore")

    home: Path = Field(default=PROJECT / "data", description="Where everything lives: landing, archive, build, lake.")
    lake_catalog: str = Field(
        default="",
        description="DuckLake catalog; empty: SQLite beside the lake's files. `postgres:dbname=… host=…` for a team.",
    )
    lake_data: str = Field(
        default="", description="Where the lake's Parquet files lie; empty: `<home>/lake/files`. `s3://…` for a team."
    )
    memory_limit: str = Field(
        default="",
        pattern=r"(?i)^(\d+(\.\d+)? ?[KMGT]i?B)?$",
        description="DuckDB's memory limit of the build, `4GB`; empty: DuckDB's own default.",
    )
    threads: int = Field(default=0, ge=0, description="DuckDB threads; 0: one per core.")
    batch_rows: int = Field(default=250_000, ge=1, description="Rows of a file held in memory at once while loading.")
    lock_wait_seconds: float = Field(default=60, ge=0, description="How long a second writer waits before it gives up.")
    mt5_url: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL of an MT5 SQL-export database, read-only account."
    )
    mt5_platform: str = Field(default="mt5", description="What that trading server is called in every row.")
    source_urls: dict[str, SecretStr] = Field(
        default={},
        description='SQLAlchemy URLs of the SQL sources in `sources.yml`, by name, as JSON: {"live4": "mysql://reader:…@host/mt4"}.',
    )
    ops_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy URL of the operational store, `postgresql+psycopg://…`; empty: SQLite in the home.",
    )
    anchor_folder: str = Field(
        default="",
        description="Where the audit chain's signed anchors go; empty: `<home>/anchors`. Better another disk.",
    )
    webhook_secrets: dict[str, SecretStr] = Field(
        default={},
        description=(
            'What proves each webhook provider\'s deliveries, as JSON: {"sumsub": "signing secret", "fireblocks": "public key"}; '
            "a provider without an entry is not answered."
        ),
    )
    webhook_port: Port = 8600
    webhook_bytes: int = Field(default=2**20, ge=1, description="The largest body a webhook may have.")
    webhook_waiting: int = Field(
        default=20_000,
        ge=1,
        description="Bodies of one provider that may wait to be loaded; then it is told to come again (503).",
    )
    webhook_at_once: int = Field(
        default=64, ge=1, description="Bodies received at the same time; more are told to come again (503)."
    )
    dashboard_port: Port = 8501
    dagster_port: Port = 3000
    bind_address: str = Field(
        default="127.0.0.1", description="The demo user switcher refuses to start on anything but loopback."
    )
    public_url: str = Field(
        default="",
        description="The address people open, behind the proxy: `https://daybook.example`. Needed to sign in.",
    )
    oidc_metadata_url: str = Field(
        default="",
        description="`https://…/.well-known/openid-configuration` of the identity provider; empty: demo users, on loopback only.",
    )
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_cookie_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signs the identity cookie; empty: made once and kept in the home, readable by its owner.",
    )
    oidc_trust_email: bool = Field(
        default=False,
        description="Take an address as verified from a provider that never sends `email_verified`; a stated false is refused all the same.",
    )
    session_idle_minutes: int = Field(default=30, ge=1, description="Who is away for longer signs in again.")
    session_hours: int = Field(default=10, ge=1, description="Who proved who they are longer ago signs in again.")
    reauthentication_minutes: float = Field(
        default=10, gt=0, description="A decision needs a proof of who decides that is no older than this."
    )
    sign_in_attempts: int = Field(
        default=5,
        ge=1,
        description="Failed starts in a row, per account and per address, within the window; then a pause.",
    )
    sign_in_window_minutes: int = Field(
        default=15, ge=1, description="The window of `sign_in_attempts`, and the pause."
    )
    outbox_secrets: dict[str, SecretStr] = Field(
        default={},
        description='Secrets of destinations by name, as JSON: {"crm": "…"}: a webhook\'s signing key, a mail server\'s password.',
    )
    undo_seconds: float = Field(
        default=10,
        ge=0,
        description="How long a decision can be undone by whoever took it; nothing of it goes out before. 0: at once, and no undo.",
    )
    outbox_attempts: int = Field(default=12, ge=1, description="Failed deliveries until a message is a dead letter.")
    publishes_kept_days: int = Field(
        default=14, ge=1, description="All publishes of the last days are kept; of older ones, one a day."
    )

    @property
    def landing(self) -> Path:
        return (self.root / "landing").resolve()  # it may be a link to where files are sent

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def truth(self) -> Path:
        """What the simulator planted; for people and tests, never read by a model, a check or a page."""
        return self.root / "truth"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def build_file(self) -> Path:
        return self.root / "build" / "warehouse.duckdb"

    @property
    def dbt_target(self) -> Path:
        return self.root / "build" / "dbt"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def docs(self) -> Path:
        return self.root / "docs"

    @property
    def dagster_home(self) -> Path:
        return self.root / "dagster"

    @property
    def ops_file(self) -> Path:
        """The operational store where no `ops_url` is set."""
        return self.root / "ops.db"

    @property
    def anchors(self) -> Path:
        return Path(self.anchor_folder).expanduser().resolve() if self.anchor_folder else self.root / "anchors"

    @property
    def keys(self) -> Path:
        """Private keys; readable by their owner only, and the one folder that is never exported."""
        return self.root / "keys"

    @property
    def simulated_marker(self) -> Path:
        """Present in a home that the simulator filled; every page then bears a banner."""
        return self.root / "simulated.json"

    @property
    def secrets(self) -> Path:
        """Files that only the service's user may read: what the pages need to sign people in."""
        return self.root / "secrets"

    @property
    def sources(self) -> Path:
        """When each SQL source was last read, and what went wrong since; one file a source."""
        return self.root / "sources"

    @property
    def outbox(self) -> Path:
        """Where decisions go out as files unless `destinations.yml` in the home says otherwise."""
        return self.root / "outbox"

    @property
    def root(self) -> Path:
        return self.home.expanduser().resolve()

    def in_force(self) -> dict[str, str]:
        """What differs from the defaults, by its variable's name; of a secret only that it is set."""
        shown = {name: getattr(self, name) for name in sorted(self.model_fields_set)}
        return {
            f"{PREFIX}{name.upper()}": "(set)"
            if "Secret" in repr(type(self).model_fields[name].annotation)
            else re.sub(r"(password=)\S+", r"\1(set)", str(value))
            for name, value in shown.items()
        }


def unknown_variables() -> list[str]:
    """Variables of the environment that look like settings and are none: a name misspelt sets nothing, and nobody would say so."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    return sorted(
        name for name in os.environ if name.startswith(PREFIX) and name not in known and not name.startswith(INNER)
    )
