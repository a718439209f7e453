"""The desk of a home: its store, the newest publish, the outbox, and what approvals change here."""

import threading
from collections.abc import Callable
from datetime import timedelta

from apps.approvals.effects import EFFECTS
from apps.approvals.orders import Desk
from apps.approvals.outbox import deliverer
from apps.approvals.store import open_store
from warehouse import lake
from warehouse.reader import OPERATOR, Reader
from warehouse.settings import Settings


def open_desk(settings: Settings) -> Desk:
    """Where this home's orders are carried out. Keep it: it holds the reader of the publish it saw last."""
    return Desk(
        engine=open_store(settings),
        reader=newest_reader(settings),
        deliver=deliverer(settings),
        effects=EFFECTS,
        undo=timedelta(seconds=settings.undo_seconds),
        simulated=settings.simulated_marker.exists(),
    )


def newest_reader(settings: Settings) -> Callable[[], Reader]:
    """Gives, whenever asked, a reader of the publish that readers see now; a new one only when that changed.

    It reads as the operator: a decision needs the whole truth, whatever its approver may see on a page. A reader that was replaced
    closes itself when the last order that holds it ends.
    """
    held: list[Reader] = []
    seen: list[object] = []
    turn = threading.Lock()

    def newest() -> Reader:
        with turn:
            mark = _mark(settings)
            if not held or mark is None or seen != [mark]:
                current = lake.current(settings)
                if not held or held[0].publish.publish_id != current.publish_id:
                    held[:] = [Reader(settings, OPERATOR, publish=current)]
                seen[:] = [mark]
            return held[0]

    return newest


def _mark(settings: Settings) -> object | None:
    """What changes with every publish, for less than a millisecond; None where the catalog is a server and must be asked."""
    if settings.lake_catalog:
        return None
    files = (settings.lake / "catalog.sqlite", settings.lake / "catalog.sqlite-wal")
    found = [file.stat() if file.exists() else None for file in files]
    return tuple((one.st_mtime_ns, one.st_size) for one in found if one is not None and one.st_size)
