"""What the machinery asks of a reader: one publish, and queries over its marts.

It reads as the operator, unmasked: a decision needs the whole truth, whatever its approver may see on a page.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import polars as pl

REMEMBERED = 4096
"""Answers kept per reader: some hundred subjects' checks."""


class MartReader(Protocol):
    """warehouse.reader.Reader, as far as the machinery needs it."""

    publish: Any
    marts: set[str]

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame: ...


_answers: WeakKeyDictionary[Any, OrderedDict[tuple[str, str], list[dict[str, Any]]]] = WeakKeyDictionary()
_lock = Lock()


def rows(reader: MartReader, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows as dictionaries, not to be changed; decimals stay decimals.

    A reader shows one publish, which never changes, so the same question is answered from memory: checks that ran for the page
    cost nothing when they run again inside the decision, while the store's one writer is held.
    """
    key = (sql, repr(parameters))
    with _lock:
        known = _answers.setdefault(reader, OrderedDict())
        if key in known:
            known.move_to_end(key)
            return known[key]
    found = reader.query(sql, parameters).to_dicts()
    with _lock:
        known[key] = found
        if len(known) > REMEMBERED:
            known.popitem(last=False)
    return found
