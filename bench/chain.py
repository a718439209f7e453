"""How fast the audit chain grows and is verified, in a store of its own."""

import tempfile
import time
from pathlib import Path
from typing import Any

from apps.approvals.chain import Actor, Event, append
from apps.approvals.store import open_store, writing
from apps.approvals.verify import verify
from warehouse.engine import WarehouseError, make_home
from warehouse.settings import Settings

BATCH = 1_000
TEXT = "x" * 200
"""About what a decision says of itself."""


def measured_chain(events: int) -> dict[str, Any]:
    """Appends events in batches of a thousand to a new SQLite store and verifies all of them; figures are events per second of wall clock."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        settings = Settings(home=Path(folder))
        make_home(settings)
        engine = open_store(settings)
        started = time.monotonic()
        for first in range(0, events, BATCH):
            batch = [
                Event("bench.noted", Actor("S1", role="payments"), "note", str(number), after={"text": TEXT})
                for number in range(first, min(first + BATCH, events))
            ]
            with writing(engine) as connection:
                append(connection, batch)
        appended = time.monotonic() - started
        verdict = verify(engine)
        engine.dispose()
    if not verdict.whole or verdict.events != events:
        raise WarehouseError(f"The chain of the bench is not whole: {verdict.events} events, {verdict.faults[:3]}.")
    return {
        "events": events,
        "append_per_second": round(events / appended),
        "verify_per_second": round(events / verdict.seconds),
    }
