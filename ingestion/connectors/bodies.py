"""JSON bodies (webhooks, API objects, exports of them): one a file, an array of them, or one a line; numbers exact, never floats.

A system's module gives `Bodies` one function: body -> canonical rows. What the function cannot take it says in a ValueError,
and that body is set aside; a file whose only body is not the system's is refused.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import polars as pl

from ingestion.connectors.base import BadFile, Batch, Rejected, Total
from ingestion.connectors.values import decimal_of, text_frame, trimmed, utc_text
from ingestion.feeds import FEEDS

_MAX_BYTES = 64 * 1024 * 1024
_BATCH_ROWS = 20_000
_MAX_FIELDS = 500

Body = Mapping[str, Any]
Row = tuple[str, dict[str, object]]
"""The feed and a row of it."""


@dataclass(frozen=True)
class Bodies:
    """A connector of JSON bodies."""

    name: str
    feeds: tuple[str, ...]
    marks: Callable[[bytes], bool]
    """True when the head of a file is this system's beyond doubt."""
    rows: Callable[[Body], Sequence[Row]]
    """The rows of one body; ValueError, in words, for one that gives none."""
    version: str = "1"
    patterns: tuple[str, ...] = ("*.json", "*.jsonl")
    untried: bool = False
    """True when no real file of the system was ever seen."""
    received: bool = False
    """True when bodies state no time of their own: theirs is the time their file was received (its own time of change)."""
    forms: bool = False
    """True when a body may also be a URL-encoded form, one a line, whose values may be JSON."""
    parts: Callable[[Any], Sequence[Any]] = field(default=lambda body: (body,))
    """The bodies that an envelope holds."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the file's name fits and its head bears the system's marks."""
        return any(path.match(pattern) for pattern in self.patterns) and self.marks(head)

    def read(self, path: Path) -> Iterator[Batch]:
        """A batch for each feed, in file order; every body gives rows or is set aside with its reason."""
        documents, bad = json_bodies(path, forms=self.forms)
        stamp = {"occurred_at": received_at(path)} if self.received else {}
        bodies = [(number, part) for number, document in documents for part in self.parts(document)]
        good: dict[str, list[dict[str, object]]] = {feed: [] for feed in self.feeds}
        for number, body in bodies:
            try:
                if not isinstance(body, dict):
                    raise ValueError("body: is not a JSON object")
                for feed, row in self.rows(body):
                    good[feed].append({**stamp, **row, "_row_number": number})
            except ValueError as error:
                bad.append(Rejected(number, (str(error),), plain(body)))
        if not any(good.values()) and len(bodies) <= 1:
            why = bad[0].rules[0] if bad else "it holds no body"
            raise BadFile(f"{path.name} is nothing {self.name} can take: {why}.", "Drop the bodies as received.")
        said = ("this system was never tried on a real file; check the first loads",) if self.untried else ()
        for place, (feed, rows) in enumerate(good.items()):
            rejected = tuple(bad) if place == 0 else ()
            if rows or rejected:
                yield from batches(feed, rows, rejected, said)


def received_at(path: Path) -> str:
    """When a file was received (UTC): its own time of change, to the second."""
    return utc_text(datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC))


def batches(
    feed: str,
    rows: Sequence[Mapping[str, object]],
    rejected: tuple[Rejected, ...],
    said: tuple[str, ...] = (),
    totals: tuple[Total, ...] = (),
) -> Iterator[Batch]:
    """The rows as batches of bounded size; the rejected ones, the remarks and the file's own totals come with the first."""
    known = FEEDS[feed].columns
    lists = {name for name, kind in known.items() if isinstance(kind, pl.List)}
    columns = dict.fromkeys([name for row in rows for name in row if name != "_row_number"])
    for start in range(0, max(len(rows), 1), _BATCH_ROWS):
        frame = text_frame(rows[start : start + _BATCH_ROWS], columns, lists=lists)
        yield Batch(feed, frame, rejected, said, totals) if start == 0 else Batch(feed, frame)


def utf8_text(path: Path, split: str, again: str) -> str:
    """The text of a UTF-8 file. BadFile with the remedy `split` for one over 64 MiB, with `again` for one that is no UTF-8."""
    if path.stat().st_size > _MAX_BYTES:
        raise BadFile(f"{path.name} is larger than 64 MiB.", split)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not UTF-8 text: {error}.", again) from error


