"""The MetaTrader 5 Web API's JSON, as `deal/get_page`, `user/get_page`, `position/get_page` and their like answer.

Every value is text. `Time` counts seconds and `TimeMsc` milliseconds since 1970 **on the server's clock**, not in UTC: they are turned
into that clock's date and time, and from there on a row is what the SQL export gives. A file holds one answer: a list, an object with
`answer`, or one record; or one of these a line. Pages may overlap.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.mt5_clock import Clock
from ingestion.connectors.mt5_rows import FEEDS, Table
from ingestion.connectors.mt_settings import MtSettings, zone_or_assumed
from ingestion.connectors.mt_text import MOST_BYTES
from ingestion.connectors.values import text_frame

_SHAPES: Mapping[str, tuple[str, ...]] = {
    "mt5_deals": ("Deal", "Login", "Action"),
    "mt5_users": ("Login", "Group", "Rights"),
    "mt5_positions": ("Position", "Login", "PriceOpen"),
}
"""Table of the export -> what only its records have."""
_SECONDS = ("Time", "TimeCreate", "TimeUpdate", "Registration", "LastAccess")
_MILLISECONDS = ("TimeMsc", "TimeCreateMsc", "TimeUpdateMsc")
_EPOCH = datetime(1970, 1, 1)

Record = dict[str, str | None]


@dataclass(frozen=True)
class Mt5WebApi(MtSettings):
    """Settings: `platform`, `time_zone` (else `ASSUMED_ZONE`), `currency`, `entity`, `cent_logins`, `comment_rules`."""

    name: ClassVar[str] = "mt5_webapi"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.json", "*.jsonl")
    feeds: ClassVar[tuple[str, ...]] = ("deals", "trading_accounts", "positions")

    platform: str = "mt5"
    time_zone: str | int | None = None
    currency: str | None = None
    entity: str | None = None
    cent_logins: list[str] = field(default_factory=list)
    comment_rules: list[dict[str, str]] = field(default_factory=list)

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for JSON whose names are those of a deal, user or position of MetaTrader 5."""
        if head.lstrip()[:1] not in (b"[", b"{"):
            return False
        return any(all(f'"{name}"'.encode() in head for name in names) for names in _SHAPES.values())

    def read(self, path: Path) -> Iterator[Batch]:
        """The records, in the feed of each."""
        records = _records(path)
        zone, said = zone_or_assumed(self.time_zone, "the API tells")
        clock = Clock(zone)
        tables = {name: self._table(name, clock, path) for name in _SHAPES}
        good: dict[str, list[dict[str, object]]] = {name: [] for name in _SHAPES}
        bad: list[Rejected] = []
        for number, record in enumerate(records, start=1):
            try:
                name, texts = _shape(record), _texts(record)
                good[name].append({**FEEDS[name][2](tables[name], texts), "_row_number": number})
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), record if isinstance(record, dict) else {"record": record}))
        for place, (name, rows) in enumerate(good.items()):
            if rows or place == 0:
                feed, columns, _ = FEEDS[name]
                yield Batch(
                    feed, text_frame(rows, columns), tuple(bad) if place == 0 else (), said if place == 0 else ()
                )

    def _table(self, name: str, clock: Clock, path: Path) -> Table:
        taken = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None).isoformat()
        return Table(
            name, self.platform, clock, taken, {}, self.currency, self.entity,
            frozenset(map(str, self.cent_logins)), self.rules,
        )  # fmt: skip


def _records(path: Path) -> list[object]:
    """Every record of the file. Raises BadFile."""
    if path.stat().st_size > MOST_BYTES:
        raise BadFile(f"{path.name} has more than {MOST_BYTES // 2**20} MiB.", "Ask the API for shorter pages.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        whole = [json.loads(text, parse_float=str, parse_int=str)] if path.suffix != ".jsonl" else [
            json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()
        ]  # fmt: skip
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFile(f"{path.name} is no readable JSON: {str(error)[:200]}.", "Ask the API for it again.") from error
    found = [record for answer in whole for record in _listed(answer)]
    if not any(
        isinstance(record, dict) and any(set(names) <= record.keys() for names in _SHAPES.values()) for record in found
    ):
        raise BadFile(f"{path.name} holds no deal, user or position of MetaTrader 5.", "Land what the Web API answers.")
    return found


def _listed(answer: object) -> list[object]:
    if isinstance(answer, dict) and "answer" in answer:
        return _listed(answer["answer"])
    return answer if isinstance(answer, list) else [answer]


def _shape(record: object) -> str:
    if not isinstance(record, dict):
        raise ValueError("is no record with names and values")
    found = next((name for name, names in _SHAPES.items() if set(names) <= record.keys()), None)
    if found is None:
        raise ValueError("is neither a deal nor a user nor a position of MetaTrader 5")
    return found


def _texts(record: object) -> Record:
    """A record as the SQL export would give it: text, with dates of the server's clock."""
    texts: Record = {
        name: value if value is None or isinstance(value, str) else json.dumps(value)
        for name, value in (record.items() if isinstance(record, dict) else ())
    }
    for names, per_second in ((_SECONDS, 1), (_MILLISECONDS, 1000)):
        for name in names:
            if texts.get(name):
                texts[name] = _wall(name, str(texts[name]), per_second)
    return texts


def _wall(name: str, text: str, per_second: int) -> str | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ValueError(f"{name}: {text!r} is no count of {'seconds' if per_second == 1 else 'milliseconds'}")
    if int(text) == 0:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=int(text) * 1_000_000 // per_second)).isoformat(sep=" ")
    except OverflowError:
        raise ValueError(f"{name}: {text!r} is out of range for a time") from None


CONNECTOR = Mt5WebApi()
