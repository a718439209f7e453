"""What is decided on: a row of a published mart that awaits a decision, or a proposal that somebody made in the store.

subjects.yml says for each subject type where it comes from. A subject's facts are what a decider is shown, and `facts_hash` is their
fingerprint: an order names the one it saw, and does not decide when they have changed since.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import sqlalchemy as sa
import yaml

from apps.approvals import people
from apps.approvals.canonical import digest, plain
from apps.approvals.euros import in_euros
from apps.approvals.marts import MartReader, rows
from apps.approvals.tables import CLOSED_STATES, proposals, subjects
from warehouse.reader import access

PROPOSAL = "proposal"


class NoSuchSubject(LookupError):
    """There is no such subject, or (`closed`) it awaits no decision any more: it was decided elsewhere."""

    closed = False


class SubjectClosed(NoSuchSubject):
    """The published marts show the subject, and that it awaits no decision."""

    closed = True


@dataclass(frozen=True)
class Field:
    """A field of the form that proposes a subject.

    `kind` is line, text, lines, choice (one of `of`), entity, currency, amount, count, day or future_day.
    """

    name: str
    label: str
    kind: str = "line"
    of: tuple[str, ...] = ()
    needed: bool = True


@dataclass(frozen=True)
class SubjectType:
    """A row of subjects.yml."""

    name: str
    label: str
    sql: str | None = None
    evidence: str | None = None
    source: str = PROPOSAL
    marts: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    proposed_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    pays: bool = False
    signed: bool = False
    always: tuple[str, ...] = ()
    may_ask_nobody: bool = False
    reopens: bool = False
    nobodys: bool = False
    about: str = ""
    at_once: bool = False
    rejects: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    page: str = ""


@dataclass(frozen=True)
class Subject:
    """A subject as known now. `amount` is positive, in `currency`; `amount_eur` None where there is no amount or no rate.

    `maker` is the id of whoever asked (None for a system without one), `maker_person` their person_key: never empty.
    """

    subject_type: str
    subject_id: str
    entity: str | None
    amount: Decimal | None
    currency: str | None
    amount_eur: Decimal | None
    client_id: str | None
    maker: str | None
    maker_person: str
    opened_at: datetime
    title: str
    facts: Mapping[str, Any]
    source: str
    is_open: bool = True
    unusual: tuple[str, ...] = field(default=(), compare=False)

    @property
    def facts_hash(self) -> str:
        """SHA-256 of everything the decider was shown. The amount in EUR is left out: it moves with every quote."""
        return digest(self.shown())

    def shown(self) -> dict[str, Any]:
        """What the hash is of, flat, so that two versions can be compared field by field."""
        own = {name: getattr(self, name) for name in ("entity", "amount", "currency", "client_id", "maker", "title")}
        return {
            name: plain(value)
            for name, value in (own | {f"facts.{key}": value for key, value in self.facts.items()}).items()
        }

    @property
    def partner_ids(self) -> frozenset[str]:
        """The partners whom its approval would pay, or take back from."""
        lines = self.facts.get("lines")
        concerned = self.subject_type in ("commission_adjustment", "commission_clawback")
        found = [self.facts.get("partner_id") if concerned else None]
        if self.subject_type == "payout_run" and isinstance(lines, list):
            found += [line.get("partner_id") for line in lines if isinstance(line, Mapping)]
        return frozenset(one for one in found if isinstance(one, str))


_published: WeakKeyDictionary[Any, dict[str, list[Subject]]] = WeakKeyDictionary()


def differences(seen: Mapping[str, Any], now: Subject) -> dict[str, tuple[Any, Any]]:
    """What has changed since a decider saw `Subject.shown()`: the field, its value then and its value now."""
    current = now.shown()
    return {
        name: (seen.get(name), current.get(name))
        for name in sorted(set(seen) | set(current))
        if seen.get(name) != current.get(name)
    }


def masked_facts(facts: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The facts as this role may see them, by the same table that masks the marts' columns."""
    columns = access()["columns"]
    return {
        name: value if name not in columns or role in columns[name]["clear"] else _masked(columns[name]["mask"], value)
        for name, value in facts.items()
    }


