"""The journal of who looked at what: events of the audit chain, written behind the page's back so that no page waits for a disk.

A view is put into a queue and written within a moment by one thread per store. When the store does not take it, the thread keeps it
and tries again, and `require_written` closes the pages: nobody looks at clients' data unrecorded. An export waits for its event.
"""

import atexit
import logging
import queue
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from apps.access.identity import NotAdmitted
from apps.approvals import chain
from apps.approvals.canonical import canonical
from apps.approvals.chain import Event
from apps.approvals.store import open_store, writing
from apps.approvals.tables import sessions
from warehouse.settings import Settings

log = logging.getLogger("daybook.access")
OVERDUE_SECONDS = 60
"""An entry unwritten for longer closes the pages."""
BATCH = 500


@dataclass(frozen=True)
class Seen:
    """A session was there at this moment."""

    session_id: str
    at: datetime


Entry = tuple[float, Event | Seen]


class Journal:
    """The queue and the thread of one store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: queue.SimpleQueue[Entry] = queue.SimpleQueue()
        self._held: list[Entry] = []
        self._lock, self._woken = threading.Lock(), threading.Event()
        threading.Thread(target=self._run, name="access-journal", daemon=True).start()
        atexit.register(self.flush)

    def put(self, entry: Event | Seen) -> None:
        self._waiting.put((time.monotonic(), entry))
        self._woken.set()

    def overdue_seconds(self) -> float:
        """How long the oldest refused entry has been waiting."""
        held = self._held
        return time.monotonic() - held[0][0] if held else 0.0

    def flush(self) -> None:
        """Writes all that waits; what the store refuses stays."""
        with self._lock:
            self._take()
            while self._held:
                batch = self._held[:BATCH]
                try:
                    _write(open_store(self._settings), [entry for _, entry in batch])
                except Exception:
                    log.exception("%s entries of the access journal are not written yet", len(self._held))
                    return
                self._held = self._held[len(batch) :]

    def _take(self) -> None:
        while not self._waiting.empty():
            self._held.append(self._waiting.get())

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            self.flush()
            while self._held:
                time.sleep(1)
                self.flush()


def _write(engine: sa.Engine, entries: list[Event | Seen]) -> None:
    with writing(engine) as connection:
        for entry in entries:
            if isinstance(entry, Seen):
                connection.execute(
                    sa.update(sessions)
                    .where(sessions.c.session_id == entry.session_id, sessions.c.last_seen_at < entry.at)
                    .values(last_seen_at=entry.at)
                )
        chain.append(connection, [entry for entry in entries if isinstance(entry, Event)])


_journals: dict[str, Journal] = {}
_opening = threading.Lock()


def journal(settings: Settings) -> Journal:
    """The journal of this home's store, one a process."""
    key = settings.ops_url.get_secret_value() or str(settings.ops_file)
    with _opening:
        if key not in _journals:
            _journals[key] = Journal(settings)
        return _journals[key]


def record(settings: Settings, event: Event) -> None:
    """Puts a view into the journal; returns at once. Raises TypeError for one that the chain could never hold."""
    canonical({"actor": asdict(event.actor), "before": event.before, "after": event.after})
    journal(settings).put(event if event.occurred_at else replace(event, occurred_at=chain.now()))


def seen(settings: Settings, session_id: str, at: datetime) -> None:
    """Notes that the session is in use; returns at once."""
    journal(settings).put(Seen(session_id, at))


def record_now(settings: Settings, event: Event) -> None:
    """Writes an event and returns once it is in the chain; raises where it cannot be: then what it records must not happen."""
    with writing(open_store(settings)) as connection:
        chain.append(connection, [event])


def require_written(settings: Settings) -> None:
    """Raises NotAdmitted while views cannot be recorded."""
    overdue = journal(settings).overdue_seconds()
    if overdue > OVERDUE_SECONDS:
        raise NotAdmitted(
            "journal_overdue",
            f"The journal of who looks at what has not been written for {overdue:.0f} seconds, so clients' data stay closed. "
            "The cause stands in `logs/dashboard.log`; `daybook doctor` shows where the operational store is.",
        )
