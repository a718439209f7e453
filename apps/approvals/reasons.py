"""Why: the reason codes an order may give, dated, per subject and action. Codes are counted; notes are read."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml

OTHER = "other"


class BadReason(ValueError):
    """The code is not one that this action on this subject may give at that time; the message lists those it may."""


@dataclass(frozen=True)
class Reason:
    """`needs_note`: the code alone says too little, so a text must stand beside it."""

    code: str
    text: str
    needs_note: bool


def reasons(subject_type: str, action: str, at: datetime) -> tuple[Reason, ...]:
    """The codes of the action (approve, reject, override, escalate, request_information, snooze, withdraw) for the subject at `at`."""
    return tuple(
        Reason(one["code"], one["text"], bool(one.get("note")))
        for one in _table()
        if action in one["actions"]
        and ("subjects" not in one or subject_type in one["subjects"])
        and one["active_from"] <= at.date()
        and (one.get("active_to") is None or at.date() < one["active_to"])
    )


def require_reason(subject_type: str, action: str, code: str | None, note: str | None, at: datetime) -> Reason:
    """The reason of that code. Raises BadReason for a missing, unknown or expired code, and for a missing text."""
    allowed = {reason.code: reason for reason in reasons(subject_type, action, at)}
    if code not in allowed:
        said = f"{code} is no reason to {action} a {subject_type}" if code else f"To {action} needs a reason code"
        raise BadReason(f"{said} at {at:%Y-%m-%d}; these are: {', '.join(allowed) or 'none'}.")
    if allowed[code].needs_note and not letters(note):
        raise BadReason(f"The reason {code} ({allowed[code].text}) needs a text beside it.")
    return allowed[code]


def letters(text: str | None) -> int:
    """How many letters and digits the text has: blanks, signs and what nobody can see say nothing.

    >>> letters("ok 1"), letters(" \u200b\u2060\u3164.")
    (3, 0)
    """
    # Unicode counts its fillers as letters
    return sum(one.isalnum() and "FILLER" not in unicodedata.name(one, "") for one in text or "")


@cache
def _table() -> list[dict]:
    return yaml.safe_load((Path(__file__).parent / "reason_codes.yml").read_text(encoding="utf-8"))
