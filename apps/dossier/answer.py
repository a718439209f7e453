"""The dossier of a withdrawal, on both clocks, from the published marts; a few look-ups by id, so it answers in milliseconds.

*As it was*: every event that had happened by the moment, by all we know (or, with `known_at`, by all we knew then). *As known then*: of
those, the ones recorded by the later of the moment and the moment we first heard of the decision, because sources report in batches.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Protocol

import polars as pl

from apps.dossier import queries

Answer = dict[str, Any]

SUBJECTS = ("withdrawal",)
"""What a dossier can be asked of."""

FOR_EVER = datetime(9999, 12, 31)
"""Open knowledge or an open end, as a bound to compare with."""


class DossierReader(Protocol):
    """What the dossier needs of a reader (warehouse.reader): a publish, and queries over its marts."""

    publish: Any

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame: ...


class DossierNotFound(Exception):
    """No such subject; says what was searched, up to when data reach, and the ids most like it (`nearest`)."""

    def __init__(
        self, subject: str, subject_id: str, searched: str, reaches: datetime | None, nearest: list[str]
    ) -> None:
        self.subject, self.subject_id, self.searched, self.reaches, self.nearest = (
            subject,
            subject_id,
            searched,
            reaches,
            nearest,
        )
        upto = (
            f"data reach up to {reaches:%Y-%m-%d %H:%M:%S} UTC"
            if reaches
            else "nothing is loaded yet; run `daybook run`"
        )
        like = f" Did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"There is no {subject} {subject_id}: searched {searched}; {upto}.{like}")


def dossier(
    reader: DossierReader,
    subject: str,
    subject_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Answer:
    """One object that answers the question, ready for JSON but for its datetimes (naive, UTC) and decimals.

    `as_of` leaves out what happened later, `known_at` what was recorded later. Raises DossierNotFound for an unknown id, or one
    that did not exist yet at `as_of` or `known_at`, and ValueError for a subject that has no dossier.
    """
    if subject not in SUBJECTS:
        raise ValueError(f"There is no dossier of a {subject}; there is one of: {', '.join(SUBJECTS)}.")
    started = time.perf_counter()
    until, knowledge = _utc(as_of) or FOR_EVER, _utc(known_at) or FOR_EVER
    requests, events, checks, failures = _together(
        reader,
        (queries.REQUEST, [subject_id]),
        (queries.REQUEST_EVENTS, [subject_id, until, knowledge]),
        (queries.CHECKS, [subject_id]),
        (queries.CONTROL_FAILURES, [subject_id]),
    )
    if not requests or not events:
        raise _not_found(reader, subject, subject_id, as_of, known_at)
    request, timeline = requests[0], _current_versions(events)
    decision = _decision(reader, timeline, request)
    paid = [event["occurred_at"] for event in timeline if event["is_current"] and event["event_type"].endswith(".paid")]
    moment = decision["decided_at"] if decision else min(until, reader.publish.published_at)
    heard = decision["known_at"] if decision else moment
    known_then = min(max(moment, heard), knowledge)
    client_events, held = _together(
        reader,
        (queries.CLIENT_EVENTS, [request["client_id"], until, knowledge]),
        (queries.CLIENT_STATUS, [request["client_id"], moment, knowledge, known_then]),
    )
    checks = _checks(checks, timeline)
    answer = {
        "subject": {
            "type": subject,
            "id": subject_id,
            **{name: request[name] for name in ("client_id", "amount", "currency", "method", "requested_at")},
            "paid_at": max(paid, default=None),
            **{name: request[name] for name in ("destination_holder", "psp", "channel", "requested_by")},
            "turnaround_seconds": request["turnaround_seconds"] if paid else None,
            "paused_seconds": request["paused_seconds"],
        },
        "decision": {name: value for name, value in decision.items() if name != "known_at"} if decision else None,
        "checks_before": [one for one in checks if decision is None or one["ran_at"] <= decision["decided_at"]],
        "checks_after": [one for one in checks if decision is not None and one["ran_at"] > decision["decided_at"]],
        "client_status": _status(held, moment),
        "control_failures": [one for one in failures if decision and one["decision_id"] == decision["decision_id"]],
        "timeline": sorted(timeline + _current_versions(client_events), key=_place),
        "publish": {"id": reader.publish.publish_id, "published_at": reader.publish.published_at},
        "as_of": as_of,
        "known_at": known_at,
    }
    return answer | {"answered_in_ms": round((time.perf_counter() - started) * 1000, 1)}


def _utc(moment: datetime | None) -> datetime | None:
    """Naive UTC, as the warehouse keeps time."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment


