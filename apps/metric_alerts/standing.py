"""Which alerts stand: firing, acknowledged or resolved, read from the sealed events and kept nowhere else.

A change of state is an event and, in the same transaction, one message for every destination that names `metric_alert`.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals.chain import SYSTEM, Actor, Event, append, now
from apps.approvals.destinations import destinations
from apps.approvals.outbox import put
from apps.approvals.people import Person
from apps.approvals.store import open_store, reading, writing
from apps.approvals.tables import events
from apps.metric_alerts.judging import Finding, judge
from apps.metric_alerts.rules import Rule, rules
from apps.metrics.definitions import metric
from warehouse import lake
from warehouse.reader import Reader, access
from warehouse.settings import Settings

SUBJECT = STREAM = "metric_alert"
FIRED, ACKNOWLEDGED, RESOLVED = (f"{SUBJECT}.{state}" for state in ("fired", "acknowledged", "resolved"))
STATES = {FIRED: "firing", ACKNOWLEDGED: "acknowledged", RESOLVED: "resolved"}
LONGEST = 500


class AlertRefused(ValueError):
    """The alert is not acknowledged; the message says why."""


@dataclass(frozen=True)
class Alert:
    """An alert as its newest event left it. `words` is what was found, `at` (naive UTC) when the state began."""

    alert_id: str
    state: str
    at: datetime
    metric: str
    label: str
    when: str
    owner: str
    severity: str
    words: str
    advice: str
    publish_id: int
    fired_at: datetime
    acknowledged_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        return self.state != "resolved"


def watch(settings: Settings, at: datetime | None = None) -> int:
    """Judges every rule on what readers see, at this moment (now), and writes what changed; gives how many alerts changed their state.

    Raises AlertRuleError, or DestinationError, where the rules or destinations cannot be used.
    """
    known = rules(settings)
    if not lake.exists(settings):
        return 0
    at = at or now()
    with contextlib.closing(Reader(settings)) as reader:
        findings, publish_id = judge(reader, known.values(), at), reader.publish.publish_id
    engine = open_store(settings)
    with reading(engine) as connection:
        if not _changes(standing(connection), findings, known):
            return 0
    with writing(engine) as connection:
        # judged again by what stands now: another evaluation may have come first
        changes = _changes(standing(connection), findings, known)
        for kind, said in changes:
            _write(connection, settings, kind, said | {"publish_id": publish_id}, SYSTEM, at)
    return len(changes)


def standing(connection: sa.Connection) -> dict[str, Alert]:
    """Every alert that ever fired, by id, as it stands now."""
    found: dict[str, Alert] = {}
    for body in _bodies(connection):
        after, at, state = body["after"], _moment(body["occurred_at"]), STATES[body["type"]]
        before = found.get(after["alert"])
        if body["type"] == FIRED or before is None:
            found[after["alert"]] = Alert(
                after["alert"], state, at, after["metric"], after["label"], after["when"], after["owner"], after["severity"], after["words"],
                after["advice"], int(after["publish_id"]), at,
            )  # fmt: skip
        elif body["type"] == ACKNOWLEDGED:
            found[before.alert_id] = replace(
                before, state=state, at=at, acknowledged_by=body["actor"]["id"], note=after.get("note")
            )
        else:
            found[before.alert_id] = replace(before, state=state, at=at, words=after["words"])
    return found


def history(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every change of state, the newest first: at, alert, state, who, words, publish."""
    return [
        {
            "at": _moment(body["occurred_at"]), "alert": body["after"]["alert"], "state": STATES[body["type"]],
            "metric": body["after"]["metric"], "who": body["actor"]["id"],
            "words": body["after"].get("note") or body["after"]["words"], "publish": int(body["after"]["publish_id"]),
        }
        for body in reversed(_bodies(connection))
    ]  # fmt: skip


def may_acknowledge(person: Person, alert: Alert) -> bool:
    """Whether this person may: active, and of the role that owns the alert or one that access.yml lets acknowledge any."""
    return person.is_active and person.role in {alert.owner, *acknowledgers()}


