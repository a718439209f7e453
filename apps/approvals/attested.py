"""Rows that an event attests: written together with it, and compared with it whenever the chain is verified.

A decision, its checks, a proposal and a policy stand in tables of their own, where they can be asked and constrained; what makes
them evidence is that the event they were written with holds the same values, sealed in the chain.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from apps.approvals import tables
from apps.approvals.canonical import canonical
from apps.approvals.chain import Event, append, seal

ATTESTED = ("decisions", "check_results", "proposals", "policies")
OF_SUBJECTS = ("decisions", "check_results", "proposals")

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
Attested = dict[tuple[str, int], list[str]]


def attest(connection: sa.Connection, event: Event, rows: Rows, recorded_at: datetime | None = None) -> int:
    """Appends the event with these rows in its `after` and inserts the rows with its number; gives the number.

    `rows` maps a table of ATTESTED to its rows, without `event_seq`. Must run inside `writing`. A row that breaks a constraint
    (four eyes, one decision a step) raises IntegrityError and, with the transaction, takes the event along.
    """
    unknown = rows.keys() - set(ATTESTED)
    if unknown:
        raise ValueError(f"No event attests {', '.join(sorted(unknown))}; known are {', '.join(ATTESTED)}.")
    attested = {name: [_values(name, row) for row in some] for name, some in rows.items() if some}
    sealed = replace(event, after={**(event.after or {}), **attested}, attests=tuple(attested) or None)
    (seq,) = append(connection, [sealed], recorded_at)
    for name, some in rows.items():
        if some:
            # every row names the same columns, so that they go in as one statement
            given = [{**dict.fromkeys(_columns(name)), **row, "event_seq": seq} for row in some]
            connection.execute(sa.insert(tables.metadata.tables[name]), given)
    return seq


def attested_by(seq: int, body: Mapping[str, Any]) -> Attested:
    """The rows that an event's body attests, by table and event number, each as its canonical text."""
    after = body.get("after") or {}
    return {(name, seq): [canonical(row) for row in after.get(name, [])] for name in body.get("attests", [])}


def differences(connection: sa.Connection, attested: Attested) -> Iterator[tuple[int, str]]:
    """Event number and sentence for every row that is not what its event attests, is missing, or has no event."""
    yield from _compared(attested, _stored(connection, ATTESTED))


def faults_of(connection: sa.Connection, subject_type: str, subject_id: str) -> list[str]:
    """What is wrong with the rows of one subject and with the events that attest them, in words: asked before each decision."""
    table = tables.events.c
    told = sa.and_(table.subject_type == subject_type, table.subject_id == subject_id)
    return _faults(connection, OF_SUBJECTS, _stored(connection, OF_SUBJECTS, subject_type, subject_id), told)


def policy_faults(connection: sa.Connection) -> list[str]:
    """What is wrong with the policies that the store holds, all of them: one that nobody approved would be the rule for everything."""
    stored = _stored(connection, ("policies",))
    return _faults(connection, ("policies",), stored, tables.events.c.subject_type == "policy")


def _faults(
    connection: sa.Connection, names: Sequence[str], stored: Attested, told: sa.ColumnElement[bool]
) -> list[str]:
    """The stored rows of these tables against the events they name and those of the condition."""
    table = tables.events.c
    found = connection.execute(
        sa.select(table.seq, table.body, table.prev_hash, table.hash).where(
            sa.or_(table.seq.in_({seq for _, seq in stored}), told)
        )
    ).all()
    broken = [f"event {row.seq} was edited" for row in found if seal(row.prev_hash, row.body) != row.hash]
    attested: Attested = {}
    for row in found:
        attested |= {key: said for key, said in attested_by(row.seq, _read(row.body)).items() if key[0] in names}
    return broken + [said for _, said in _compared(attested, stored)]


def _stored(connection: sa.Connection, names: Sequence[str], *subject: str) -> Attested:
    stored: Attested = {}
    for name in names:
        table = tables.metadata.tables[name]
        query = sa.select(table)
        if subject:
            query = query.where(table.c.subject_type == subject[0], table.c.subject_id == subject[1])
        for row in connection.execute(query):
            values = {column: value for column, value in row._mapping.items() if column != "event_seq"}
            stored.setdefault((name, row.event_seq), []).append(canonical(_values(name, values)))
    return stored


def _compared(attested: Attested, stored: Attested) -> Iterator[tuple[int, str]]:
    for name, seq in sorted(attested.keys() | stored.keys()):
        said, found = sorted(attested.get((name, seq), [])), sorted(stored.get((name, seq), []))
        if said != found:
            yield seq, _sentence(name, seq, len(said), len(found))


def _read(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _sentence(name: str, seq: int, said: int, stored: int) -> str:
    if stored < said:
        return f"{said - stored} of {said} rows of {name} that event {seq} attests are gone"
    if stored > said:
        return f"{name} holds {stored - said} rows for event {seq} that it does not attest"
    return f"{name} says something else than event {seq}, which was written with it"


def _values(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as its event holds it: values as the table keeps them, nulls left out."""
    table = tables.metadata.tables[name]
    return {key: _kept(table.columns[key], value) for key, value in row.items() if value is not None}


def _kept(column: sa.Column[Any], value: Any) -> Any:
    if isinstance(column.type, tables.Money):
        return column.type.process_bind_param(value, None)
    return bool(value) if isinstance(column.type, sa.Boolean) else value


def _columns(name: str) -> list[str]:
    return [column.name for column in tables.metadata.tables[name].columns]
