"""The pipeline as plain functions: load, build, publish. The command line, the watcher and the orchestrator call these."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

from apps import operations, repairs
from ingestion.connectors.mt5_sql import PullError, pull
from ingestion.load import FileOutcome, ensure_raw, ingest
from warehouse.build import BuildOutcome, build, nothing_new
from warehouse.control import ensure_control
from warehouse.dbt import Dbt, NodeResult
from warehouse.engine import WarehouseError, connect
from warehouse.publish import PublishOutcome, publish
from warehouse.settings import Settings
from warehouse.slot import writer_slot

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """The progress of nobody."""


@dataclass(frozen=True)
class Source:
    """What to load: all of the landing folder, or the given files; see `daybook ingest`."""

    paths: tuple[Path, ...] = ()
    connector: str | None = None
    guess: bool = False
    recorded_at: datetime | None = None
    dry_run: bool = False

    @property
    def everything(self) -> bool:
        """Whether all that has happened is wanted, and so what happened in our own operational store too."""
        return not self.paths and self.connector is None and not self.recorded_at and not self.dry_run


@dataclass
class RunOutcome:
    """One pass of the pipeline. `publish` is None when nothing changed or the build was red."""

    files: list[FileOutcome] = field(default_factory=list)
    build: BuildOutcome | None = None
    publish: PublishOutcome | None = None

    @property
    def green(self) -> bool:
        return self.build is None or self.build.green


@contextlib.contextmanager
def raw_connection(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file with the raw and control tables in place; the caller holds the writer slot."""
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        ensure_control(connection)
        ensure_raw(connection)
        yield connection


def load(settings: Settings, source: Source, progress: Progress = silent) -> list[FileOutcome]:
    """Loads files into raw under the writer slot, and what happened in the operational store; one `recorded_at` for the whole call."""
    if source.connector == "mt5_sql" and not source.paths and settings.mt5_url.get_secret_value():
        progress("pulling from the MT5 export database")
        try:
            pull(settings.mt5_url.get_secret_value(), settings.landing / "mt5_sql", platform=settings.mt5_platform)
        except PullError as error:
            raise WarehouseError(str(error)) from error
    with writer_slot(settings, "ingest", progress), raw_connection(settings) as connection:
        if source.everything:
            operations.land(settings, operations.loaded(connection))
            repairs.land(settings, connection)
        files = ingest(
            connection,
            settings,
            paths=source.paths or None,
            connector=source.connector,
            guess=source.guess,
            recorded_at=source.recorded_at,
            dry_run=source.dry_run,
            progress=lambda at: progress(f"loading {at.path} ({at.file_number} of {at.files}, {at.rows_read:,} rows)"),
        )
        if source.everything:
            repairs.link(settings, connection)
        return files


def build_and_publish(
    settings: Settings,
    *,
    full_refresh: bool = False,
    select: Sequence[str] = (),
    dbt: Dbt | None = None,
    suites: bool = True,
    progress: Progress = silent,
) -> RunOutcome:
    """Builds under the writer slot and publishes when every blocking check is green."""
    with writer_slot(settings, "build", progress):
        with raw_connection(settings):
            pass
        owners = partial(_suites, settings) if suites and not select else lambda _: []
        built = build(
            settings, full_refresh=full_refresh, select=select, dbt=dbt, more_checks=owners, progress=progress
        )
        _tell_readers(settings, built)
        published = (
            publish(settings, lambda text: progress(f"publishing {text}")) if built.green and not select else None
        )
    _anchor(settings, published)
    return RunOutcome(build=built, publish=published)


def run_once(
    settings: Settings,
    source: Source | None = None,
    *,
    dbt: Dbt | None = None,
    suites: bool = True,
    progress: Progress = silent,
) -> RunOutcome:
    """Ingest, build, check and publish; nothing is built when nothing is new."""
    files = load(settings, source or Source(), progress)
    with writer_slot(settings, "build", progress):
        idle = nothing_new(settings)
        if idle:
            published = publish(settings)
            _anchor(settings, published)
            return RunOutcome(files=files, publish=published)
    outcome = build_and_publish(settings, dbt=dbt, suites=suites, progress=progress)
    outcome.files = files
    return outcome


def watch(
    settings: Settings, report: Callable[[RunOutcome], None], *, seconds: float = 0.5, progress: Progress = silent
) -> None:
    """Runs for ever: files and decisions are loaded, built and published as they come, decisions sent out too; dbt's manifest stays in memory."""
    from apps.approvals import outbox

    dbt = Dbt(settings)
    threading.Thread(target=outbox.work, args=(settings, threading.Event()), name="outbox", daemon=True).start()
    seen = operations.head(settings).seq
    report(run_once(settings, dbt=dbt, progress=progress))
    while True:
        arrived = any(path.is_file() and not _unfinished(path) for path in settings.landing.rglob("*"))
        if arrived or operations.urgent(settings, seen):
            seen = operations.head(settings).seq
            # the owners' suites look at days, not seconds: they run with `daybook run` and the daily schedule
            report(run_once(settings, dbt=dbt, suites=False, progress=progress))
        time.sleep(seconds)


def _anchor(settings: Settings, published: PublishOutcome | None) -> None:
    """Signs the audit chain's head at each publish, so that what was decided before it cannot be cut off unseen."""
    if published is not None:
        from apps.approvals.anchors import anchor

        anchor(settings, "publish", published.publish.publish_id)


def _unfinished(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix in {".part", ".tmp"}


def _suites(settings: Settings, connection: duckdb.DuckDBPyConnection) -> list[NodeResult]:
    """The owners' suites as check results; Great Expectations costs seconds to import, so only here."""
    from expectations.run import run_suites

    return [
        NodeResult(
            name=f"{one.suite}: {one.name}",
            kind="expectation",
            relation=one.relation,
            status="pass" if one.passed else "warn",
            severity="warn",
            failures=0 if one.passed else 1,
            message=f"observed {one.observed}",
            seconds=0,
        )
        for one in run_suites(connection, settings.docs / "expectations")
    ]


def _tell_readers(settings: Settings, built: BuildOutcome) -> None:
    """The last run's state beside the build file: a page says when the newest run is red, without opening the build."""
    state = {
        "run_id": built.run_id,
        "status": "green" if built.green else "red",
        "finished_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "message": "; ".join(f"{node.name}: {node.message}" for node in built.failures)[:2000],
        "warnings": [asdict(node) for node in built.warnings],
    }
    target = settings.build_file.with_name("last_run.json")
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps(state), encoding="utf-8")
    temporary.replace(target)
