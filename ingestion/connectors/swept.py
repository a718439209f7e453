"""What sweeps of databases have in common: how much one reads, and what it tells."""

from dataclasses import dataclass
from pathlib import Path

SWEPT_ROWS = 100_000
"""Rows one sweep reads, at most (keys of accounts apart, which are read alone)."""


@dataclass(frozen=True)
class Swept:
    """What a sweep found: rows compared, and how many were changed or missed, gone, or back again."""

    rows: int = 0
    changed: int = 0
    gone: int = 0
    back: int = 0
    files: tuple[Path, ...] = ()

    def __add__(self, other: "Swept") -> "Swept":
        return Swept(
            self.rows + other.rows,
            self.changed + other.changed,
            self.gone + other.gone,
            self.back + other.back,
            (*self.files, *other.files),
        )
