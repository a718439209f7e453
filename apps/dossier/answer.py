"""The dossier of any subject, on both clocks, from the published marts; look-ups by id, so it answers in milliseconds.

*As it was*: every event that had happened by the moment, by all we know (or, with `known_at`, by all we knew then). *As known then*: of
those, the ones recorded by the later of the moment and the moment we first heard of the decision, because sources report in batches.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.dossier.questions import Asked, DossierReader, Inquiry, question
from apps.dossier.standing import authority, documents, screening
from apps.dossier.subjects import SubjectKind, filled, kinds
from apps.dossier.timeline import cash_decision, current_versions, decided_elsewhere, execution, place, with_causes

Answer = dict[str, Any]

SUBJECTS = tuple(kinds())
"""What a dossier can be asked of."""

FOR_EVER = datetime(9999, 12, 31)
"""Open knowledge or an open end, as a bound to compare with."""

STANDING = ("balances", "equity", "positions", "alerts")
"""Questions for the client's state at the request and at the decision, beside status, rating, category, checks and documents."""


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


@dataclass(frozen=True)
class Dossier:
    """An answer with the questions behind it: what an evidence pack is made of."""

    answer: Answer
    asked: Mapping[str, Asked]


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
    return inquire(reader, subject, subject_id, as_of=as_of, known_at=known_at).answer


def inquire(
    reader: DossierReader,
    subject: str,
    subject_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    whole: bool = False,
) -> Dossier:
    """The same answer with the questions that were asked for it; `whole`: each event with what it states and what held before."""
    if subject not in SUBJECTS:
        raise ValueError(f"There is no dossier of a {subject}; there is one of: {', '.join(SUBJECTS)}.")
    started = time.perf_counter()
    kind, inquiry = kinds()[subject], Inquiry(reader, whole)
    until, knowledge = _utc(as_of) or FOR_EVER, _utc(known_at) or FOR_EVER
    known: Answer = {"id": subject_id, "until": until, "knowledge": knowledge, **kind.parts(subject_id)}
    row = _subject_row(inquiry, kind, known)
    if row is None:
        raise _not_found(inquiry, kind, subject_id, as_of, known_at)
    known = {**row, **known, "decided_types": kind.decided_types}
    known["decided_id"] = filled(kind.decided_as, known) or subject_id
    own, client_events, checks, decisions, failures = _first_round(inquiry, kind, known)
    if not _existed(kind, row, own, until, knowledge):
        raise _not_found(inquiry, kind, subject_id, as_of, known_at)
    timeline = current_versions(own)
    decision = cash_decision(timeline, row) if kind.cash else decided_elsewhere(decisions, row)
    known |= _moments(inquiry, kind, row, own, decision, until, knowledge)
    second = _second_round(inquiry, kind, known, decision)
    if decision:
        decision |= _authority(known, decision, decisions, second.pop("authority", []))
    checks = _checks_seen(checks, timeline) if kind.cash else _checks_known(checks, until, knowledge)
    status = second.pop("status")
    standing = {name: second.pop(name) for name in STANDING if name in second}
    decided_at = decision["decided_at"] if decision else None
    answer = {
        "subject": _subject(kind, subject_id, row, timeline),
        "decision": {name: value for name, value in decision.items() if name != "known_at"} if decision else None,
        "decisions": decisions,
        "checks_before": [one for one in checks if decided_at is None or one["ran_at"] <= decided_at],
        "checks_after": [one for one in checks if decided_at is not None and one["ran_at"] > decided_at],
        "client_status": _status(status, known["decision_at"]),
        "standing": _standing(known, status, standing, [*own, *client_events]),
        "control_failures": [
            one for one in failures if decision is None or one["decision_id"] in (None, decision["decision_id"])
        ] if decision or not kind.cash else [],
        **second,
        "timeline": [
            _seen(event, whole) for event in with_causes(sorted(timeline + current_versions(client_events), key=place))
        ],
        "not_shown": inquiry.not_shown,
        "publish": {"id": reader.publish.publish_id, "published_at": reader.publish.published_at},
        "as_of": as_of,
        "known_at": known_at,
    }  # fmt: skip
    return Dossier(answer | {"answered_in_ms": round((time.perf_counter() - started) * 1000, 1)}, inquiry.asked)


def _utc(moment: datetime | None) -> datetime | None:
    """Naive UTC, as the warehouse keeps time."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment and moment.tzinfo else moment


def _subject_row(inquiry: Inquiry, kind: SubjectKind, known: Answer) -> Answer | None:
    """The first row that one of the subject's texts finds."""
    for name in kind.subject:
        if found := inquiry.ask("subject", name, known):
            inquiry.not_shown.pop("subject", None)
            return found[0]
    return None


