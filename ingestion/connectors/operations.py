"""Daybook's own operational store, as `daybook audit export` writes it: one JSON line an event, its sealed text untouched.

So decisions come back as any source's events do: landed whole, loaded once, archived. A line whose seal does not fit its text was
changed after it was written and goes to quarantine. A decision that was undone within the seconds it could be is landed in one file with
its undoing, and means nothing to any feed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.byte_stream import CleanStream
from ingestion.connectors.operations_rows import Row, carried, checks, consequences, envelope
from ingestion.connectors.values import text_frame
from ingestion.feeds import FEEDS

LINE = ("seq", "prev_hash", "hash", "body")
BATCH_LINES = 20_000
SHOWN = 10_000
"""Characters of a refused line that its quarantine row keeps; the archive has the rest."""
LISTS = ("reason_codes",)
UNDONE = b'"approval.undone\\"'

Gathered = dict[str, list[Row]]


@dataclass(frozen=True)
class Operations:
    """The first feed holds every event; the others what a decision means to them."""

    name: ClassVar[str] = "operations"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.jsonl", "*.jsonl.gz")
    feeds: ClassVar[tuple[str, ...]] = (
        *("operational_events", "cash_requests", "kyc_events", "risk_checks", "commission_decisions"),
        "period_events",
    )

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the first line is a sealed event."""
        try:
            line = json.loads(head.split(b"\n", 1)[0])
        except (ValueError, RecursionError):
            return False
        return isinstance(line, dict) and set(line) == set(LINE)

    def read(self, path: Path) -> Iterator[Batch]:
        """Every line is a row of `operational_events`, and of what it means elsewhere; or set aside with its reason."""
        read_any = False
        undone = _undone(path)
        with CleanStream(path) as stream:
            lines = enumerate(BufferedReader(stream, buffer_size=1 << 20), start=1)
            while chunk := list(islice(lines, BATCH_LINES)):
                gathered: Gathered = {}
                rejected: list[Rejected] = []
                for number, line in chunk:
                    try:
                        for feed, row in _rows(line, undone):
                            gathered.setdefault(feed, []).append({**row, "_row_number": number})
                    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                        rejected.append(Rejected(number, (_why(error),), {"line": line.decode().strip()[:SHOWN]}))
                if not read_any and not gathered:
                    raise BadFile(
                        f"It holds no event of an operational store: {rejected[0].rules[0]}.",
                        "`daybook audit export` writes one.",
                        row=rejected[0].row_number,
                    )
                read_any = True
                yield from _batches(gathered, tuple(rejected))


def _undone(path: Path) -> frozenset[str]:
    """The decisions that an event of the file undoes."""
    found = set()
    with CleanStream(path) as stream:
        for line in BufferedReader(stream, buffer_size=1 << 20):
            if UNDONE in line:
                try:
                    found.add(_opened(json.loads(line)).get("approval_id"))
                except (ValueError, TypeError, KeyError):
                    continue  # the line goes to quarantine when it is read for its rows
    return frozenset(one for one in found if isinstance(one, str))


def _rows(line: bytes, undone: frozenset[str]) -> Iterator[tuple[str, Row]]:
    """What one line gives, feed by feed, the event first; raises where it is no event or its seal does not fit."""
    said = json.loads(line)
    body = _opened(said)
    stands = body["event_id"] not in undone
    told = carried(body) if stands else None
    sealed = {name: said[name] for name in ("body", "prev_hash", "hash")}
    rows = [("operational_events", envelope(body, sealed) | {"carried_by": told[0] if told else None})]
    # all of a line or nothing of it: a decision whose event is refused must not stand alone
    yield from [*rows, *([told] if told else []), *checks(body), *(consequences(body) if stands else ())]


def _opened(said: Any) -> Mapping[str, Any]:
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in LINE[1:]):
        raise ValueError(f"the line is no event: it has not {', '.join(LINE)}")
    sealed = hashlib.sha256(f"{said['prev_hash']}{said['body']}".encode()).hexdigest()
    if sealed != said["hash"]:
        raise ValueError("hash: is not that of prev_hash and body; the event was changed after it was written")
    body = json.loads(said["body"])
    if body["seq"] != said["seq"]:
        raise ValueError(f"seq: the line says {said['seq']}, the sealed event {body['seq']}")
    return body


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"the line is not JSON ({error})"
    if isinstance(error, KeyError):
        return f"the event lacks {error.args[0]}"
    return str(error) or type(error).__name__


def _batches(gathered: Gathered, rejected: tuple[Rejected, ...]) -> Iterator[Batch]:
    """One batch a feed that has rows; the refused lines count with the events."""
    first = Operations.feeds[0]
    for feed in Operations.feeds:
        if feed in gathered or (feed == first and rejected):
            yield Batch(feed, _frame(feed, gathered.get(feed, [])), rejected if feed == first else ())


def _frame(feed: str, rows: list[Row]) -> pl.DataFrame:
    """Text columns, as the loader casts them; only those that some row fills."""
    wanted = [name for name in FEEDS[feed].columns if any(row.get(name) is not None for row in rows)]
    told = [
        {name: str(value) if isinstance(value, int) and name != "_row_number" else value for name, value in row.items()}
        for row in rows
    ]
    return text_frame(told, wanted, lists=LISTS)


CONNECTOR = Operations()