def find(
    reader: MartReader, connection: sa.Connection, subject_type: str, subject_id: str, *, closed_too: bool = False
) -> Subject:
    """The subject with its evidence. Raises NoSuchSubject, and SubjectClosed where it awaits no decision (unless `closed_too`)."""
    kind = subject_types().get(subject_type)
    if kind is None:
        raise NoSuchSubject(f"There is no subject {subject_type}; there are {', '.join(subject_types())}.")
    published = kind.sql and (not kind.proposed_by or all(mart in reader.marts for mart in kind.marts))
    row = _from_marts(reader, kind, subject_id) if published else None
    if row is None and kind.proposed_by:
        row = next(iter(proposed(connection, [subject_type], subject_id, closed_too=True)), None)
    if row is None:
        raise NoSuchSubject(
            f"There is no {kind.label.lower()} {subject_id} in {kind.source} of publish {reader.publish.publish_id}. "
            "What happened since is known after `daybook run`."
        )
    if not (row["is_open"] or closed_too):
        raise SubjectClosed(f"{kind.label} {subject_id} awaits no decision: it was decided elsewhere ({row['words']}).")
    return to_subject(reader, row)


def open_subjects(reader: MartReader, connection: sa.Connection, types: Iterable[str] = ()) -> list[Subject]:
    """Every subject that the marts or the store's proposals show as open, for lists: without the evidence that `find` adds.

    One query over the marts, asked once per reader and type since a publish never changes, and one over the store. Whether a subject
    was decided here since, the store's live state says. A subject type whose mart is not published yet has no rows.
    """
    wanted = set(types) or set(subject_types())
    if unknown := sorted(wanted - set(subject_types())):
        raise NoSuchSubject(f"There is no subject {unknown[0]}; there are {', '.join(subject_types())}.")
    found = _open_in_marts(reader, wanted)
    names = [name for name in wanted if subject_types()[name].proposed_by]
    return found + [to_subject(reader, row) for row in proposed(connection, names)]


def _open_in_marts(reader: MartReader, wanted: set[str]) -> list[Subject]:
    known = _published.setdefault(reader, {})
    kinds = [
        one
        for one in subject_types().values()
        if one.sql and one.name in wanted - known.keys() and all(mart in reader.marts for mart in one.marts)
    ]
    if kinds:
        found: dict[str, list[Subject]] = {one.name: [] for one in kinds}
        for row in rows(reader, _query(kinds, "is_open")):
            found[row["subject_type"]].append(to_subject(reader, row))
        known.update(found)
    return [one for name in subject_types() if name in wanted for one in known.get(name, ())]


def _query(kinds: list[SubjectType], condition: str) -> str:
    """One statement over the subjects of these types, in which each shared query stands once."""
    shared = _said()["shared"]
    reads = sorted({name for kind in kinds for name in kind.reads})
    heads = ", ".join(f"{name} as ({shared[name]})" for name in reads)
    parts = (
        f"select '{kind.name}' as subject_type, '{kind.source}' as source, * from ({kind.sql}) where {condition}"
        for kind in kinds
    )
    return f"{f'with {heads} ' if heads else ''}{' union all by name '.join(parts)}"


def to_subject(reader: MartReader, row: Mapping[str, Any]) -> Subject:
    """The subject of a row with the columns that subjects.yml names."""
    facts = json.loads(row["facts"]) if isinstance(row["facts"], str) else dict(row["facts"])
    return Subject(
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        entity=row["entity"],
        amount=row["amount"],
        currency=row["currency"],
        amount_eur=in_euros(reader, row["amount"], row["currency"]),
        client_id=row["client_id"],
        maker=row["maker"],
        maker_person=people.maker_person(reader, row["maker_type"], row["maker"]),
        opened_at=row["opened_at"],
        title=title(row),
        facts=facts,
        source=row["source"],
        is_open=row["is_open"],
        unusual=tuple(row["unusual"] or ()),
    )


def not_rejectable(subject: Subject) -> str | None:
    """Why nobody may reject the subject as it stands, in words; None where somebody may."""
    kind = subject_types()[subject.subject_type]
    for name, allowed in kind.rejects.items():
        if (value := subject.facts.get(name)) not in allowed:
            return f"With {name.replace('_', ' ')} {value} it cannot be rejected; it can from {', '.join(allowed)}."
    return None


