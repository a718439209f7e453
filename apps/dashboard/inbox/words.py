"""How the inbox says things: amounts as people read them, deadlines, states, and what a button does."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from apps.approvals.policies import Policy
from apps.approvals.queue import QueueRow
from apps.approvals.subject import Subject, subject_types
from apps.dashboard.ui import figures

Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]
STATES: dict[str, tuple[str, Colour]] = {
    "open": ("open", "blue"),
    "waiting": ("waiting for the next approver", "violet"),
    "info_requested": ("information requested", "orange"),
    "escalated": ("escalated", "orange"),
    "expired": ("expired", "gray"),
    "approved": ("approved", "green"),
    "rejected": ("rejected", "red"),
    "withdrawn": ("withdrawn", "gray"),
}
RESULTS: dict[str, tuple[str, Colour]] = {
    "pass": ("✓ passed", "green"),
    "fail": ("✗ failed", "red"),
    "review": ("! needs a look", "orange"),
    "error": ("? not judged", "orange"),
}
SOON = timedelta(hours=2)
LONG_DECIMAL = re.compile(r"(\b\d+\.\d\d)0{4,6}\b")
"""Exact amounts carry eight decimals; the last six are shown only where they say something."""


def money(amount: Decimal | None, currency: str | None) -> str:
    """`USD 12,400`, cents only where there are any; empty for no amount.

    >>> money(Decimal("12400.00000000"), "USD"), money(Decimal("12.5"), "EUR"), money(None, None)
    ('USD 12,400', 'EUR 12.50', '')
    """
    if amount is None:
        return ""
    text = figures.number(amount, 2)
    return f"{currency or ''} {text.removesuffix('.00')}".strip()


def label(subject_type: str) -> str:
    """The name of a kind of subject."""
    kind = subject_types().get(subject_type)
    return kind.label if kind else subject_type


def target(subject: Subject) -> str:
    """Where the money would go: ` to …4411`; empty where the subject pays to no instrument."""
    instrument = subject.facts.get("instrument_id")
    return f" to …{str(instrument)[-4:]}" if instrument else ""


def what(subject: Subject) -> str:
    """What would be approved, short enough for a button: `USD 12,400 to …4411`, else the kind and id."""
    said = money(subject.amount, subject.currency)
    if said and subject.facts.get("instrument_id"):
        return f"{said}{target(subject)}"
    kind = label(subject.subject_type).lower()
    return f"{kind} of {said}" if said else f"{kind} {subject.subject_id}"


def due(at: datetime | None, now: datetime) -> tuple[str, Colour]:
    """The deadline against now: `due in 3 h 20 min`, `breached 2 h ago`."""
    if at is None:
        return "no deadline", "gray"
    if at < now:
        return f"breached {span(now - at)} ago", "red"
    return f"due in {span(at - now)}", "orange" if at - now < SOON else "gray"


def span(length: timedelta) -> str:
    """A length of time as people say it.

    >>> span(timedelta(minutes=5)), span(timedelta(hours=3, minutes=20)), span(timedelta(days=4, hours=2))
    ('5 min', '3 h 20 min', '4 days')
    """
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    if minutes < 72 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"


def when(at: datetime | None) -> str:
    """A moment as people read it, in UTC."""
    return f"{at:%d %b %H:%M} UTC" if at else "—"


def held(row: QueueRow, own: str) -> str:
    """Who works on it, until when; empty when nobody does."""
    if row.claimed_by is None or row.claimed_until is None:
        return ""
    who = "you" if row.claimed_by == own else row.claimed_by
    return f"held by {who} until {row.claimed_until:%H:%M} UTC"


def limits(policy: Policy, subject: Subject) -> str:
    """What the policy asks, before anybody decides: its steps in words, and whose limit must cover the amount."""
    if not policy.steps:
        return f"Policy {policy.label} asks nobody."
    steps = ", then ".join(" or ".join(step.roles) for step in policy.steps)
    money = subject.amount is not None and any(step.needs_limit for step in policy.steps)
    return f"Policy {policy.label}: {steps}{'; their limit must cover the amount' if money else ''}."


def plain_value(value: Any) -> str:
    """A fact as text: nothing is a dash, lists and mappings are spelled out."""
    if value is None or value == "":
        return "—"
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain_value(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain_value(one) for one in value) or "—"
    return LONG_DECIMAL.sub(r"\1", str(value))
