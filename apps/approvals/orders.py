"""What a person orders, what is answered, and the one way in which an order is carried out.

Every order runs in one write transaction: its key is looked up, its subject, people, policy and checks are asked anew, and either
everything it changes is committed together with its event and its answer, or nothing but the event of its refusal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from apps.approvals import checks, people, policies, subject
from apps.approvals.canonical import digest, plain
from apps.approvals.chain import Actor, Event, append, new_id, now
from apps.approvals.checks import CheckResult
from apps.approvals.live import Live
from apps.approvals.marts import MartReader
from apps.approvals.people import Person
from apps.approvals.policies import Policy
from apps.approvals.store import writing
from apps.approvals.subject import Subject
from apps.approvals.tables import idempotency

DONE, REFUSED, CHANGED = "done", "refused", "changed"


@dataclass(frozen=True)
class Order:
    """One order by one member of staff on one subject.

    `key` is given out when the form is drawn and names this order for ever: sent twice, it is carried out once. `version` is the
    live version the actor saw (0 while nobody had touched the subject), `seen` the `Subject.shown()` they decided on; a list may
    carry only its `facts_hash`. `until` is for snooze, `to` the colleague of a hand-over, `checks` what an override sets aside.
    """

    action: str
    subject_type: str
    subject_id: str
    actor_id: str
    key: str
    version: int | None = None
    seen: Mapping[str, Any] | None = None
    facts_hash: str | None = None
    reason_code: str | None = None
    note: str | None = None
    until: datetime | None = None
    to: str | None = None
    checks: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    in_bulk: bool = False
    ip: str | None = None
    device: str | None = None

    @property
    def fingerprint(self) -> str:
        """Of everything but the key, the place it was sent from, and the evidence beyond its hash."""
        apart = {"key", "ip", "device", "seen"}
        said = {name: value for name, value in asdict(self).items() if name not in apart}
        return digest(said | {"facts_hash": self.seen_hash})

    @property
    def seen_hash(self) -> str | None:
        return digest(self.seen) if self.seen is not None else self.facts_hash


@dataclass(frozen=True)
class Answer:
    """What became of an order. `status` is done, refused or changed (nothing decided: `difference` says what is other than was seen).

    `code` names the refusal for programs, `said` tells people. After a done order `waiting_for` are the roles of which one must act
    next, by `due_at`. `replayed` is true where the same order had been answered before, and this is that answer.
    """

    status: str
    said: str
    code: str = ""
    reasons: tuple[str, ...] = ()
    state: str = ""
    version: int = 0
    waiting_for: tuple[str, ...] = ()
    due_at: str | None = None
    difference: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[Mapping[str, Any], ...] = ()
    decision_id: str | None = None
    event_id: str | None = None
    subject_type: str = ""
    subject_id: str = ""
    replayed: bool = False

    @property
    def done(self) -> bool:
        return self.status == DONE


class Refusal(Exception):
    """An order that must not be carried out: a code for programs, sentences for people, and the checks that ran."""

    def __init__(
        self,
        code: str,
        *reasons: str,
        results: tuple[CheckResult, ...] = (),
        difference: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(" ".join(reasons))
        self.code, self.reasons, self.results, self.difference = code, reasons, results, difference


def _nothing(*_: Any) -> None:
    """No delivery, no effect."""


@dataclass(frozen=True)
class Desk:
    """Where orders are carried out: the store, the newest publish, the clock, and what is asked of the rest of the machinery.

    `reader` gives a reader of the publish that readers see now. `deliver` writes what a closed subject sends to the outside and names
    the destinations, `effects` (by subject type) are what an approval changes in the store itself; both within the decision's own
    transaction. For `undo` after a decision whoever took it may take it back; zero where nobody may. The home is `simulated` or not.
    """

    engine: sa.Engine
    reader: Callable[[], MartReader]
    clock: Callable[[], datetime] = now
    find: Callable[..., Subject] = subject.find
    policy_for: Callable[..., Policy] = policies.policy_for
    person: Callable[[MartReader, str], Person] = people.person
    run_checks: Callable[..., list[CheckResult]] = checks.run_checks
    deliver: Callable[..., Sequence[str] | None] = _nothing
    effects: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    undo: timedelta = timedelta(0)
    simulated: bool = False


@dataclass(frozen=True)
class Task:
    """An order under way: everything its handler looks at, asked anew within the order's transaction."""

    desk: Desk
    order: Order
    connection: sa.Connection
    reader: MartReader
    at: datetime
    person: Person
    live: Live
    subject: Subject
    policy: Policy

    @property
    def actor(self) -> Actor:
        return _actor(self.order, self.person)

    def event(self, kind: str, after: Mapping[str, Any] | None = None, event_id: str | None = None) -> Event:
        """The event of this order: who, on what, why, by which policy, and the live state it found."""
        return Event(
            type=f"approval.{kind}",
            actor=self.actor,
            subject_type=self.order.subject_type,
            subject_id=self.order.subject_id,
            client_id=self.subject.client_id,
            entity=self.subject.entity,
            reason=self.order.reason_code,
            before=self.live.said(),
            after={**(after or {}), "note": self.order.note},
            correlation_id=f"{self.order.subject_type}:{self.order.subject_id}",
            rule_version=self.policy.label,
            source_id=self.order.key,
            event_id=event_id or new_id(),
        )


