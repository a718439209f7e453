"""The timeline: which version of an event counts, its strict order, what decided, and what caused what."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

Event = dict[str, Any]

UNDECIDED = ("retracted", "step_approved", "overridden", "held", "released")
"""What compliance.fct_decisions also calls a decision, and ends no subject."""

CAUSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("*.requested", ()),
    ("risk_check.*", ("*.requested",)),
    ("approval.*", ("approval.*", "risk_check.*", "*.requested")),
    ("*.approved", ("approval.claimed", "risk_check.*", "*.requested")),
    ("*.rejected", ("approval.claimed", "risk_check.*", "*.requested")),
    ("outbox.*", ("outbox.*", "*.approved", "*.rejected")),
    ("*.sent", ("outbox.delivered", "*.approved")),
    ("psp.*", ("psp.*", "*.sent", "outbox.delivered", "*.approved", "*.requested")),
    ("*.paid", ("psp.*.completed", "*.sent", "outbox.delivered", "*.approved")),
    ("*.failed", ("*.sent", "*.approved")),
    ("*.returned", ("*.paid", "*.sent")),
    ("*.info_given", ("*.info_requested",)),
    ("*.info_requested", ("risk_check.*", "*.requested")),
    ("*.cancelled", ("*.requested",)),
    ("kyc.status_changed", ("kyc.check_completed", "kyc.submitted")),
    ("kyc.check_completed", ("kyc.document_received", "kyc.submitted")),
    ("kyc.document_received", ("kyc.submitted",)),
)
"""By kind of event what can have caused it, the likeliest first; the newest such event before it in the same matter did."""


def current_versions(events: list[Event]) -> list[Event]:
    """Each event with `is_current`: whether it is the newest version of its source row among those given."""
    newest: dict[tuple[str, str], int] = {}
    for event in events:
        key = (event["source_feed"], event["source_key"])
        newest[key] = max(newest.get(key, 0), event["version"])
    return [
        event | {"is_current": event["version"] == newest[event["source_feed"], event["source_key"]]}
        for event in events
    ]


def place(event: Event) -> tuple[Any, ...]:
    """The strict order: by occurrence; a check of the decision's very moment ran before it; then as recorded, then by id."""
    return event["occurred_at"], event["source_feed"] != "risk_checks", event["recorded_at"], event["event_id"]


def cash_decision(timeline: list[Event], request: Event) -> Event | None:
    """The last approval or rejection among the events seen; `known_at` is when it counts as known."""
    taken = [
        event
        for event in timeline
        if event["is_current"]
        and event["event_type"].rsplit(".", 1)[-1] in ("approved", "rejected")
        and event["source_feed"] == "cash_requests"
    ]
    if not taken:
        return None
    last = max(taken, key=place)
    heard = min(
        event["recorded_at"]
        for event in timeline
        if event["source_key"] == last["source_key"] and event["source_feed"] == "cash_requests"
    )
    return {
        "decision": last["event_type"].rsplit(".", 1)[-1],
        "decided_by": last["actor_id"],
        "role": last["actor_role"] or ("system" if last["actor_type"] == "system" else None),
        "decided_at": last["occurred_at"],
        "reason_code": last["reason"],
        "requested_by": request.get("requested_by"),
        "decision_id": f"cash_requests:{last['source_key']}",
        "known_at": max(last["occurred_at"], heard),
    }


def decided_elsewhere(decisions: list[Event], row: Event) -> Event | None:
    """The last decision of compliance.fct_decisions that ended the subject; None while none did."""
    ended = [one for one in decisions if one["decision"] not in UNDECIDED]
    if not ended:
        return None
    last = ended[-1]
    return {
        "decision": last["decision"],
        "decided_by": last["actor_id"],
        "role": last["actor_role"],
        "decided_at": last["decided_at"],
        "reason_code": last["reason_code"],
        "requested_by": row.get("requested_by"),
        "decision_id": last["decision_id"],
        "known_at": max(last["decided_at"], last["recorded_at"]),
    }


def execution(deal: Event) -> Event:
    """A plain execution as an event: the audit trail does not copy them (docs/decisions), trading.fct_deals is their record."""
    key = f"{deal['platform']}:{deal['deal_id']}"
    return {
        "occurred_at": deal["requested_at"], "recorded_at": deal["recorded_at"], "event_type": f"deal.{deal['action']}",
        "actor_type": "system", "actor_id": deal["platform"], "actor_role": None, "reason": deal.get("reason"), "stream": "account",
        "stream_id": f"{deal['platform']}:{deal['login']}", "event_id": f"deals:{key}:v{deal['version']}", "version": deal["version"],
        "before": None, "after": None, "source_feed": "deals", "source_key": key, "load_id": None,
    }  # fmt: skip


def with_causes(timeline: list[Event]) -> list[Event]:
    """The ordered timeline, each event with `causation_id`: the event of the same matter that led to it, None for a beginning."""
    seen: dict[str, list[Event]] = {}
    said: list[Event] = []
    for event in timeline:
        matter = seen.setdefault(_matter(event), [])
        cause = _cause(event, matter)
        said.append(event | {"causation_id": cause["event_id"] if cause else None})
        if event["is_current"]:
            matter.append(event)
    return said


def walk(timeline: Iterable[Event], event_id: str) -> list[Event]:
    """From an event back to what began it, the beginning first; the events must bear `causation_id`."""
    by_id = {event["event_id"]: event for event in timeline}
    chain: list[Event] = []
    step = by_id.get(event_id)
    while step is not None and step not in chain:
        chain.append(step)
        step = by_id.get(step["causation_id"]) if step["causation_id"] else None
    return chain[::-1]


def _matter(event: Event) -> str:
    """What the event is about, over streams: orders and deliveries name their subject as type:id."""
    stream_id = str(event["stream_id"])
    return stream_id.partition(":")[2] if event["stream"] in ("approval", "outbox") else stream_id


def _cause(event: Event, earlier: list[Event]) -> Event | None:
    """The newest event of the likeliest kind; a correction is caused by nothing but its source."""
    wanted = next((causes for pattern, causes in CAUSES if fnmatchcase(event["event_type"], pattern)), ())
    for pattern in wanted:
        for candidate in reversed(earlier):
            if fnmatchcase(candidate["event_type"], pattern) and _may_cause(candidate, event):
                return candidate
    return None


def _may_cause(candidate: Event, event: Event) -> bool:
    """A claim leads to the decision of whoever held it."""
    return candidate["event_type"] != "approval.claimed" or candidate["actor_id"] == event["actor_id"]
