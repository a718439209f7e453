"""SQL sources: databases that are read on a schedule. Which there are stands in `sources.yml`, how to reach them in the environment only.

    - {name: live5, kind: mt5_sql, time_zone: +120 us, every: "*/5 * * * *"}
    - {name: live4, kind: mt4_sql, platform: mt4-live}
    - {name: crm, kind: acme_crm, table: contacts, key: id, stamp: updated_at}   # acme_crm: a connector of one's own in YAML

with DAYBOOK_SOURCE_URLS='{"live5": "mysql://reader:…@host/mt5", "live4": "…"}'. A source that does not answer is stale: it is asked again
after 30 s, 60 s, 120 s … at most an hour, what it had landed stays, and nothing else waits for it.
"""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingestion import source_counts
from ingestion.connectors import connectors
from ingestion.connectors.configured import configured
from ingestion.connectors.mt5_pull import Database, PullError, database
from ingestion.connectors.mt5_sweep import Known, sweep
from ingestion.connectors.mt5_tables import MT4, MT5, Export
from ingestion.connectors.swept import Swept
from ingestion.connectors.table_pull import Table, pull_table
from ingestion.connectors.table_sweep import sweep_table
from ingestion.connectors.tabular import Tabular
from ingestion.connectors.values import check_zone
from ingestion.feeds import FEEDS
from warehouse.engine import WarehouseError
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

EXPORTS: Mapping[str, Export] = {"mt5_sql": MT5, "mt4_sql": MT4}
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30, 3600
STALE_AFTER_MINUTES = 60


class _Entry(BaseModel):
    """An entry of `sources.yml`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: str
    platform: str | None = None
    time_zone: str | int | None = None
    every: str = "*/10 * * * *"
    page_rows: int = Field(50_000, ge=1)
    stale_after_minutes: int = Field(STALE_AFTER_MINUTES, ge=1)
    table: str | None = None
    key: str | None = None
    stamp: str | None = None


@dataclass(frozen=True)
class SqlSource:
    """A database to read: `kind` is its connector, `every` a cron expression, `page_rows` the most rows one query asks for.

    `table` is what a YAML connector reads; a MetaTrader database has tables of its own.
    """

    name: str
    kind: str
    platform: str
    url: str
    time_zone: str | int | None = None
    every: str = "*/10 * * * *"
    page_rows: int = 50_000
    table: Table | None = None
    stale_after_minutes: int = STALE_AFTER_MINUTES

    def landing(self, settings: Settings) -> Path:
        """Where its files land."""
        return settings.landing / self.kind


@dataclass(frozen=True)
class SourceState:
    """How reading a source went. Times are naive UTC; `failures` counts those in a row."""

    name: str
    attempted_at: str | None = None
    succeeded_at: str | None = None
    failures: int = 0
    error: str | None = None
    next_attempt_at: str | None = None

    @property
    def answered(self) -> datetime | None:
        """When it last answered."""
        return datetime.fromisoformat(self.succeeded_at) if self.succeeded_at else None

    @property
    def asked_again(self) -> datetime | None:
        """Until when it is left in peace after a failure; None where it may be asked at any time."""
        return datetime.fromisoformat(self.next_attempt_at) if self.next_attempt_at else None

    def is_due(self, now: datetime) -> bool:
        """False while the source is left in peace after a failure."""
        return self.asked_again is None or self.asked_again <= now

    def is_stale(self, now: datetime, after_minutes: int = STALE_AFTER_MINUTES) -> bool:
        """True when it never answered, or its last answer is too old or was followed by a failure."""
        return self.answered is None or self.failures > 0 or now - self.answered > timedelta(minutes=after_minutes)


def sources(settings: Settings) -> tuple[SqlSource, ...]:
    """Every SQL source, in name order: those of `sources.yml`, and the one of DAYBOOK_MT5_URL. Raises WarehouseError."""
    found: dict[str, SqlSource] = {}
    if url := settings.mt5_url.get_secret_value():
        found[settings.mt5_platform] = SqlSource(settings.mt5_platform, "mt5_sql", settings.mt5_platform, url)
    path = settings.root / "sources.yml"
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
        entries = [_Entry.model_validate(one) for one in listed or []]
    except (yaml.YAMLError, ValidationError, TypeError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise WarehouseError(f"sources.yml cannot be used: {said[:500]}. Correct it or move it away.") from error
    for entry in entries:
        secret = settings.source_urls.get(entry.name)
        problem = _problem(entry, secret is not None, entry.name in found)
        if problem:
            raise WarehouseError(f"sources.yml, {entry.name}: {problem}")
        url = secret.get_secret_value() if secret else ""
        table = Table(entry.table, entry.key, entry.stamp) if entry.table and entry.key else None
        found[entry.name] = SqlSource(
            name=entry.name,
            kind=entry.kind,
            platform=entry.platform or entry.name,
            url=url,
            time_zone=entry.time_zone,
            every=entry.every,
            page_rows=entry.page_rows,
            table=table,
            stale_after_minutes=entry.stale_after_minutes,
        )
    return tuple(found[name] for name in sorted(found))


def _problem(entry: _Entry, has_url: bool, is_known: bool) -> str | None:
    if entry.kind not in EXPORTS and not isinstance(connectors().get(entry.kind), Tabular):
        return (
            f"there is no SQL source of the kind {entry.kind!r}; {', '.join(EXPORTS)} and the connectors in YAML are."
        )
    if entry.kind not in EXPORTS and not (entry.table and entry.key):
        return "a connector in YAML reads one table: say `table`, its `key`, and `stamp` where a column changes with every change."
    if is_known:
        return "two sources have this name; rename one."
    if not has_url:
        return "DAYBOOK_SOURCE_URLS does not hold its URL; add it to the environment."
    try:
        check_zone(entry.time_zone if entry.time_zone is not None else 0)
    except ValueError as error:
        return f"time_zone: {error}."
    return None


def kinds(settings: Settings) -> frozenset[str]:
    """The connectors whose rows come out of databases: MetaTrader's, and those that a source of `sources.yml` names."""
    return frozenset(EXPORTS) | {one.kind for one in sources(settings)}