Handler = Callable[[Task], Answer]


def carry_out(desk: Desk, order: Order, handler: Callable[[Desk, Order, sa.Connection, MartReader], Answer]) -> Answer:
    """Carries the order out in one transaction and gives the answer; the same key and order give the same answer again.

    A refusal is recorded before it is answered. A constraint of the store that the handler ran into is a refusal too.
    """
    reader = desk.reader()  # what is new is opened before the store is held …
    try:
        with writing(desk.engine) as connection:
            reader = desk.reader()  # … and may be newer still once it is our turn
            try:
                earlier = _answered(connection, order)
                if earlier is not None:
                    return earlier
                answer = handler(desk, order, connection, reader)
            except Refusal as refusal:
                answer = _refuse(desk, connection, order, reader, refusal)
                if refusal.code == "replayed_key":
                    return answer
            _remember(connection, order, answer, desk.clock())
            return answer
    except IntegrityError as error:
        said = f"The store refused it: {_constraint(error)}."
        with writing(desk.engine) as connection:
            return _refuse(desk, connection, order, reader, Refusal("constraint", said))


def _answered(connection: sa.Connection, order: Order) -> Answer | None:
    """The answer this key was given before. Raises Refusal where the key named another order."""
    found = connection.execute(sa.select(idempotency).where(idempotency.c.key == order.key)).one_or_none()
    if found is None:
        return None
    if found.request_hash != order.fingerprint:
        raise Refusal("replayed_key", "This form was used for another order already. Open the subject again.")
    listed = {name: tuple(found.answer[name]) for name in ("reasons", "waiting_for", "checks")}
    return replace(Answer(**{**found.answer, **listed}), replayed=True)


def _remember(connection: sa.Connection, order: Order, answer: Answer, at: datetime) -> None:
    row = {"key": order.key, "request_hash": order.fingerprint, "actor_id": order.actor_id, "answered_at": at}
    connection.execute(sa.insert(idempotency), {**row, "answer": plain(asdict(answer))})


def _refuse(desk: Desk, connection: sa.Connection, order: Order, reader: MartReader, refusal: Refusal) -> Answer:
    """Records the refusal and says it."""
    try:
        who = desk.person(reader, order.actor_id)
    except LookupError:
        who = None
    results = tuple(_plain_result(one) for one in refusal.results)
    event = Event(
        type="approval.refused",
        actor=_actor(order, who),
        subject_type=order.subject_type,
        subject_id=order.subject_id,
        reason=refusal.code,
        after={
            "action": order.action,
            "said": list(refusal.reasons),
            "checks": list(results),
            "difference": refusal.difference,
            "seen_version": order.version,
            "seen_facts": order.seen_hash,
            "publish_id": reader.publish.publish_id,
        },
        correlation_id=f"{order.subject_type}:{order.subject_id}",
        source_id=order.key,
    )
    append(connection, [event], desk.clock())
    return Answer(
        status=CHANGED if refusal.difference else REFUSED,
        said=str(refusal),
        code=refusal.code,
        reasons=refusal.reasons,
        difference=plain(refusal.difference or {}),
        checks=results,
        event_id=event.event_id,
        subject_type=order.subject_type,
        subject_id=order.subject_id,
    )


def _plain_result(result: CheckResult) -> dict[str, Any]:
    said = plain(asdict(result))
    return {"check_name": said.pop("name"), **said}


def _actor(order: Order, who: Person | None) -> Actor:
    return Actor(
        order.actor_id,
        role=who.role if who else None,
        on_behalf_of=order.on_behalf_of,
        ip=order.ip,
        device=order.device,
    )


def _constraint(error: IntegrityError) -> str:
    """What a broken constraint means."""
    text = str(error.orig)
    meanings = {
        "maker_never_decides": "nobody decides what they asked for",
        "four_eyes": "each step of a round is another person's",
        "round, decisions.person_key": "each step of a round is another person's",
        "one_decision_a_step": "this step was decided already",
        "round, decisions.step": "this step was decided already",
        "one_final_decision": "this was decided already",
    }
    return next((said for name, said in meanings.items() if name in text), text.partition("\n")[0])