def acknowledgers() -> list[str]:
    """The roles that may acknowledge every alert (`decides` of access.yml)."""
    return access()["decides"]["metric_alerts"]


def acknowledge(
    connection: sa.Connection, settings: Settings, alert_id: str, note: str, person: Person, actor: Actor, at: datetime
) -> None:
    """Somebody has seen it and says what is done: a sealed event, told like every change. Call it inside `writing`. Raises AlertRefused."""
    note = note.strip()
    alert = standing(connection).get(alert_id)
    if alert is None or alert.state != "firing":
        raise AlertRefused(f"{alert_id} is not firing: it {'is ' + alert.state if alert else 'never fired'}.")
    if not may_acknowledge(person, alert):
        raise AlertRefused(
            f"{alert_id} is acknowledged by active staff of the roles {', '.join(dict.fromkeys([alert.owner, *acknowledgers()]))}; "
            f"you are {person.role or 'none'}."
        )
    if not note or len(note) > LONGEST:
        raise AlertRefused(f"Say in 1 to {LONGEST} characters what is done about it.")
    said = {name: getattr(alert, name) for name in ("metric", "label", "when", "owner", "severity", "words", "advice", "publish_id")}  # fmt: skip
    _write(connection, settings, ACKNOWLEDGED, {"alert": alert_id, "note": note, **said}, actor, at)


def visible(role: str, name: str, published: Iterable[str]) -> bool:
    """Whether the role may see an alert on this metric: its marts are the role's, or it is among the `published` daily figures of leadership."""
    from apps.metrics.definitions import marts, metrics
    from warehouse.reader import may_read

    if name in published and may_read(role, "leadership.fct_kpi_daily"):
        return True
    return name in metrics() and all(may_read(role, mart) for mart in marts(metric(name)))


def _changes(
    stand: dict[str, Alert], findings: list[Finding], known: dict[str, Rule]
) -> list[tuple[str, dict[str, Any]]]:
    """What fires or is over, against how it stands; a rule that nobody keeps any more is over too."""
    changes = []
    for one in findings:
        alert = stand.get(one.alert_id)
        is_open = alert is not None and alert.is_open
        if one.holds != is_open:
            changes.append((FIRED if one.holds else RESOLVED, _said(one)))
    for alert in stand.values():
        if alert.is_open and alert.alert_id.partition(":")[0] not in known:
            names = ("metric", "label", "when", "owner", "severity", "advice")
            said = {name: getattr(alert, name) for name in names} | {"words": "the rule is gone"}
            changes.append((RESOLVED, {"alert": alert.alert_id, **said}))
    return changes


def _said(one: Finding) -> dict[str, Any]:
    rule, figures = one.rule, {"value": one.value, "compared": one.compared}
    label = metric(rule.metric).label + (f", {one.key}" if one.key is not None else "")
    return {
        "alert": one.alert_id, "metric": rule.metric, "label": label, "when": rule.when, "owner": rule.owner, "severity": rule.severity,
        "words": one.words, "advice": rule.advice, **{name: value for name, value in figures.items() if value is not None},
    }  # fmt: skip


def _write(
    connection: sa.Connection, settings: Settings, kind: str, said: dict[str, Any], actor: Actor, at: datetime
) -> None:
    event = Event(kind, actor, SUBJECT, said["alert"], stream=STREAM, occurred_at=at, after=said)
    append(connection, [event], at)
    # the message is known by the event's id: each change of an alert is another message
    payload = {"subject_type": SUBJECT, "subject_id": event.event_id, "state": STATES[kind], "at": at, **said}
    for name, destination in destinations(settings).items():
        if SUBJECT in destination.subjects:
            put(connection, name, kind, payload, at)


def _bodies(connection: sa.Connection) -> list[dict[str, Any]]:
    query = sa.select(events.c.body).where(events.c.subject_type == SUBJECT, events.c.type.in_(STATES))
    return [json.loads(row.body) for row in connection.execute(query.order_by(events.c.seq))]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
