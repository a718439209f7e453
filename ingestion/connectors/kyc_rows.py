"""Rows of `kyc_events` that every identification provider's bodies come down to: a check's result, a change of status, a note."""

from collections.abc import Mapping, Sequence

from ingestion.connectors.bodies import Body, Row, as_detail

OUTCOMES: Mapping[str, tuple[str, str | None]] = {
    "approved": ("clear", "APPROVED"),
    "again": ("consider", "INFO_REQUESTED"),
    "review": ("consider", "IN_REVIEW"),
    "rejected": ("fail", "REJECTED"),
}
"""What a decision means: (result of the check, the client's status from then on)."""


def base(provider: str, event_id: str, body: Body, **more: object) -> dict[str, object]:
    """What every row of a body bears: who says it, and all that was said."""
    said: dict[str, object] = {
        **{"provider": provider, "event_id": event_id, "actor_type": "provider", "actor_id": provider},
        "detail": as_detail(body),
        "reason_codes": [],
    }
    return {**said, **{name: value for name, value in more.items() if value is not None}}


def decided(common: Mapping[str, object], outcome: str, checks: Sequence[str] = ("identity",)) -> list[Row]:
    """A completed check for each of `checks`, and the status that follows."""
    result, status = OUTCOMES[outcome]
    return [*(checked(common, check, result) for check in checks), changed(common, str(status))]


def checked(common: Mapping[str, object], check: str, result: str) -> Row:
    """A check and its result."""
    event_id = f"{common['event_id']}:{check}"
    return "kyc_events", {**common, "event_id": event_id, "event": "check_completed", "check": check, "result": result}


def changed(common: Mapping[str, object], status: str) -> Row:
    """A client's new status."""
    return "kyc_events", {**common, "event": "status_changed", "to_status": status}


def told(common: Mapping[str, object], event: str = "note") -> Row:
    """An event that changes nothing by itself."""
    return "kyc_events", {**common, "event": event}
