"""CSV files whose first cell says what kind of record a line is: what Trustly's, PayPal's and dLocal's readers share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from ingestion.connectors.base import Rejected
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.values import decimal_of, trimmed


@dataclass
class Taken:
    """Rows and rejected rows of one file, in file order, and what is to be said of it."""

    rows: list[dict[str, object]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def newest(self) -> str | None:
        """The time of the newest row (ISO-8601, UTC); None without one."""
        return max((str(row["occurred_at"]) for row in self.rows), default=None)

    def refuse(self, number: int, reason: object, cells: Sequence[str], header: Sequence[str] = ()) -> None:
        """Sets a line aside: by its header's names where there are any, by places otherwise."""
        names = [*header, *(f"column {place}" for place in range(len(header) + 1, len(cells) + 1))]
        row: dict[str, object] = dict(zip(names, cells, strict=False))
        self.rejected.append(Rejected(number, (str(reason),), row))


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Every line that holds anything, numbered from 1."""
    return (
        (number, cells) for number, cells in enumerate(csv_rows(path), start=1) if any(cell.strip() for cell in cells)
    )


def fitted(cells: Sequence[str], width: int) -> list[str]:
    """The cells at exactly that width: empty ones are added, and taken off the end. ValueError where a filled one is too many."""
    if any(cell.strip() for cell in cells[width:]):
        raise ValueError(f"has {len(cells)} columns where the header has {width}")
    return [*cells[:width], *[""] * (width - len(cells))]


def cell(cells: Sequence[str], place: int) -> str | None:
    """The text at a place, or None where there is none."""
    return trimmed(cells[place]) if place < len(cells) else None


def money(cells: Sequence[str], place: int, name: str) -> Decimal | None:
    """The number at a place; ValueError, naming it, for what is none."""
    try:
        return decimal_of(cell(cells, place))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
