"""A small office to order in: staff, subjects and a publish held in memory, with the store, policies and rules as they ship.

What the warehouse would say is said here, so that a round of fifty deciders costs milliseconds; on the published marts themselves the
same orders are given in test_on_the_marts.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from apps.approvals.chain import new_id
from apps.approvals.checks import CheckResult
from apps.approvals.decisions import decide
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.people import Person, UnknownPerson
from apps.approvals.subject import NoSuchSubject, Subject

NOW = datetime(2026, 11, 20, 10, 0)


@dataclass(frozen=True)
class Publish:
    publish_id: int
    published_at: datetime
    loaded_at: datetime


class Reader:
    """The publish alone: nothing here asks a mart."""

    marts: frozenset[str] = frozenset()

    def __init__(self, publish: Publish) -> None:
        self.publish = publish


def staff(
    staff_id: str,
    role: str,
    limit: int | None = 100_000,
    person: str | None = None,
    *,
    active: bool = True,
) -> Person:
    """A member of staff; accounts with the same `person` are one person."""
    key = person or staff_id
    return Person(
        staff_id=staff_id,
        name=staff_id.upper(),
        email=None,
        role=role,
        approval_limit_eur=None if limit is None else Decimal(limit),
        is_active=active,
        client_id=None,
        person_key=key,
        accounts=frozenset({staff_id, key}),
        clients=frozenset(),
    )


def withdrawal(subject_id: str = "w1", amount: int = 400, maker: str = "m", **more: Any) -> Subject:
    """A client's withdrawal, asked for an hour ago."""
    given: dict[str, Any] = {
        **{
            "subject_type": "withdrawal",
            "subject_id": subject_id,
            "entity": "CY",
            "currency": "EUR",
            "client_id": "c1",
        },
        **{"amount": Decimal(amount), "amount_eur": Decimal(amount), "maker": maker, "maker_person": maker},
        **{"opened_at": NOW - timedelta(hours=1), "title": f"Withdrawal of {amount}.00 EUR", "source": "mart"},
        **{"facts": {"balance": "1000"}},
    }
    return Subject(**{**given, **more})


@dataclass
class Office:
    """Everything the desk asks; a test changes it as the world changes. `failing` are the checks that do not pass now."""

    engine: sa.Engine
    people: dict[str, Person] = field(default_factory=dict)
    subjects: dict[tuple[str, str], Subject] = field(default_factory=dict)
    publish: Publish = field(default_factory=lambda: Publish(7, NOW - timedelta(hours=2), NOW - timedelta(hours=2)))
    failing: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    now: datetime = NOW
    delivered: bool = True
    undo: timedelta = timedelta(0)

    def hire(self, *people: Person) -> None:
        self.people |= {one.staff_id: one for one in people}

    def ask(self, *subjects: Subject) -> None:
        self.subjects |= {(one.subject_type, one.subject_id): one for one in subjects}

    def change(self, subject_id: str = "w1", **facts: Any) -> None:
        """The world moves on: other facts about the same subject."""
        key = ("withdrawal", subject_id)
        self.subjects[key] = replace(self.subjects[key], facts={**self.subjects[key].facts, **facts})

    @property
    def desk(self) -> Desk:
        return Desk(
            engine=self.engine,
            reader=lambda: Reader(self.publish),  # type: ignore[arg-type, return-value]
            clock=lambda: self.now,
            find=self._find,
            person=self._person,
            run_checks=self._run_checks,
            undo=self.undo,
        )

    def order(self, action: str, actor_id: str, subject_id: str = "w1", **more: Any) -> Order:
        """An order as the page would send it: on what is shown now, with the version it shows and a fresh key."""
        subject = self.subjects.get(("withdrawal", subject_id))
        codes = {"approve": "checks_passed", "reject": "check_failed", "override": "justified_exception"}
        codes |= {"escalate": "above_my_limit", "snooze": "waiting_for_client", "withdraw": "asked_in_error"}
        given: dict[str, Any] = {
            **{"seen": subject.shown() if subject else None, "key": new_id(), "version": self.version(subject_id)},
            **{"reason_code": codes.get(action, "document_missing")},
        }
        return Order(action, "withdrawal", subject_id, actor_id, **{**given, **more})

    def give(self, action: str, actor_id: str, subject_id: str = "w1", **more: Any) -> Answer:
        return decide(self.desk, self.order(action, actor_id, subject_id, **more))

    def version(self, subject_id: str = "w1") -> int:
        return int(self.live(subject_id).get("version", 0))

    def live(self, subject_id: str = "w1") -> Mapping[str, Any]:
        rows = self.rows("select * from subjects where subject_id = :id", id=subject_id)
        return rows[0] if rows else {}

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(query), parameters)]

    def count(self, table: str, where: str = "1 = 1") -> int:
        return int(self.rows(f"select count(*) as n from {table} where {where}")[0]["n"])

    def refusals(self) -> list[str]:
        """The codes of the refusals on record, in order."""
        return [row["reason"] for row in self.events("approval.refused")]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of the events of a kind, in order."""
        import json

        found = self.rows("select body from events where type = :kind order by seq", kind=kind)
        return [json.loads(row["body"]) for row in found]

    def _find(self, reader: Any, connection: sa.Connection, subject_type: str, subject_id: str, **_: Any) -> Subject:
        found = self.subjects.get((subject_type, subject_id))
        if found is None:
            raise NoSuchSubject(f"There is no {subject_type} {subject_id}.")
        return found

    def _person(self, reader: Any, staff_id: str) -> Person:
        if staff_id not in self.people:
            raise UnknownPerson(f"There is no member of staff {staff_id}.")
        return self.people[staff_id]

    def _run_checks(self, policy: Any, subject: Subject, *_: Any, **__: Any) -> list[CheckResult]:
        names: Iterable[str] = (one.name for one in policy.checks if one.name not in self.silent)
        return [
            CheckResult(name, "1", "fail" if name in self.failing else "pass", {"n": 1}, f"{name} said so", self.now)
            for name in names
        ]


def office(engine: sa.Engine) -> Office:
    """Staff of every role, and one withdrawal of EUR 400 that waits for one approver."""
    made = Office(engine)
    made.hire(staff("pay1", "payments"), staff("pay2", "payments"), staff("pay3", "payments"), staff("m", "payments"))
    made.hire(staff("fin1", "finance"), staff("fin2", "finance"), staff("mlro1", "mlro"), staff("sup1", "support"))
    made.ask(withdrawal())
    return made
