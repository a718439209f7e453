"""The one writer slot: an operating-system lock, freed by the kernel when its holder dies."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from warehouse.engine import SlotTaken, make_home
from warehouse.settings import Settings


@contextmanager
def writer_slot(settings: Settings, purpose: str, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the warehouse's writer slot; a second writer is told who holds it, waits, and then gives up with SlotTaken."""
    make_home(settings)
    deadline = time.monotonic() + settings.lock_wait_seconds
    with open(settings.build_file.with_name("writer.lock"), "a+", encoding="utf-8") as lock:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                lock.seek(0)
                holder = _holder(lock.read())
                if time.monotonic() >= deadline:
                    raise SlotTaken(
                        f"The warehouse is being written by {holder}. Wait for it, or stop it (`daybook down`), then run this again."
                    ) from None
                if on_wait and not told:
                    on_wait(f"waiting for {holder}")
                    told = True
                time.sleep(0.1)
        lock.seek(0)
        lock.truncate()
        json.dump({"pid": os.getpid(), "purpose": purpose, "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}, lock)
        lock.flush()
        try:
            yield
        finally:
            lock.seek(0)
            lock.truncate()
            lock.flush()


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} ({holder['purpose']}, since {holder['since']} UTC)"
    except (ValueError, KeyError):
        return "another process"
