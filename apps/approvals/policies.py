"""What a decision needs, as dated data: checks, approvers step by step, limits, deadlines. policies.yml ships a default for every subject.

The store holds every version ever in force; an approved `policy_change` appends one. What no policy can switch off is not a field
here: maker is never checker, an approver is active, holds the role and, where money is paid, the limit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
import yaml

from apps.approvals.attested import attest
from apps.approvals.canonical import digest
from apps.approvals.chain import SYSTEM, Actor, Event
from apps.approvals.tables import policies as policies_table

HERE = Path(__file__).parent
NEVER_APPROVE = frozenset({"auditor", "admin"})
"""Roles that read or administer; a policy that names one of them as approver is refused."""


class NoPolicy(LookupError):
    """No policy covers the subject, so nobody may decide it; says what is missing."""


class PolicyRefused(ValueError):
    """The new version of a policy cannot be; the message lists every reason."""


class Priced(Protocol):
    """What of a subject a policy hangs on; `amount_eur` is None without an amount or without a rate."""

    @property
    def subject_type(self) -> str: ...
    @property
    def entity(self) -> str | None: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def amount_eur(self) -> Decimal | None: ...


@dataclass(frozen=True)
class Step:
    """One approval: a person of one of the roles, whose limit covers the amount unless `needs_limit` is false."""

    number: int
    roles: tuple[str, ...]
    needs_limit: bool


@dataclass(frozen=True)
class RequiredCheck:
    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """One version of one policy. Without steps nobody is asked. Hours of `sla_hours` are business hours of the entity.

    `rejections` is how many different people must say no before the subject is rejected.
    """

    policy_id: str
    version: int
    subject_type: str
    entity: str | None
    min_amount_eur: Decimal
    valid_from: datetime
    valid_to: datetime | None
    steps: tuple[Step, ...]
    checks: tuple[RequiredCheck, ...]
    sla_hours: float
    max_publish_age_hours: float
    claim_minutes: int
    expires_after_days: int | None
    bulk_below_eur: Decimal
    override_roles: tuple[str, ...]
    overridable: tuple[str, ...]
    escalation_roles: tuple[str, ...]
    rejections: int = 1

    def step_due(self, taken: int, state: str) -> Step | None:
        """The step after `taken` ones; of an escalated subject it asks the roles that the policy escalates to. None when all are taken."""
        if taken >= len(self.steps):
            return None
        step = self.steps[taken]
        return replace(step, roles=self.escalation_roles) if state == "escalated" else step

    @cached_property
    def concerned(self) -> frozenset[str]:
        """Every role that may come to act on the subject."""
        asked = (role for step in self.steps for role in step.roles)
        return frozenset((*asked, *self.override_roles, *self.escalation_roles))

    @cached_property
    def label(self) -> str:
        """As decisions cite it: `withdrawal-1`."""
        return f"{self.policy_id}-{self.version}"


@dataclass(frozen=True)
class PolicyBook:
    """The policies in force at one moment."""

    at: datetime
    policies: tuple[Policy, ...]

    @cached_property
    def _bands(self) -> dict[tuple[str, str | None], list[Policy]]:
        """By subject type and entity, the policies that can hold there, the highest band first."""
        found: dict[tuple[str, str | None], list[Policy]] = {}
        for one in sorted(
            self.policies, key=lambda one: (one.min_amount_eur, one.valid_from, one.version), reverse=True
        ):
            found.setdefault((one.subject_type, one.entity), []).append(one)
        return found

    def policy_for(self, subject: Priced) -> Policy:
        """The policy of the subject's type: its entity's own rather than everybody's, of those the highest band its amount reaches."""
        if subject.amount is not None and subject.amount_eur is None:
            raise NoPolicy(
                f"The amount of this {subject.subject_type} has no exchange rate to EUR, so no limit can be told. "
                "Load the fx_rates feed: `daybook run`."
            )
        kind = subject.subject_type
        bands = self._bands.get((kind, subject.entity)) or self._bands.get((kind, None), ())
        amount = abs(subject.amount_eur) if subject.amount_eur is not None else Decimal(0)
        for one in bands:
            if one.min_amount_eur <= amount:
                return one
        raise NoPolicy(f"No policy for a {kind} of entity {subject.entity} was in force at {self.at:%Y-%m-%d %H:%M}.")


