"""File → raw, exactly once: whole files only, one transaction each, every row loaded, a duplicate, or in quarantine with its reasons."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion import files, quarantine, stated, versions
from ingestion.connectors import BadFile, Connector, connectors
from ingestion.connectors.configured import WrongSettings, configured
from ingestion.connectors.tabular import WrongYaml
from ingestion.feeds import FEEDS
from ingestion.files import Fingerprint, Found
from ingestion.outcome import Counts, FileOutcome, Progress
from ingestion.quarantine import list_quarantine, show_quarantine
from ingestion.raw import ensure_raw
from ingestion.reading import Ahead, Opened
from ingestion.versions import Arrival
from warehouse.engine import WarehouseError, WrongUse, in_words
from warehouse.settings import Settings

__all__ = ["FileOutcome", "Progress", "ensure_raw", "ingest", "list_quarantine", "show_quarantine"]


STILL_WRITTEN = "It changed while it was read. Write under a temporary name (`.part`) and rename when it is complete."


@dataclass(frozen=True)
class Call:
    """What all files of one ingest call share."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    recorded_at: dt.datetime
    """Naive UTC."""
    stated: bool
    dry_run: bool
    progress: Callable[[Progress], None] | None


def ingest(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    paths: Sequence[Path] | None = None,
    *,
    connector: str | None = None,
    guess: bool = False,
    recorded_at: dt.datetime | None = None,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> list[FileOutcome]:
    """One outcome per feed of each file, in path order.

    Takes an open connection to the build file, whose lock the caller holds. Without `paths` it loads what lies in the landing
    folder; given files elsewhere are copied to the archive and left where they are. A bad file is refused and the next still
    loads; WarehouseError is raised only when no file could load (disk full, a time that cannot be, rows that do not add up).
    A dry run judges each file alone against what is loaded, and leaves neither rows nor moved files behind.
    """
    try:
        known = configured(connectors(), settings.root / "connectors.yml")
    except (WrongSettings, WrongYaml) as error:
        raise WarehouseError(str(error)) from error
    call = Call(connection, settings, _moment(recorded_at), recorded_at is not None, dry_run, progress)
    if connector is not None and connector not in known:
        raise WrongUse(f"There is no connector `{connector}`. See `daybook connectors`.")
    try:
        ensure_raw(connection)
        found = files.in_landing(settings) if paths is None else files.at(list(paths), settings)
        with _one_thread(connection), ThreadPoolExecutor(1, "reader") as pool:
            ahead = Ahead(pool, found, known, connector, guess, settings.batch_rows)
            return [outcome for number in range(len(found)) for outcome in _one_file(call, ahead, number)]
    except FileNotFoundError as error:
        raise WrongUse(f"There is no file {error.filename}. Check the path.") from error
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(_of_the_machine(error, settings)) from error


@contextmanager
def _one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """DuckDB writes with one thread meanwhile. Reading and judging need the other core, and several writers leave row groups
    partly filled, which the next checkpoint then rewrites: measured, a third to a half of all time spent."""
    row = connection.execute("select current_setting('threads')").fetchone()
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {row[0] if row else 1}")


def _moment(stated: dt.datetime | None) -> dt.datetime:
    now = dt.datetime.now(dt.UTC)
    if stated is None:
        return now.replace(tzinfo=None)
    moment = stated.astimezone(dt.UTC) if stated.tzinfo else stated.replace(tzinfo=dt.UTC)
    if moment > now:
        raise WrongUse(
            f"--recorded-at {moment.isoformat()} lies in the future; the warehouse cannot know then yet. State a past time."
        )
    return moment.replace(tzinfo=None)


def _of_the_machine(error: Exception, settings: Settings) -> str:
    known = in_words(error, settings)
    if known:
        return known
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"DuckDB ran out of memory ({error}). Raise DAYBOOK_MEMORY_LIMIT or lower DAYBOOK_BATCH_ROWS, and run the same command again."
    return f"Loading stopped; the file under way was not loaded ({error}). Run the same command again."


def _one_file(call: Call, ahead: Ahead, number: int) -> list[FileOutcome]:
    found, opened = ahead.found[number], ahead.open(number)
    shown = found.shown(call.settings)
    if isinstance(opened, str):
        return [FileOutcome(shown, None, None, "skipped", opened)]
    connector, seen = opened.connector, opened.seen
    earlier = _earlier_loads(call, seen)
    if earlier:
        opened.abandon()
        if not call.dry_run:
            files.archive(found, seen.sha256, call.settings)
        return [
            FileOutcome(
                shown,
                connector.name,
                feed,
                "duplicate_file",
                f"It was loaded as {path} (load {load_id}).",
                load_id=load_id,
            )
            for load_id, feed, path in earlier
        ]
    try:
        return _load(call, ahead, number, opened)
    except BadFile as bad:
        if not files.is_unchanged(found.path, seen):
            return [FileOutcome(shown, connector.name, None, "skipped", STILL_WRITTEN)]
        return [_refuse(call, found, connector, seen, bad)]


def _earlier_loads(call: Call, seen: Fingerprint) -> list[tuple[int, str, str]]:
    return call.connection.execute(
        "select load_id, feed, path from raw.loads where file_sha256 = ? and status = 'loaded' order by load_id",
        [seen.sha256],
    ).fetchall()


def _load(call: Call, ahead: Ahead, number: int, opened: Opened) -> list[FileOutcome]:
    """All of the file, or nothing of it: rows, quarantine and load record are one transaction; then it is archived."""
    found, connector, seen = ahead.found[number], opened.connector, opened.seen
    shown, started = found.shown(call.settings), _now()
    call.connection.begin()
    try:
        accounts = _take_in(call, ahead, number, opened)
        for feed, counts in accounts.items():
            counts.check(shown, feed)
            _record(call, found, connector, seen, feed, counts, started)
        if not files.is_unchanged(found.path, seen):
            raise BadFile(STILL_WRITTEN)
        call.connection.execute("rollback" if call.dry_run else "commit")
    except BaseException:
        with suppress(duckdb.Error):  # the transaction may already be gone; the first error is the one to tell
            call.connection.rollback()
        raise
    if not call.dry_run:
        files.archive(found, seen.sha256, call.settings)
    return [
        FileOutcome(
            shown,
            connector.name,
            feed,
            "loaded",
            None,
            c.read,
            c.loaded,
            c.duplicate,
            c.quarantined,
            tuple(c.remarks),
            c.load_id,
        )
        for feed, c in accounts.items()
    ]


def _take_in(call: Call, ahead: Ahead, number: int, opened: Opened) -> dict[str, Counts]:
    first_id = _next_load_id(call)
    shown, accounts = ahead.found[number].shown(call.settings), dict[str, Counts]()
    for batch, judged, staged in ahead.parts(number, opened):
        counts = accounts.setdefault(batch.feed, Counts(first_id + len(accounts)))
        arrival = Arrival(counts.load_id, opened.seen.sha256, str(call.recorded_at))
        counts.read += batch.rows.height + len(batch.rejected)
        if staged is not None:
            loaded, duplicate = versions.append(call.connection, FEEDS[batch.feed], staged, arrival)
            counts.loaded += loaded
            counts.duplicate += duplicate
        counts.quarantined += quarantine.put(call.connection, batch.feed, shown, judged.bad, arrival)
        remarks = [
            *batch.remarks,
            *(stated.keep(call.connection, batch.feed, shown, batch.totals, arrival) if batch.totals else ()),
            *(f"The column `{name}` is unknown to {batch.feed}; it is kept in _extra." for name in judged.unknown),
        ]
        counts.remarks.update(dict.fromkeys(remarks))
        if call.progress:
            call.progress(
                Progress(shown, number + 1, len(ahead.found), rows_read=sum(one.read for one in accounts.values()))
            )
    if not accounts:
        accounts = {opened.connector.feeds[0]: Counts(first_id)}
    return accounts


def _record(
    call: Call,
    found: Found,
    connector: Connector,
    seen: Fingerprint,
    feed: str | None,
    counts: Counts,
    started: dt.datetime,
    reason: str | None = None,
) -> None:
    call.connection.execute(
        """
        insert into raw.loads (
            load_id, connector, connector_version, feed, path, file_sha256, bytes, rows_read, rows_loaded, rows_duplicate,
            rows_quarantined, recorded_at, recorded_at_stated, started_at, finished_at, status, reason, remarks
        ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
            counts.load_id, connector.name, connector.version, feed, found.shown(call.settings), seen.sha256, seen.size,
            counts.read, counts.loaded, counts.duplicate, counts.quarantined, call.recorded_at, call.stated, started, _now(),
            "refused" if reason else "loaded", reason, list(counts.remarks),
        ],
    )  # fmt: skip


def _refuse(call: Call, found: Found, connector: Connector, seen: Fingerprint, bad: BadFile) -> FileOutcome:
    """Recorded, then set aside. A refusal of the same bytes under the same name is one refusal, so that a crash repeats nothing."""
    shown = found.shown(call.settings)
    feed = connector.feeds[0] if len(connector.feeds) == 1 else None
    reason = f"{bad.reason} {bad.remedy}".strip()
    told = call.connection.execute(
        "select load_id from raw.loads where file_sha256 = ? and path = ? and status = 'refused'", [seen.sha256, shown]
    ).fetchone()
    counts = Counts(told[0] if told else _next_load_id(call))
    if not call.dry_run:
        if not told:
            _record(call, found, connector, seen, feed, counts, _now(), reason)
        files.set_aside(
            found,
            {
                "file": found.path.name,
                "path": shown,
                "connector": connector.name,
                "feed": feed,
                "sha256": seen.sha256,
                "bytes": seen.size,
                "reason": bad.reason,
                "remedy": bad.remedy or f"Mend the file and put it in landing/{connector.name}/ again.",
                "row": bad.row,
                "column": bad.column,
                "value": bad.value,
                "load_id": counts.load_id,
                "refused_at": call.recorded_at.isoformat() + "Z",
            },
            call.settings,
        )
    return FileOutcome(shown, connector.name, feed, "refused", reason, load_id=counts.load_id)


def _next_load_id(call: Call) -> int:
    row = call.connection.execute("select coalesce(max(load_id), 0) + 1 from raw.loads").fetchone()
    return int(row[0]) if row else 1


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