def title(row: Mapping[str, Any]) -> str:
    """One line that says what would be approved: `Withdrawal of 800.00 GBP to card …4411`."""
    label = subject_types()[row["subject_type"]].label
    amount = f" of {row['amount']:,.2f} {row['currency']}" if row["amount"] is not None else ""
    return f"{label}{amount} {row['words'] or ''}".strip()


def proposed(
    connection: sa.Connection,
    types: Iterable[str],
    subject_id: str | None = None,
    *,
    makers: Iterable[str] | None = None,
    closed_too: bool = False,
) -> list[dict[str, Any]]:
    """The newest revision of each open proposal of these types (and of these makers), as rows like those of the marts."""
    table = proposals.c
    newest = (
        sa.select(table.subject_type, table.subject_id, sa.func.max(table.revision).label("revision"))
        .where(table.subject_type.in_(tuple(types)))
        .group_by(table.subject_type, table.subject_id)
    )
    if subject_id is not None:
        newest = newest.where(table.subject_id == subject_id)
    if makers is not None:
        newest = newest.where(table.maker_id.in_(tuple(makers)))
    if not closed_too:
        closed = sa.select(subjects.c.subject_id).where(
            subjects.c.subject_type == table.subject_type,
            subjects.c.subject_id == table.subject_id,
            subjects.c.state.in_(CLOSED_STATES),
        )
        newest = newest.where(~closed.exists())
    last = newest.subquery()
    query = sa.select(proposals).join(
        last,
        sa.and_(
            *(table[name] == last.c[name] for name in ("subject_type", "subject_id", "revision")),
        ),
    )
    found = []
    for row in connection.execute(query).mappings():
        said = {name: row[name] for name in ("subject_type", "subject_id", "entity", "amount", "currency", "client_id")}
        words = row["payload"].get("title") or _about(row["payload"])
        found.append(
            said
            | {"maker_type": "staff", "maker": row["maker_id"], "opened_at": row["proposed_at"], "is_open": True}
            | {"words": words, "unusual": [], "source": PROPOSAL}
            | {"facts": row["payload"] | {"revision": row["revision"]}}
        )
    return found


@cache
def subject_types() -> dict[str, SubjectType]:
    """subjects.yml by name."""
    return {name: _subject_type(name, dict(said)) for name, said in _said().items() if name != "shared"}


@cache
def _said() -> dict[str, Any]:
    return yaml.safe_load((Path(__file__).parent / "subjects.yml").read_text(encoding="utf-8"))


def _subject_type(name: str, said: dict[str, Any]) -> SubjectType:
    kind = said.pop("kind", None)
    if kind:
        said["sql"] = said["sql"].replace("{kind}", kind)
    reads = tuple(said.pop("with", ()))
    lists: dict[str, Any] = {
        key: tuple(said[key]) for key in ("marts", "proposed_by", "needs", "always") if key in said
    }
    fields = tuple(Field(**one | {"of": tuple(one.get("of", ()))}) for one in said.pop("fields", ()))
    return SubjectType(name=name, reads=reads, fields=fields, **(said | lists))


def _from_marts(reader: MartReader, kind: SubjectType, subject_id: str) -> dict[str, Any] | None:
    found = rows(reader, _query([kind], "subject_id = $1"), subject_id)
    if not found:
        return None
    row = found[0] | {"facts": json.loads(found[0]["facts"])}
    if kind.evidence:
        for more in _evidence(reader, kind, subject_id):
            row["facts"] |= more
    return row


def _evidence(reader: MartReader, kind: SubjectType, subject_id: str) -> list[dict[str, Any]]:
    """More facts; a mart that is not published yet gives none, and the checks, which fail closed, say so themselves."""
    try:
        return rows(reader, kind.evidence or "", subject_id)
    except (duckdb.CatalogException, LookupError):
        return []


def _about(payload: Mapping[str, Any]) -> str:
    """What a proposal is about, from the plain values of its payload."""
    said = (f"{name} {value}" for name, value in payload.items() if isinstance(value, str | int | Decimal | date))
    return ", ".join(list(said)[:3])


def _masked(mask: str, value: Any) -> Any:
    if value is None:
        return None
    text = str(value)
    return {
        "initial": f"{text[:1]}…",
        "email": f"{text[:1]}…@{text.partition('@')[2]}",
        "tail": f"…{text[-4:]}",
    }.get(mask, "…")
