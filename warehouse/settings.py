"""Every setting of Daybook, from the environment (`DAYBOOK_*`) or a `.env` file. Nothing else reads the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Paths are absolute; sizes carry their unit in the name. The defaults run on a laptop without any service."""

    model_config = SettingsConfigDict(env_prefix="DAYBOOK_", env_file=".env", extra="ignore")

    home: Path = Field(default=PROJECT / "data", description="Where everything lives: landing, archive, build, lake.")
    lake_catalog: str = Field(
        default="",
        description="DuckLake catalog; empty: SQLite beside the lake's files. `postgres:dbname=… host=…` for a team.",
    )
    lake_data: str = Field(
        default="", description="Where the lake's Parquet files lie; empty: `<home>/lake/files`. `s3://…` for a team."
    )
    memory_limit: str = Field(
        default="", description="DuckDB's memory limit of the build, `4GB`; empty: DuckDB's own default."
    )
    threads: int = Field(default=0, ge=0, description="DuckDB threads; 0: one per core.")
    batch_rows: int = Field(default=250_000, ge=1, description="Rows of a file held in memory at once while loading.")
    lock_wait_seconds: float = Field(default=60, ge=0, description="How long a second writer waits before it gives up.")
    mt5_url: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL of an MT5 SQL-export database, read-only account."
    )
    mt5_platform: str = Field(default="mt5", description="What that trading server is called in every row.")
    ops_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy URL of the operational store, `postgresql+psycopg://…`; empty: SQLite in the home.",
    )
    anchor_folder: str = Field(
        default="",
        description="Where the audit chain's signed anchors go; empty: `<home>/anchors`. Better another disk.",
    )
    dashboard_port: int = 8501
    dagster_port: int = 3000
    bind_address: str = Field(
        default="127.0.0.1", description="The demo user switcher refuses to start on anything but loopback."
    )
    publishes_kept_days: int = Field(
        default=14, ge=1, description="All publishes of the last days are kept; of older ones, one a day."
    )

    @property
    def landing(self) -> Path:
        return self.root / "landing"

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
    def root(self) -> Path:
        return self.home.expanduser().resolve()
