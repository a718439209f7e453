"""The one text of a value: RFC 8785 canonical JSON, so that equal facts have equal bytes and equal hashes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import rfc8785

LARGEST = 2**53 - 1


def moment(at: datetime) -> str:
    """UTC with microseconds and a Z; a naive time is UTC already. Sorts as text."""
    if at.tzinfo is not None:
        at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def plain(value: Any) -> Any:
    """The value as JSON carries it: amounts and times as exact text, large whole numbers too; NUL becomes U+FFFD.

    PostgreSQL's jsonb holds no NUL, and a name with one must not stop an event.
    """
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(one) for one in value), key=str)
    return _leaf(value)


def _leaf(value: Any) -> Any:
    if isinstance(value, str):
        said = value.replace("\x00", "�") if "\x00" in value else value
    elif value is None or isinstance(value, bool | float):
        said = value
    elif isinstance(value, int):
        said = value if -LARGEST <= value <= LARGEST else str(value)
    elif isinstance(value, Decimal):
        said = format(value, "f")
    elif isinstance(value, datetime):
        said = moment(value)
    elif isinstance(value, date):
        said = value.isoformat()
    else:
        raise TypeError(f"{type(value).__name__} has no canonical text; say it as text, number, list or mapping.")
    return said


def canonical(value: Any) -> str:
    """RFC 8785 text of what `plain` makes of the value. Raises ValueError where JSON has no such thing (NaN, lone surrogates)."""
    said = plain(value)
    if _simple(said):
        # the same bytes as rfc8785 for text, whole numbers and ASCII keys (a test proves it), four times as fast
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text.encode()
        return text
    return rfc8785.dumps(said).decode()


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical text: the fingerprint of facts, requests, policies."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _simple(said: Any) -> bool:
    if isinstance(said, float):
        return False
    if isinstance(said, dict):
        return all(key.isascii() and _simple(one) for key, one in said.items())
    if isinstance(said, list):
        return all(_simple(one) for one in said)
    return True