def policy_for(connection: sa.Connection, subject: Priced, at: datetime) -> Policy:
    """The policy in force for the subject at `at` (naive UTC). Raises NoPolicy."""
    return book(connection, at).policy_for(subject)


def book(connection: sa.Connection, at: datetime) -> PolicyBook:
    """Every policy in force at `at`: the store's, and for a subject type the store has never had a policy of, the shipped ones."""
    table = policies_table.c
    stored = connection.execute(sa.select(policies_table).where(table.valid_from <= at)).mappings().all()
    known = set(connection.execute(sa.select(table.subject_type).distinct()).scalars())
    rows = [dict(row) for row in stored] + [
        row for row in shipped() if row["subject_type"] not in known and row["valid_from"] <= at
    ]
    newest: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["policy_id"] not in newest or newest[row["policy_id"]]["version"] < row["version"]:
            newest[row["policy_id"]] = row
    in_force = (row for row in newest.values() if row["valid_to"] is None or at < row["valid_to"])
    return PolicyBook(at, tuple(_policy(row) for row in in_force))


def seed(connection: sa.Connection, now: datetime) -> int:
    """Appends the shipped policies of every subject type the store has none of, each with its event; gives how many.

    Call it inside `writing`; on a store that has them it is one look-up.
    """
    known = set(connection.execute(sa.select(policies_table.c.subject_type).distinct()).scalars())
    new = [row for row in shipped() if row["subject_type"] not in known]
    _append(connection, new, SYSTEM, "policy.shipped", now)
    return len(new)


def append_version(
    connection: sa.Connection,
    change: Mapping[str, Any],
    *,
    approval_id: str,
    actor: Actor,
    now: datetime,
    roles: Iterable[str] | None = None,
) -> Policy:
    """Appends the version that an approved `policy_change` asks for (its payload) and gives it. Raises PolicyRefused.

    Numbers follow the store, and nothing takes force in the past: it would judge decisions already taken. The shipped policies are
    written first where the store has none: a change of one must not take the others of its subject out of force.
    """
    wrong = faults(change, now, roles=roles)
    if wrong:
        raise PolicyRefused("; ".join(wrong))
    seed(connection, now)
    newest = connection.execute(
        sa.select(sa.func.max(policies_table.c.version)).where(policies_table.c.policy_id == change["policy_id"])
    ).scalar()
    row = _row({**change, "version": (newest or 0) + 1}, valid_from=max(_moment(change["valid_from"]) or now, now))
    row["approved_by"] = approval_id
    _append(connection, [row], actor, "policy.changed", now)
    return _policy(row)


def faults(change: Mapping[str, Any], now: datetime, *, roles: Iterable[str] | None = None) -> list[str]:
    """Everything that keeps a proposed version from being a policy, in words; empty when it can be one."""
    from apps.approvals.checks import registered
    from apps.approvals.subject import subject_types

    if missing := [name for name in ("policy_id", "subject_type", "valid_from", "body") if not change.get(name)]:
        return [f"it lacks {', '.join(missing)}"]
    kind = subject_types().get(change["subject_type"])
    if kind is None:
        return [f"there is no subject {change['subject_type']}"]
    try:
        policy = _policy(_row({"version": 1, **change}, valid_from=_moment(change["valid_from"]) or now))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        return [f"it cannot be read ({type(error).__name__}: {error})"]
    wrong = [f"there is no check {one.name}" for one in policy.checks if one.name not in registered()]
    if policy.valid_from < now - timedelta(minutes=1):
        wrong.append(f"it would take force in the past, at {policy.valid_from:%Y-%m-%d %H:%M} UTC")
    if not policy.steps and not kind.may_ask_nobody:
        wrong.append("it asks nobody")
    named = {role for step in policy.steps for role in step.roles} | set(policy.override_roles)
    wrong += [f"the role {role} never approves" for role in sorted(named & NEVER_APPROVE)]
    if roles is not None:
        wrong += [f"there is no role {role}" for role in sorted(named - set(roles))]
    wrong += [f"step {step.number} names no role" for step in policy.steps if not step.roles]
    if policy.rejections < 1:
        wrong.append("nobody could reject it")
    if kind.pays and policy.steps and not any(step.needs_limit for step in policy.steps):
        wrong.append("money would leave without anybody's limit covering it")
    dropped = set(kind.always) - {one.name for one in policy.checks} if policy.steps else ()
    wrong += [f"the check {name} cannot be dropped" for name in sorted(dropped)]
    wrong += [
        f"the check {name} can never be overridden" for name in sorted(set(kind.always) & set(policy.overridable))
    ]
    return wrong


