"""A manager's list of MetaTrader 4 accounts and their types (CSV: account, account_type) as `trading_accounts`.

The list has no date: its rows hold since the beginning of time, so that whatever a dated source says of an account is later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ingestion.connectors.base import BadFile, Batch, Rejected
from ingestion.connectors.tables import csv_rows
from ingestion.connectors.values import text_frame, trimmed

_HEADER = ["account", "account_type"]
_SINCE_EVER = "1970-01-01T00:00:00"
_COLUMNS = ("platform", "login", "changed_at", "account_type")


@dataclass(frozen=True)
class Mt4AccountTypes:
    """Settings: `platform`."""

    name: ClassVar[str] = "mt4_account_types"
    version: ClassVar[str] = "1"
    patterns: ClassVar[tuple[str, ...]] = ("*.csv",)
    feeds: ClassVar[tuple[str, ...]] = ("trading_accounts",)

    platform: str = "mt4"

    def recognises(self, path: Path, head: bytes) -> bool:
        """True for a CSV with exactly these two columns."""
        return head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip() == b",".join(n.encode() for n in _HEADER)

    def read(self, path: Path) -> Iterator[Batch]:
        """One row an account."""
        lines = csv_rows(path)
        if [name.strip() for name in next(lines, [])] != _HEADER:
            raise BadFile(f"{path.name} does not have the columns {', '.join(_HEADER)}.", "Export the list again.")
        good: list[dict[str, object]] = []
        bad: list[Rejected] = []
        for number, cells in enumerate(lines, start=1):
            if not cells:
                continue
            if len(cells) != len(_HEADER) or not trimmed(cells[1]):
                bad.append(Rejected(number, ("must have an account and a type",), {"line": cells}))
                continue
            row = {"platform": self.platform, "login": trimmed(cells[0]), "changed_at": _SINCE_EVER}
            good.append({**row, "account_type": trimmed(cells[1]), "_row_number": number})
        said = ("the list has no date; its types hold until a dated source says otherwise",)
        yield Batch("trading_accounts", text_frame(good, _COLUMNS), tuple(bad), said)


CONNECTOR = Mt4AccountTypes()