def _first_round(inquiry: Inquiry, kind: SubjectKind, known: Answer) -> list[list[Answer]]:
    """Own events, the client's events, checks, decisions and control failures."""
    streams = {stream: filled(template, known) for stream, template in kind.streams.items()}
    asked = [
        (f"events_{stream}", _text(inquiry, stream), {**known, "stream": stream, "stream_id": stream_id})
        for stream, stream_id in streams.items()
        if stream_id
    ]
    of_client: list[tuple[str, str, Answer]] = []
    if known["client_id"] is not None and kind.whole_client:
        asked.append(("client_events", "events_of_client", known))
    elif known["client_id"] is not None:
        of_client = [
            (
                f"client_events_{stream}",
                _text(inquiry, stream),
                {**known, "stream": stream, "stream_id": known["client_id"]},
            )
            for stream in ("kyc", "client")
            if stream not in streams
        ]
    rest = [(name, name, known) for name in ("checks", "decisions", "control_failures")]
    found = inquiry.together(*asked, *of_client, *rest)
    own = [event for rows in found[: len(asked)] for event in rows]
    if kind.only_key:
        key = filled(kind.only_key, known)
        own = [event for event in own if event["source_key"] == key]
        if not own and known.get("executed", known.get("action")) in ("buy", "sell"):
            own = [execution(known)]
    client_events = [event for rows in found[len(asked) : -3] for event in rows]
    return [own, client_events, *found[-3:]]


def _text(inquiry: Inquiry, stream: str) -> str:
    """Which text reads a stream: the client's checks and documents stand in what events of identification state."""
    return "events_whole" if inquiry.whole else "events_stating" if stream == "kyc" else "events"


def _seen(event: Answer, whole: bool) -> Answer:
    return event if whole else {name: value for name, value in event.items() if name not in ("before", "after")}


def _existed(kind: SubjectKind, row: Answer, own: list[Answer], until: datetime, knowledge: datetime) -> bool:
    """Whether there was such a subject by then: a money request by its events, any other by when it began and was recorded."""
    if not kind.before_the_event:
        return bool(own)
    began, recorded = row.get("requested_at"), row.get("recorded_at")
    return (began is None or began <= until) and (recorded is None or recorded <= knowledge)


def _moments(
    inquiry: Inquiry,
    kind: SubjectKind,
    row: Answer,
    own: list[Answer],
    decision: Answer | None,
    until: datetime,
    knowledge: datetime,
) -> Answer:
    """The two points a state is asked for, and what counts as known then at each."""
    asked_at = row.get("requested_at")
    moment = asked_at if kind.at_its_own_time else min(until, inquiry.reader.publish.published_at)
    heard_of_request = min((event["recorded_at"] for event in own), default=asked_at)
    heard = moment
    if decision:
        moment, heard = decision["decided_at"], decision["known_at"]
    elif kind.at_its_own_time:
        heard = heard_of_request
    return {
        "request_at": asked_at,
        "known_at_request": min(max(asked_at, heard_of_request), knowledge) if asked_at else None,
        "decision_at": moment,
        "known_at_decision": min(max(moment, heard), knowledge) if moment and heard else knowledge,
        "decided_by": decision["decided_by"] if decision else None,
    }


def _second_round(inquiry: Inquiry, kind: SubjectKind, known: Answer, decision: Answer | None) -> dict[str, Any]:
    """What depends on the decision's moment: the client's state, the approver's authority, and the subject's own sections."""
    own_stream = next(iter(kind.streams.items()), ("", ""))
    known = {**known, "own_stream": own_stream[0], "own_stream_id": filled(own_stream[1], known)}
    asked = [(label, name, known) for label, name in kind.sections.items()]
    if known["client_id"] is not None:
        asked += [(name, name, known) for name in ("status", *STANDING)]
    if decision and decision["decided_by"]:
        asked.append(("authority", "authority", known))
    answers = inquiry.together(*asked)
    return {"status": []} | {label: rows for (label, _, _), rows in zip(asked, answers, strict=True)}