def json_bodies(path: Path, *, forms: bool = False) -> tuple[list[tuple[int, Any]], list[Rejected]]:
    """(numbered bodies, lines that are no JSON). With `forms`, what does not begin as JSON is forms. BadFile when nothing can be read."""
    text = utf8_text(path, "Split it: one body a file, or one a line.", "Drop the body as received.")
    if forms and text.strip() and text.lstrip()[0] not in "{[":
        return list(enumerate((_form(line) for line in text.splitlines() if line.strip()), start=1)), []
    try:
        document = loads(text)
    except (ValueError, RecursionError) as error:
        return _by_line(path, text, error)
    return list(enumerate(document if isinstance(document, list) else [document], start=1)), []


def _by_line(path: Path, text: str, error: Exception) -> tuple[list[tuple[int, Any]], list[Rejected]]:
    found: list[tuple[int, Any]] = []
    bad: list[Rejected] = []
    for number, line in enumerate((line for line in text.splitlines() if line.strip()), start=1):
        try:
            body = loads(line)
        except (ValueError, RecursionError) as broken:
            bad.append(Rejected(number, (f"line: is not JSON ({str(broken)[:200]})",), {"line": line[:2000]}))
            continue
        found.append((number, body))
    if not any(isinstance(body, dict) for _, body in found):
        raise BadFile(f"{path.name} is not JSON: {str(error)[:300]}.", "Drop the body as received.") from error
    return found, bad


def _form(line: str) -> dict[str, Any]:
    """A form's fields; a value that is JSON itself as what it says."""
    try:
        fields = parse_qsl(line.strip(), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {"line": line[:2000]}
    return {name: _value(text) for name, text in fields}


def _value(text: str) -> Any:
    if text[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            return loads(text)
    return text


def loads(text: str) -> Any:
    """JSON with exact numbers. ValueError for NaN and Infinity, which are no JSON, and for numbers without an end."""
    return json.loads(text, parse_float=_decimal, parse_int=_decimal, parse_constant=_no_number)


def _decimal(text: str) -> Decimal:
    if len(text) > 80:
        raise ValueError(f"{text[:40]}... is no plausible number")
    return Decimal(text)


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is not JSON")


def plain(body: object) -> dict[str, object]:
    """A body as a row for quarantine: what lies deeper as JSON text, in which card numbers are found and masked too."""
    if not isinstance(body, dict):
        return {"body": body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)}
    return {str(name): as_detail(value) if isinstance(value, dict | list) else value for name, value in body.items()}


def at(body: object, *path: str | int) -> Any:
    """What lies at a path of keys and places, or None where a part of it is missing or of another kind."""
    for part in path:
        if isinstance(body, dict) and isinstance(part, str):
            body = body.get(part)
        elif isinstance(body, list) and isinstance(part, int) and part < len(body):
            body = body[part]
        else:
            return None
    return body


def word(body: object, *path: str | int) -> str | None:
    """The text or number at a path, as text; None for what is missing, empty, or no single value."""
    value = at(body, *path)
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) < 40 else str(value)
    return trimmed(value) if isinstance(value, str) else None


def need(body: object, *path: str | int) -> str:
    """Like `word`; ValueError, naming the path, where there is none."""
    value = word(body, *path)
    if value is None:
        raise ValueError(f"{'.'.join(map(str, path))}: is missing")
    return value


def number(body: object, *path: str | int) -> Decimal | None:
    """The exact number at a path, whether JSON wrote it as a number or as text."""
    try:
        return decimal_of(word(body, *path))
    except ValueError as error:
        raise ValueError(f"{'.'.join(map(str, path))}: {error}") from None


def amount(body: object, *path: str | int) -> Decimal:
    """Like `number`; ValueError where there is none."""
    value = number(body, *path)
    if value is None:
        raise ValueError(f"{'.'.join(map(str, path))}: is missing")
    return value


def known(table: Mapping[str, str], text: str, place: str) -> str:
    """The canonical word for a source's; ValueError for one that is not foreseen."""
    if text not in table:
        raise ValueError(f"{place}: {text!r} is not foreseen; known are {', '.join(table)}")
    return table[text]


def as_detail(body: Body | list[Any]) -> str:
    """The body as compact JSON, for a column that keeps it; numbers as they were written."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str)