def state_of(settings: Settings, name: str) -> SourceState:
    """What is known of the source's last readings."""
    path = settings.sources / f"{name}.json"
    return SourceState(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else SourceState(name)


def pull(settings: Settings, source: SqlSource, *, snapshots: bool = True) -> list[Path]:
    """Lands what is new in the source; gives every file of it that waits to be loaded, those of a broken-off run among them.

    Raises PullError once its failure is on record.
    """
    connector = connectors().get(source.kind)
    if source.table is not None and isinstance(connector, Tabular):
        with _on_record(settings, source):
            pull_table(
                source.url, source.landing(settings), source.name, source.table, connector.spec, source.page_rows
            )
        return sorted(source.landing(settings).glob(f"{source.name}-*.csv"))
    with _opened(settings, source) as opened:
        for _ in opened.files(snapshots):
            pass
    return sorted(source.landing(settings).glob(f"{source.platform}-mt[45]_*.parquet"))


def swept(settings: Settings, source: SqlSource, connection: duckdb.DuckDBPyConnection) -> Swept:
    """Compares a bounded part of the source with what is loaded of it; lands what differs, and how much the source holds of the last days.

    Raises PullError as `pull` does.
    """
    connector = configured(connectors(), settings.root / "connectors.yml")[source.kind]
    if source.table is not None and isinstance(connector, Tabular):
        with _on_record(settings, source):
            return sweep_table(
                source.url, source.landing(settings), source.name, source.table, connector.spec, source.page_rows
            )
    with _opened(settings, source) as opened:
        found = sweep(opened, connector, _known(connection, source))
        return found + Swept(files=source_counts.landed(opened, connector, connection))


@contextmanager
def _opened(settings: Settings, source: SqlSource) -> Iterator[Database]:
    """The source's database; how it went is put on record."""
    with (
        _on_record(settings, source),
        database(
            source.url,
            source.landing(settings),
            platform=source.platform,
            export=EXPORTS[source.kind],
            zone=source.time_zone,
            page_rows=source.page_rows,
        ) as opened,
    ):
        yield opened


@contextmanager
def _on_record(settings: Settings, source: SqlSource) -> Iterator[None]:
    """How the reading inside went is put on record."""
    try:
        yield
    except PullError as error:
        _keep(settings, _failed(state_of(settings, source.name), str(error)))
        raise
    _keep(settings, SourceState(source.name, attempted_at=_now().isoformat(), succeeded_at=_now().isoformat()))


def _known(connection: duckdb.DuckDBPyConnection, source: SqlSource) -> Known:
    """What is loaded of this source: the latest version of each row that its own connector brought."""

    def latest(feed: str, first: int | None, last: int | None) -> pl.DataFrame:
        columns = FEEDS[feed].columns
        key, order = ("deal_id", "") if feed == "deals" else ("login", "changed_at desc,")
        found = connection.execute(
            f"""
            select {", ".join(f'"{name}"' for name in columns)}
            from (
                select
                    versions.*,
                    loads.connector,
                    row_number() over (
                        partition by versions.{key}
                        order by {order} versions.source_version desc nulls last, versions._load_id desc, versions._row_number desc
                    ) as _place
                from raw."{feed}" as versions
                inner join raw.loads as loads on versions._load_id = loads.load_id
                where versions.platform = $platform
                    and ($first is null or versions.{key} >= $first) and ($last is null or versions.{key} <= $last)
            ) as placed
            where _place = 1 and connector = $connector
            """,
            {"platform": source.platform, "first": first, "last": last, "connector": source.kind},
        ).pl()
        times = [name for name, kind in found.schema.items() if isinstance(kind, pl.Datetime)]
        return found.with_columns(pl.col(times).dt.replace_time_zone("UTC")).cast(pl.Schema(columns))

    return latest


def _failed(state: SourceState, said: str) -> SourceState:
    """The state after one more failure: the wait doubles, shortened by up to a fifth so that sources do not ask all at once."""
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(state.failures, 10)) * random.uniform(0.8, 1)  # noqa: S311
    now = _now()
    return replace(
        state,
        attempted_at=now.isoformat(),
        failures=state.failures + 1,
        error=said,
        next_attempt_at=(now + timedelta(seconds=wait)).isoformat(),
    )


def _keep(settings: Settings, state: SourceState) -> None:
    settings.sources.mkdir(parents=True, exist_ok=True)
    with whole_file(settings.sources / f"{state.name}.json") as part:
        part.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
