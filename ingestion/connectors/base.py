"""What a connector is: it says which files are its own, and how their rows become canonical feed rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class Rejected:
    """A source row that no canonical row could be made of; it goes to quarantine with its reasons."""

    row_number: int
    rules: tuple[str, ...]
    row: dict[str, object]


@dataclass(frozen=True)
class Total:
    """What a file states of its own rows: how many there are, or what they add up to (see the feed `source_totals`).

    `currency` '' means that the total is over all currencies. `counted_at` is ISO-8601 in UTC: the time of the file's newest row.
    `measure` says what the amount adds up where that is not the feed's control total.
    """

    source: str
    counted_at: str
    currency: str = ""
    row_count: int | None = None
    amount: Decimal | None = None
    measure: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some rows of one file for one feed, in file order; a file yields any number of batches.

    `rows` carries the feed's columns, as text or already typed (the loader casts and checks them), and `_row_number`
    (Int64, 1-based place in the file: for CSV the first data row is 1). Columns the feed does not know go to `_extra`.
    """

    feed: str
    rows: pl.DataFrame
    rejected: tuple[Rejected, ...] = ()
    remarks: tuple[str, ...] = field(default=())
    """What a reader of the load should know (a total that does not foot, a zone that was assumed); never a reason to refuse."""
    totals: tuple[Total, ...] = ()
    """What the file itself states of this feed's rows; kept beside the load, to be compared with what was loaded."""


class BadFile(Exception):
    """The whole file is unusable (truncated, wrong columns, wrong encoding). Says what, where and what to do.

    `row` (1-based, as the format counts), `column` and `value` are None where no single one is to blame.
    """

    def __init__(
        self,
        reason: str,
        remedy: str = "",
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(f"{reason} {remedy}".strip())
        self.reason = reason
        self.remedy = remedy
        self.row, self.column, self.value = row, column, value


class Connector(Protocol):
    """Reads; never writes, never drops a row."""

    name: str
    version: str
    patterns: tuple[str, ...]
    """Glob patterns of the file names it reads below `landing/<name>/`."""
    feeds: tuple[str, ...]

    def recognises(self, path: Path, head: bytes) -> bool:
        """True when the file's first 64 KiB are this system's beyond doubt (for `ingest --guess`)."""
        ...

    def read(self, path: Path) -> Iterator[Batch]:
        """Raises BadFile before the first batch or in between; then nothing of the file is loaded."""
        ...
