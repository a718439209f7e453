"""The one text of a value: RFC 8785 canonical JSON, so that equal facts have equal bytes and equal hashes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import rfc8785

LARGEST = 2**53 - 1
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def moment(at: datetime) -> str:
    """UTC with microseconds and a Z; a naive time is UTC already. Sorts as text."""
    if at.tzinfo is not None:
        at = at.astimezone(UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def plain(value: Any) -> Any:
    """The value as JSON carries it: amounts and times as exact text, large whole numbers too; NUL becomes U+FFFD.

    PostgreSQL's jsonb holds no NUL, and a name with one must not stop an event. Raises TypeError for what has no such text.
    """
    return _plain(value, [])


def canonical(value: Any) -> str:
    """RFC 8785 text of what `plain` makes of the value. Raises ValueError where JSON has no such thing (NaN, lone surrogates)."""
    rare: list[Any] = []
    said = _plain(value, rare)
    if rare:
        return rfc8785.dumps(said).decode()
    # the same bytes as rfc8785 for text, whole numbers and ASCII keys (a test proves it), several times as fast
    text = _ENCODER.encode(said)
    text.encode()
    return text


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical text: the fingerprint of facts, requests, policies."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _plain(value: Any, rare: list[Any]) -> Any:
    """`plain`, by exact type because every event passes here; notes in `rare` what only rfc8785 writes rightly."""
    kind = type(value)
    if kind is str:
        said = value.replace("\x00", "\ufffd") if "\x00" in value else value
    elif value is None or kind is bool:
        said = value
    elif kind is int:
        said = value if -LARGEST <= value <= LARGEST else str(value)
    elif kind is dict:
        said = {}
        for key, one in value.items():
            name = key if type(key) is str and key.isascii() and key.isprintable() else _rare_key(key, rare)
            said[name] = _plain(one, rare)
    elif kind is list or kind is tuple:
        said = [_plain(one, rare) for one in value]
    else:
        said = _uncommon(value, rare)
    return said


def _rare_key(key: Any, rare: list[Any]) -> str:
    rare.append(key)
    return str(key).replace("\x00", "\ufffd")


def _uncommon(value: Any, rare: list[Any]) -> Any:
    if isinstance(value, datetime):
        said = moment(value)
    elif isinstance(value, Decimal):
        said = format(value, "f")
    elif isinstance(value, date):
        said = value.isoformat()
    elif isinstance(value, float):
        rare.append(value)
        said = value
    elif isinstance(value, str):
        said = _plain(str(value), rare)
    elif isinstance(value, Mapping):
        said = _plain(dict(value), rare)
    elif isinstance(value, Sequence):
        said = _plain(list(value), rare)
    elif isinstance(value, set | frozenset):
        said = sorted((_plain(one, rare) for one in value), key=str)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical text; say it as text, number, list or mapping.")
    return said
