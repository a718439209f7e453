"""What an ingest call says of each file: counts, reasons, and the sentence that they add up to."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from warehouse.engine import WarehouseError

Status = Literal["loaded", "duplicate_file", "refused", "skipped"]


class AccountsDoNotAdd(WarehouseError):
    """Rows were lost or counted twice; nothing of the file was kept."""


@dataclass(frozen=True)
class FileOutcome:
    """One feed of one file. `skipped` files stay where they are; `refused` ones lie in quarantine/ with their reason."""

    path: str
    connector: str | None
    feed: str | None
    status: Status
    reason: str | None = None
    rows_read: int = 0
    rows_loaded: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0
    remarks: tuple[str, ...] = ()
    load_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry of `daybook ingest --json`."""
        return asdict(self) | {"remarks": list(self.remarks)}


@dataclass(frozen=True)
class Progress:
    """Where an ingest call is; handed to its `progress` after each batch."""

    path: str
    file_number: int
    files: int
    rows_read: int


@dataclass
class Counts:
    """The running account of one feed of one file."""

    load_id: int
    read: int = 0
    loaded: int = 0
    duplicate: int = 0
    quarantined: int = 0
    remarks: dict[str, None] = field(default_factory=dict)
    """In order, each once."""

    def check(self, path: str, feed: str) -> None:
        """Raises AccountsDoNotAdd unless every row read is loaded, a duplicate, or in quarantine."""
        if self.read != self.loaded + self.duplicate + self.quarantined:
            raise AccountsDoNotAdd(
                f"{path}, feed {feed}: {self.read} rows were read, but {self.loaded} loaded + {self.duplicate} duplicate + "
                f"{self.quarantined} quarantined is {self.loaded + self.duplicate + self.quarantined}. Nothing of the file was kept; "
                "please report this with the file."
            )
