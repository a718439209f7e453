"""Raising a subject that no source system sends: a proposal in the store, by somebody entitled to make it, that somebody else can approve."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from apps.approvals import people, policies
from apps.approvals.attested import attest
from apps.approvals.canonical import digest
from apps.approvals.chain import Actor, Event, append
from apps.approvals.entitlement import nobody_could
from apps.approvals.euros import in_euros
from apps.approvals.marts import MartReader
from apps.approvals.store import writing
from apps.approvals.subject import Subject, SubjectType, find, subject_types, to_subject
from apps.approvals.tables import CLOSED_STATES, proposals, subjects

LARGEST = Decimal(10) ** 18
"""No amount of money is larger; with eight decimals it still fits what decimals are reckoned in."""


class ProposalRefused(ValueError):
    """The proposal cannot be raised; the message lists why and who may."""


def recorded(engine: sa.Engine, maker_id: str, now: datetime, make: Callable[[sa.Connection], Subject]) -> Subject:
    """Proposes in a transaction of its own. A refusal is an event before it is raised again (ProposalRefused, UnknownPerson)."""
    try:
        with writing(engine) as connection:
            return make(connection)
    except (ProposalRefused, people.UnknownPerson) as refusal:
        event = Event("proposal.refused", Actor(maker_id), "proposal", maker_id, after={"said": str(refusal)})
        with writing(engine) as connection:
            append(connection, [event], now)
        raise


def propose(
    connection: sa.Connection,
    reader: MartReader,
    subject_type: str,
    maker_id: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    entity: str | None = None,
    client_id: str | None = None,
    amount: Decimal | None = None,
    currency: str | None = None,
) -> Subject:
    """Writes the proposal and its event, and gives the subject. Call it inside `writing`. Raises ProposalRefused.

    Of what a proposal is about (a period, a client, a policy) one may be open at a time; a new one gets a number behind its id.
    """
    kind = subject_types().get(subject_type)
    if kind is None or not kind.proposed_by:
        names = ", ".join(name for name, one in subject_types().items() if one.proposed_by)
        raise ProposalRefused(f"A {subject_type} is not proposed here; these are: {names}.")
    maker = people.person(reader, maker_id)
    _may_propose(maker, kind, payload, amount, currency)
    fields = {**payload, "entity": entity, "client_id": client_id, "currency": currency}
    said = {name: value for name, value in fields.items() if value is not None}
    try:
        subject_id = _free_id(connection, subject_type, kind.about.format_map(said))
    except KeyError as error:
        raise ProposalRefused(f"A {kind.label.lower()} needs {error.args[0]}.") from error
    row = {
        "subject_type": subject_type,
        "subject_id": subject_id,
        "revision": 1,
        "maker_id": maker_id,
        "maker_person": maker.person_key,
        "entity": entity,
        "client_id": client_id,
        "amount": amount,
        "currency": currency,
        "amount_eur": in_euros(reader, amount, currency),
        "payload": dict(payload),
        "payload_hash": digest(payload),
        "proposed_at": now,
    }
    _somebody_could(connection, reader, row, now)
    event = Event(
        type=f"{subject_type}.proposed",
        actor=Actor(maker_id, role=maker.role),
        subject_type=subject_type,
        subject_id=subject_id,
        client_id=client_id,
        entity=entity,
    )
    attest(connection, event, {"proposals": [row]}, now)
    return find(reader, connection, subject_type, subject_id)


def _may_propose(
    maker: people.Person, kind: SubjectType, payload: Mapping[str, Any], amount: Decimal | None, currency: str | None
) -> None:
    wrong = []
    if not maker.is_active:
        wrong.append(f"the staff record of {maker.staff_id} is not active")
    if maker.role not in kind.proposed_by:
        wrong.append(f"it is proposed by {' or '.join(kind.proposed_by)}, and {maker.staff_id} is {maker.role}")
    wrong += [f"it does not state {name}" for name in kind.needs if payload.get(name) in (None, "", [])]
    if kind.pays and (amount is None or currency is None):
        wrong.append("it states no amount and currency")
    if amount is not None and not _is_money(amount, signed=kind.signed or not kind.pays):
        wrong.append(f"{amount} is no amount of money")
    if wrong:
        raise ProposalRefused(f"This {kind.label.lower()} cannot be proposed: {'; '.join(wrong)}.")


def _is_money(amount: Decimal, *, signed: bool) -> bool:
    """Whether it is a number of at most eight decimals that the store can hold, and more than nothing unless `signed`."""
    if not amount.is_finite() or abs(amount) >= LARGEST:
        return False
    return amount == amount.quantize(Decimal("0.00000001")) and (amount > 0 or (signed and amount != 0))


def _free_id(connection: sa.Connection, subject_type: str, about: str) -> str:
    """The id of a new proposal about this. Raises ProposalRefused while an earlier one is open."""
    table = proposals.c
    query = (
        sa.select(table.subject_id, subjects.c.state)
        .distinct()
        .outerjoin(
            subjects, sa.and_(subjects.c.subject_type == table.subject_type, subjects.c.subject_id == table.subject_id)
        )
        .where(
            table.subject_type == subject_type,
            sa.or_(table.subject_id == about, table.subject_id.startswith(f"{about}#", autoescape=True)),
        )
    )
    earlier = {row.subject_id: row.state for row in connection.execute(query)}
    pending = [name for name, state in earlier.items() if state not in CLOSED_STATES]
    if pending:
        raise ProposalRefused(f"{subject_type} {pending[0]} is proposed already and waits for its decision.")
    return f"{about}#{len(earlier) + 1}" if earlier else about


def _somebody_could(connection: sa.Connection, reader: MartReader, row: Mapping[str, Any], now: datetime) -> None:
    shown = {"maker_type": "staff", "maker": row["maker_id"], "opened_at": now, "is_open": True, "words": ""}
    subject = to_subject(reader, {**row, **shown, "unusual": [], "source": "proposal", "facts": row["payload"]})
    reason = nobody_could(reader, subject, policies.policy_for(connection, subject, now))
    if reason is not None:
        raise ProposalRefused(f"{reason} A request that nobody could approve is not raised.")
