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
from ingestion import sources
from ingestion.connectors.mt5_pull import PullError
from ingestion.files import lying
from ingestion.load import FileOutcome, ensure_raw, ingest
from warehouse.build import BuildOutcome, Scope, build, nothing_new
from warehouse.control import ensure_control
from warehouse.dbt import NodeResult
from warehouse.engine import WarehouseError, connect, in_words
from warehouse.publish import PublishOutcome, publish
from warehouse.settings import Settings
from warehouse.slot import writer_slot
from warehouse.whole_file import whole_file

Progress = Callable[[str], None]
FOLLOW_AFTER, RETRY_AFTER, JUDGE_AFTER = 300, 15, 900
RUNS_TOLD = 100
"""How many runs the pages can look back on."""


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
    outcomes = _refreshed(settings, source, progress)
    with writer_slot(settings, "ingest", progress), raw_connection(settings) as connection:
        if source.everything:
            operations.land(settings, operations.loaded(connection))
            repairs.land(settings, connection)
        outcomes += ingest(
            connection,
            settings,
            paths=source.paths or None,
            connector=source.connector,
            guess=source.guess,
            recorded_at=source.recorded_at,
            dry_run=source.dry_run,
            progress=lambda at: progress(
                f"loading file {at.file_number} of {at.files}: {at.path}, {at.rows_read:,} rows"
            ),
        )
        if source.everything:
            repairs.link(settings, connection)
    return outcomes


def _refreshed(settings: Settings, source: Source, progress: Progress) -> list[FileOutcome]:
    """The SQL sources that this load asks for: one kind by name, which must answer; or all that are due, where a silent one is stale."""
    asked = source.connector is not None and not source.paths and not source.dry_run
    named = asked and source.connector in sources.kinds(settings)
    if not (named or source.everything):
        return []
    outcomes: list[FileOutcome] = []
    for one in sources.sources(settings):
        due = sources.state_of(settings, one.name).is_due(datetime.now(UTC).replace(tzinfo=None))
        if one.kind != source.connector if named else not due:
            continue
        try:
            outcomes += refresh(settings, one, source.recorded_at, progress)
        except PullError as error:
            if named:
                raise WarehouseError(str(error)) from error
            progress(f"{one.name} is stale: {error}")
    return outcomes


def refresh(
    settings: Settings, one: sources.SqlSource, recorded_at: datetime | None = None, progress: Progress = silent
) -> list[FileOutcome]:
    """Pulls and loads what is new in one SQL source, then sweeps it for what was edited or deleted unseen and loads that. Raises PullError."""
    progress(f"reading {one.name}")
    files = sources.pull(settings, one)
    with writer_slot(settings, "ingest", progress), raw_connection(settings) as connection:
        outcomes = ingest(connection, settings, files, connector=one.kind, recorded_at=recorded_at) if files else []
        found = sources.swept(settings, one, connection)
        if found.changed or found.gone or found.back:
            progress(f"{one.name}: {found.changed} rows changed unseen, {found.gone} gone, {found.back} back again")
        if found.files:
            outcomes += ingest(connection, settings, list(found.files), recorded_at=recorded_at)
    return outcomes


def build_and_publish(
    settings: Settings,
    *,
    full_refresh: bool = False,
    select: Sequence[str] = (),
    scope: Scope = "all",
    suites: bool = True,
    progress: Progress = silent,
) -> RunOutcome:
    """Builds under the writer slot and publishes when every blocking check is green."""
    with writer_slot(settings, "build", progress):
        with raw_connection(settings):
            pass
        owners = partial(_suites, settings) if suites and not select else lambda _: []
        built = build(
            settings, full_refresh=full_refresh, select=select, scope=scope, more_checks=owners, progress=progress,
        )  # fmt: skip
        _tell_readers(settings, built)
        published = (
            publish(settings, lambda text: progress(f"publishing {text}"), thorough=scope != "live")
            if built.green and not select
            else None
        )
        if published is not None and scope != "live":
            _send_triggers(settings, progress)
    if published is not None and scope != "live":
        judge_metrics(settings, progress)
    _anchor(settings, published)
    return RunOutcome(build=built, publish=published)