def _together(reader: DossierReader, *asked: tuple[str, list[Any]]) -> list[list[Answer]]:
    """The rows of several look-ups at once: each waits on one file, and a reader gives every query a cursor of its own."""
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: reader.query(*one).to_dicts(), asked))


def _one(reader: DossierReader, sql: str, *parameters: Any) -> Answer | None:
    rows = reader.query(sql, parameters).to_dicts()
    return rows[0] if rows else None


def _current_versions(events: list[Answer]) -> list[Answer]:
    """Each event with `is_current`: whether it is the newest version of its source row among those given."""
    newest: dict[tuple[str, str], int] = {}
    for event in events:
        key = (event["source_feed"], event["source_key"])
        newest[key] = max(newest.get(key, 0), event["version"])
    return [
        event | {"is_current": event["version"] == newest[event["source_feed"], event["source_key"]]}
        for event in events
    ]


def _place(event: Answer) -> tuple[Any, ...]:
    """A check that ran at the moment of the decision ran before it."""
    return event["occurred_at"], event["source_feed"] != "risk_checks", event["recorded_at"], event["event_id"]


def _decision(reader: DossierReader, timeline: list[Answer], request: Answer) -> Answer | None:
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
    last = max(taken, key=_place)
    heard = min(
        event["recorded_at"]
        for event in timeline
        if event["source_key"] == last["source_key"] and event["source_feed"] == "cash_requests"
    )
    return {
        "decision": last["event_type"].rsplit(".", 1)[-1],
        "decided_by": last["actor_id"],
        "role": _role(reader, last),
        "decided_at": last["occurred_at"],
        "reason_code": last["reason"],
        "requested_by": request["requested_by"],
        "decision_id": f"cash_requests:{last['source_key']}",
        "known_at": max(last["occurred_at"], heard),
    }


def _role(reader: DossierReader, decided: Answer) -> str | None:
    """The role then in force; what came to light of the staff after the event was recorded stands in fct_decisions."""
    if decided["actor_role"] is not None or decided["actor_type"] == "system":
        return decided["actor_role"] or "system"
    found = _one(reader, queries.DECISION, f"cash_requests:{decided['source_key']}")
    return found["actor_role"] if found else None


def _checks(described: list[Answer], timeline: list[Answer]) -> list[Answer]:
    """The checks among the events seen, in order: result and time as that knowledge had them, names and versions from fct_checks."""
    by_key = {f"{one['system']}:{one['check_id']}": one for one in described}
    return [
        by_key[event["source_key"]]
        | {
            "result": event["event_type"].removeprefix("risk_check."),
            "ran_at": event["occurred_at"],
            "recorded_at": event["recorded_at"],
        }
        for event in sorted(timeline, key=_place)
        if event["source_feed"] == "risk_checks" and event["is_current"] and event["source_key"] in by_key
    ]


def _status(held: list[Answer], moment: datetime) -> Answer:
    """The client's state at the moment on both clocks; None where nothing was known."""
    values = {(row["clock"], row["attribute"]): row["value"] for row in held}
    return {
        clock: {name: values.get((clock, name)) for name in ("kyc_status", "risk_rating", "category")} | {"at": moment}
        for clock in ("as_it_was", "as_known_then")
    }


def _not_found(
    reader: DossierReader, subject: str, subject_id: str, as_of: datetime | None, known_at: datetime | None
) -> DossierNotFound:
    searched = f"operations.fct_withdrawals of publish {reader.publish.publish_id}"
    bounds = [
        f"{name} {value:%Y-%m-%d %H:%M:%S}" for name, value in (("as of", as_of), ("known at", known_at)) if value
    ]
    nearest = reader.query(queries.NEAREST, [subject_id])["request_id"].to_list()
    reaches = _one(reader, queries.REACHES)
    return DossierNotFound(
        subject, subject_id, ", ".join([searched, *bounds]), reaches["reaches"] if reaches else None, nearest
    )
