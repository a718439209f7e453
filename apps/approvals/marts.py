"""What the machinery asks of a reader: one publish, and queries over its marts.

It reads as the operator, unmasked: a decision needs the whole truth, whatever its approver may see on a page.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import polars as pl


class MartReader(Protocol):
    """warehouse.reader.Reader, as far as the machinery needs it."""

    publish: Any
    marts: set[str]

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame: ...


def rows(reader: MartReader, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows as dictionaries; decimals stay decimals."""
    return reader.query(sql, parameters).to_dicts()