def run_once(
    settings: Settings,
    source: Source | None = None,
    *,
    scope: Scope = "all",
    suites: bool = True,
    progress: Progress = silent,
) -> RunOutcome:
    """Ingest, build, check and publish; nothing is built when nothing is new. With the scope `live` the models that follow are left for later."""
    files = load(settings, source or Source(), progress)
    with writer_slot(settings, "build", progress):
        idle = nothing_new(settings)
        if idle:
            published = publish(settings)
            judge_metrics(settings, progress)  # what nobody sent has grown stale meanwhile
            _anchor(settings, published)
            return RunOutcome(files=files, publish=published)
    outcome = build_and_publish(settings, scope=scope, suites=suites, progress=progress)
    outcome.files = files
    return outcome


def watch(
    settings: Settings,
    report: Callable[[RunOutcome], None],
    complain: Callable[[str], None],
    *,
    seconds: float = 0.5,
    progress: Progress = silent,
) -> None:
    """Runs for ever: files and decisions are loaded, built and published as they come, decisions sent out too; dbt's manifest stays in memory.

    The models that follow are built when nothing waits, and at the latest after FOLLOW_AFTER seconds. What goes wrong is said and
    tried again: a full disk or a key that cannot be read ends no service.
    """
    from apps.approvals import outbox

    threading.Thread(target=outbox.work, args=(settings, threading.Event()), name="outbox", daemon=True).start()
    seen: int | None = None
    left: dict[
        Path, tuple[int, int, int]
    ] = {}  # what a run could do nothing with: it wakes nobody until it changes, or for a while
    left_at = time.monotonic()
    behind_since: float | None = None
    judged = time.monotonic()
    while True:
        try:
            before = lying(settings)
            if time.monotonic() - left_at > FOLLOW_AFTER:
                left, left_at = {}, time.monotonic()
            waiting = seen is None or not before.items() <= left.items() or operations.urgent(settings, seen)
            if behind_since is not None and (not waiting or time.monotonic() - behind_since > FOLLOW_AFTER):
                report(build_and_publish(settings, scope="background", suites=False, progress=progress))
                behind_since = None
            elif waiting:
                at = operations.head(settings).seq
                # the first pass takes everything; the owners' suites look at days and run with `daybook run` and the daily schedule
                scope: Scope = "all" if seen is None else "live"
                report(run_once(settings, scope=scope, suites=seen is None, progress=progress))
                seen, behind_since = at, time.monotonic() if scope == "live" else None
                left = dict(before.items() & lying(settings).items())
            elif time.monotonic() - judged > JUDGE_AFTER:
                judge_metrics(settings, progress)
                judged = time.monotonic()
            time.sleep(seconds)
        except Exception as error:
            known = in_words(error, settings) or (str(error) if isinstance(error, WarehouseError | OSError) else None)
            if known is None:
                raise
            complain(f"{known} Tried again in {RETRY_AFTER} s.")
            time.sleep(RETRY_AFTER)


def _anchor(settings: Settings, published: PublishOutcome | None) -> None:
    """Signs the audit chain's head at each publish, so that what was decided before it cannot be cut off unseen."""
    if published is not None:
        from apps.approvals.anchors import anchor

        anchor(settings, "publish", published.publish.publish_id)


def _send_triggers(settings: Settings, progress: Progress) -> None:
    """What fired and is now published goes into the outbox; growth follows the live path, so only with what follows."""
    from apps.triggers import enqueue

    if new := enqueue(settings):
        progress(f"{new} triggers put into the outbox")


def judge_metrics(settings: Settings, progress: Progress = silent) -> None:
    """The rules over metrics on what readers see now. Rules that cannot be used are said, on the Overview too, and stop no publish."""
    from apps.metric_alerts.standing import watch as judge

    try:
        if changed := judge(settings):
            progress(f"{changed} metric alerts changed their state")
    except WarehouseError as error:
        progress(f"metric alerts were not judged: {error}")


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
    file = settings.build_file.with_name("last_run.json")
    run = {
        "run_id": built.run_id,
        "status": "green" if built.green else "red",
        "finished_at": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
    }
    before = json.loads(file.read_text(encoding="utf-8")).get("runs", []) if file.exists() else []
    times = [*before, {**run, "seconds": round(built.seconds, 1), "steps": built.steps, "checks": len(built.checks)}]
    state = {
        **run,
        "runs": times[-RUNS_TOLD:],
        "message": "; ".join(f"{node.name}: {node.message}" for node in built.failures)[:2000],
        "warnings": [asdict(node) for node in built.warnings],
    }
    with whole_file(file) as part:
        part.write_text(json.dumps(state), encoding="utf-8")
