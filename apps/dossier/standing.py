"""The client's state at a point, out of the events already read: checks, documents, and the staff record of whoever decided."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Event = dict[str, Any]


def held(events: Iterable[Event], moment: datetime, knowledge: datetime) -> list[tuple[Event, dict[str, Any]]]:
    """The events that had happened by the moment, each in its newest version known by then, in order, with what they state.

    One whose `after` is masked for the role states nothing, and is left out.
    """
    newest: dict[tuple[str, str], Event] = {}
    for event in events:
        key = (event["source_feed"], event["source_key"])
        if event["recorded_at"] <= knowledge and (key not in newest or newest[key]["version"] < event["version"]):
            newest[key] = event
    seen = sorted(
        (event for event in newest.values() if event["occurred_at"] <= moment),
        key=lambda event: (event["occurred_at"], event["recorded_at"], event["event_id"]),
    )
    return [(event, said) for event in seen if (said := _said(event["after"])) is not None]


def screening(events: Iterable[Event], moment: datetime, knowledge: datetime) -> list[Event]:
    """The latest result of each check of the client: identity, address, sanctions, pep, adverse media and so on."""
    latest: dict[str, Event] = {}
    for event, said in held((one for one in events if one["event_type"] == "kyc.check_completed"), moment, knowledge):
        check = str(said.get("check"))
        latest[check] = {"check_name": check, "result": said.get("result"), "checked_at": event["occurred_at"]}
    return [latest[check] for check in sorted(latest)]


def documents(events: Iterable[Event], moment: datetime, knowledge: datetime) -> list[Event]:
    """The newest document of each kind, and whether it was valid at the moment: one that expires on a day is not valid on it."""
    latest: dict[str, Event] = {}
    for event, said in held((one for one in events if one["event_type"] == "kyc.document_received"), moment, knowledge):
        kind, expires = str(said.get("document_type")), _day(said.get("document_expires_on"))
        latest[kind] = {
            "document_type": kind,
            "document_country": said.get("document_country"),
            "received_at": event["occurred_at"],
            "issued_on": _day(said.get("document_issued_on")),
            "expires_on": expires,
            "is_valid": expires is None or expires > moment.date(),
        }
    return [latest[kind] for kind in sorted(latest)]


def authority(events: Iterable[Event], moment: datetime, knowledge: datetime) -> dict[str, Any]:
    """The staff record in force at the moment, as known then: `role` and `approval_limit_eur`; empty where there is none to see."""
    records = held(events, moment, knowledge)
    if not records:
        return {}
    said = records[-1][1]
    try:
        limit = Decimal(str(said["approval_limit_eur"]))
    except (KeyError, InvalidOperation):
        limit = None
    return {"role": said.get("role"), "approval_limit_eur": limit}


def _said(after: str | None) -> dict[str, Any] | None:
    try:
        said = json.loads(after or "{}")
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