def expires_at(policy: Policy, opened_at: datetime) -> datetime | None:
    """When a request that nobody decided ends without being executed; None where it stays until somebody decides."""
    return None if policy.expires_after_days is None else opened_at + timedelta(days=policy.expires_after_days)


def publish_age(publish: Any, now: datetime) -> timedelta:
    """How long ago the publish last learned anything: its newest load, or its own time where it holds none."""
    return now - (publish.loaded_at or publish.published_at)


def too_old(policy: Policy, publish: Any, now: datetime, *, simulated: bool = False) -> str | None:
    """Why the publish is too old for a decision under this policy, with the command that mends it; None while it is not.

    Into a `simulated` home nothing comes by itself: there another command makes the days since first.
    """
    age = publish_age(publish, now)
    if age <= timedelta(hours=policy.max_publish_age_hours):
        return None
    first = "; this home is simulated, so `make run` simulates the days since first" if simulated else ""
    return (
        f"The data are {_hours(age)} old (publish {publish.publish_id}); a decision on a {policy.subject_type} allows "
        f"{policy.max_publish_age_hours:g} h. Load what has happened since: `daybook run`{first}."
    )


@cache
def shipped() -> tuple[dict[str, Any], ...]:
    """The policies of policies.yml as rows of the store's table."""
    found = yaml.safe_load((HERE / "policies.yml").read_text(encoding="utf-8"))
    return tuple(
        _row({"version": 1, **one, "body": found["defaults"] | one["body"]}, valid_from=_moment(one["valid_from"]))
        for one in found["policies"]
    )


def _row(said: Mapping[str, Any], *, valid_from: datetime | None) -> dict[str, Any]:
    body = {name: _plain(value) for name, value in said["body"].items()}
    row = {
        "policy_id": said["policy_id"],
        "version": said["version"],
        "subject_type": said["subject_type"],
        "entity": said.get("entity"),
        "min_amount_eur": Decimal(str(said.get("min_amount_eur") or 0)),
        "valid_from": valid_from,
        "valid_to": _moment(said.get("valid_to")),
        "body": body,
        "approved_by": None,
    }
    return row | {"body_hash": digest({name: value for name, value in row.items() if name != "approved_by"})}


def _policy(row: Mapping[str, Any]) -> Policy:
    body = row["body"]
    return Policy(
        **{name: row[name] for name in ("policy_id", "version", "subject_type", "entity", "valid_from", "valid_to")},
        min_amount_eur=row["min_amount_eur"] or Decimal(0),
        steps=tuple(
            Step(number, tuple(step["roles"]), bool(step.get("limit", True)))
            for number, step in enumerate(body["steps"], start=1)
        ),
        checks=tuple(
            RequiredCheck(one["check"], {name: value for name, value in one.items() if name != "check"})
            for one in body["checks"]
        ),
        sla_hours=float(body["sla_hours"]),
        max_publish_age_hours=float(body["max_publish_age_hours"]),
        claim_minutes=int(body["claim_minutes"]),
        expires_after_days=int(days) if (days := body["expires_after_days"]) is not None else None,
        bulk_below_eur=Decimal(str(body["bulk_below_eur"])),
        override_roles=tuple(body["override_roles"]),
        overridable=tuple(body["overridable"]),
        escalation_roles=tuple(body["escalation_roles"]),
        # a version from before there was such a number asks one person
        rejections=int(body.get("rejections") or 1),
    )


def _append(
    connection: sa.Connection, rows: list[dict[str, Any]], actor: Actor, event_type: str, now: datetime
) -> None:
    for row in rows:
        event = Event(
            type=event_type,
            actor=actor,
            subject_type="policy",
            subject_id=row["policy_id"],
            entity=row["entity"],
            approval_id=row["approved_by"],
        )
        attest(connection, event, {"policies": [{**row, "recorded_at": now}]}, now)


def _plain(value: Any) -> Any:
    """YAML's numbers with a point as text: a limit is exact, and JSON's numbers are not."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def _moment(value: Any) -> datetime | None:
    """A naive UTC time from what YAML or a form gives: a date, a time, or ISO text with or without a Z."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    return datetime.fromisoformat(str(value)).replace(tzinfo=None)


def _hours(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