def _authority(known: Answer, decision: Answer, decisions: list[Answer], staff: list[Answer]) -> Answer:
    """Role and limit then in force: what our own screens sealed with the decision, else the staff record known then."""
    record = authority(staff, known["decision_at"], known["known_at_decision"])
    taken = next((one for one in decisions if one["decision_id"] == decision["decision_id"]), {})
    limit = taken.get("actor_limit_eur")
    return {
        "role": decision["role"] or taken.get("actor_role") or record.get("role"),
        "limit_eur": record.get("approval_limit_eur") if limit is None else limit,
        "amount_eur": taken.get("amount_eur"),
        "policy_version": taken.get("policy_version"),
        "checked_on_publish": taken.get("publish_id"),
    }


def _checks_seen(described: list[Answer], timeline: list[Answer]) -> list[Answer]:
    """The checks among the events seen, in order: result and time as that knowledge had them, names and versions from fct_checks."""
    by_key = {f"{one['system']}:{one['check_id']}": one for one in described}
    return [
        by_key[event["source_key"]]
        | {
            "result": event["event_type"].removeprefix("risk_check."),
            "ran_at": event["occurred_at"],
            "recorded_at": event["recorded_at"],
        }
        for event in sorted(timeline, key=place)
        if event["source_feed"] == "risk_checks" and event["is_current"] and event["source_key"] in by_key
    ]


def _checks_known(described: list[Answer], until: datetime, knowledge: datetime) -> list[Answer]:
    return [one for one in described if one["ran_at"] <= until and one["recorded_at"] <= knowledge]


def _subject(kind: SubjectKind, subject_id: str, row: Answer, timeline: list[Answer]) -> Answer:
    """What it is; of a money request, also when it was last paid among the events seen, and the turn-around if it was."""
    said = {"type": kind.name, "id": subject_id, **row}
    if not kind.cash:
        return said
    paid = [event["occurred_at"] for event in timeline if event["is_current"] and event["event_type"].endswith(".paid")]
    said["paid_at"] = max(paid, default=None)
    if not paid and "turnaround_seconds" in said:
        said["turnaround_seconds"] = None
    return said


def _status(held: list[Answer], moment: datetime | None) -> Answer:
    """The client's state at the decision on both clocks; None where nothing was known."""
    values = {(row["clock"], row["attribute"]): row["value"] for row in held if row["point"] == "decision"}
    return {
        clock: {name: values.get((clock, name)) for name in ("kyc_status", "risk_rating", "category")} | {"at": moment}
        for clock in ("as_it_was", "as_known_then")
    }


def _standing(
    known: Answer, status: list[Answer], standing: Mapping[str, list[Answer]], events: list[Answer]
) -> Answer:
    """Everything about the client at the request and at the decision, on both clocks: one list of rows a question."""

    def at(point: str, clock: str) -> Answer:
        moment = known[f"{point}_at"]
        knowledge = known["knowledge"] if clock == "as_it_was" else known[f"known_at_{point}"]
        values = {row["attribute"]: row["value"] for row in status if (row["point"], row["clock"]) == (point, clock)}
        rows = {
            name: [
                {key: value for key, value in row.items() if key not in ("point", "clock")}
                for row in found
                if (row["point"], row["clock"]) == (point, clock)
            ]
            for name, found in standing.items()
        }
        seen = {"screening": [], "documents": []}
        if moment:
            seen = {
                "screening": screening(events, moment, knowledge),
                "documents": documents(events, moment, knowledge),
            }
        return {name: values.get(name) for name in ("kyc_status", "risk_rating", "category")} | seen | rows

    return {
        f"at_{point}": {"at": known[f"{point}_at"]}
        | {clock: at(point, clock) for clock in ("as_it_was", "as_known_then")}
        for point in ("request", "decision")
    }


def _not_found(
    inquiry: Inquiry, kind: SubjectKind, subject_id: str, as_of: datetime | None, known_at: datetime | None
) -> DossierNotFound:
    marts = sorted({mart for name in kind.subject for mart in question(name).marts})
    missing = [mart for mart in marts if mart not in inquiry.reader.marts]
    searched = f"{', '.join(marts)} of publish {inquiry.reader.publish.publish_id}"
    bounds = [f"{mart} is not there, or not for the role {inquiry.reader.role}" for mart in missing]
    bounds += [
        f"{name} {value:%Y-%m-%d %H:%M:%S}" for name, value in (("as of", as_of), ("known at", known_at)) if value
    ]
    near: list[Answer] = []
    for name in kind.nearest:
        near = near or inquiry.ask("nearest", name, {"id": subject_id})
    reaches = inquiry.ask("reaches", "reaches", {})
    return DossierNotFound(
        kind.name, subject_id, ", ".join([searched, *bounds]), reaches[0]["reaches"] if reaches else None,
        [row["near"] for row in near],
    )  # fmt: skip
