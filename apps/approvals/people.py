"""Who decides: staff of the published warehouse, which of their accounts are one person, and whether that person is the client.

Roles and limits are the newest staff record's, read on every order. Two accounts count as one person when they share an e-mail, a
client or a name: erring towards "the same" costs a colleague's look, erring the other way lets one person sign twice.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from apps.approvals.marts import MartReader, rows


class UnknownPerson(LookupError):
    """No such member of staff in the published warehouse."""


@dataclass(frozen=True)
class Person:
    """A member of staff as known now. `approval_limit_eur` None approves no money.

    `accounts` are all staff ids of this person and `clients` all clients the person is. `person_key` names the person in decisions;
    a later record can join two accounts under another key, so who decided before is compared by `accounts`.
    """

    staff_id: str
    name: str
    email: str | None
    role: str | None
    approval_limit_eur: Decimal | None
    is_active: bool
    client_id: str | None
    person_key: str
    accounts: frozenset[str]
    clients: frozenset[str]


STAFF = """
select staff_id, name, lower(trim(email)) as email, client_id, role, approval_limit_eur, is_active from core.dim_staff order by staff_id
"""

# a member of staff is a client by id or by e-mail, and every other client with that client's name and birth date
CLIENTS_OF_STAFF = """
with named as (
    select
        client_id, lower(trim(email)) as email, birth_date,
        lower(concat_ws(' ', trim(first_name), trim(last_name))) as name
    from core.dim_clients
),
matched as (
    select staff.staff_id, named.client_id, named.name, named.birth_date
    from core.dim_staff as staff inner join named on staff.client_id = named.client_id
    union
    select staff.staff_id, named.client_id, named.name, named.birth_date
    from core.dim_staff as staff inner join named on lower(trim(staff.email)) = named.email and named.email <> ''
)
select staff_id, client_id from matched
union
select matched.staff_id, named.client_id
from matched inner join named on matched.name = named.name and matched.birth_date = named.birth_date and matched.name <> ''
"""

# whoever ever stood above the partner counts: a tie does not end with the contract
CLIENTS_BELOW = """
select distinct clients.client_id
from core.dim_partners as partners
inner join partners.dim_partner_tree as tree on partners.partner_id = tree.ancestor_id
inner join core.dim_clients as clients on tree.partner_id = clients.partner_id
where list_contains($1::varchar[], partners.client_id)
"""

PARTNERS_OF_PERSON = "select partner_id from core.dim_partners where list_contains($1::varchar[], client_id)"

_directories: WeakKeyDictionary[Any, dict[str, Person]] = WeakKeyDictionary()
_staff_clients: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def directory(reader: MartReader) -> dict[str, Person]:
    """Every member of staff by staff id. A reader shows one publish, so it is asked once per reader."""
    found = _directories.get(reader)
    if found is None:
        found = _directories[reader] = _resolve(reader)
    return found


def person(reader: MartReader, staff_id: str) -> Person:
    """The member of staff. Raises UnknownPerson for an id without a staff record."""
    found = directory(reader).get(staff_id)
    if found is None:
        raise UnknownPerson(
            f"There is no member of staff {staff_id} in publish {reader.publish.publish_id}. "
            "Their record arrives with the staff feed: `daybook run`."
        )
    return found


def by_email(reader: MartReader, email: str) -> Person | None:
    """The active account with this address (trimmed, lower case); an address that two active accounts share names nobody."""
    wanted = email.strip().lower()
    found = [one for one in directory(reader).values() if one.is_active and one.email == wanted]
    return found[0] if len(found) == 1 else None


def person_of_client(reader: MartReader, client_id: str) -> str:
    """The person_key of the client: the member of staff who is that client, else `client:<id>`."""
    known = _staff_clients.get(reader)
    if known is None:
        everybody = directory(reader).values()
        known = _staff_clients[reader] = {client: one.person_key for one in everybody for client in one.clients}
    return known.get(client_id, f"client:{client_id}")


def maker_person(reader: MartReader, maker_type: str | None, maker: str | None) -> str:
    """The person_key of whoever asked. A maker nobody knows keeps a key of their own, so the four-eyes rule can still compare."""
    if maker is None:
        return f"system:{maker_type or 'unknown'}"
    if maker_type == "client":
        return person_of_client(reader, maker)
    known = directory(reader).get(maker)
    return known.person_key if known else f"{maker_type or 'unknown'}:{maker}"


def clients_in_conflict(reader: MartReader, decider: Person) -> dict[str, str]:
    """The clients on whom this person may not decide, each with the reason in words: themselves, and the clients they introduce."""
    if not decider.clients:
        return {}
    own = sorted(decider.clients)
    below = [row["client_id"] for row in rows(reader, CLIENTS_BELOW, own)]
    return {one: f"you are the partner of client {one}, or stand above that partner" for one in below} | {
        one: f"you are client {one} yourself" for one in own
    }


def partners_in_conflict(reader: MartReader, decider: Person) -> frozenset[str]:
    """The partners that this person is."""
    if not decider.clients:
        return frozenset()
    return frozenset(row["partner_id"] for row in rows(reader, PARTNERS_OF_PERSON, sorted(decider.clients)))


def comparable_name(name: str | None) -> str:
    """The name without accents, case and order of words, as the warehouse compares names; empty when nothing is left.

    >>> comparable_name("Nuñez, Carla") == comparable_name("carla NUNEZ")
    True
    """
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name or "") if not unicodedata.combining(letter)
    ).lower()
    return " ".join(sorted(word for word in re.split(r"[\W_]+", plain) if word))


def _resolve(reader: MartReader) -> dict[str, Person]:
    staff = rows(reader, STAFF)
    clients: dict[str, set[str]] = {one["staff_id"]: set() for one in staff}
    for one in rows(reader, CLIENTS_OF_STAFF):
        clients[one["staff_id"]].add(one["client_id"])
    for one in staff:
        if one["client_id"]:
            clients[one["staff_id"]].add(one["client_id"])
    groups = _joined(staff, clients)
    found = {}
    for one in staff:
        accounts = groups[one["staff_id"]]
        found[one["staff_id"]] = Person(
            **one,
            person_key=min(accounts),
            accounts=accounts,
            clients=frozenset().union(*(clients[account] for account in accounts)),
        )
    return found


def _joined(staff: Iterable[dict[str, Any]], clients: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    """For each account all accounts of the same person: joined by whatever two of them share."""
    members: dict[str, set[str]] = {}
    by_mark: dict[tuple[str, str], str] = {}
    for one in staff:
        account = one["staff_id"]
        members[account] = {account}
        marks = [("email", one["email"]), ("name", comparable_name(one["name"]))]
        marks += [("client", client) for client in clients[account]]
        for mark in marks:
            if not mark[1]:
                continue
            earlier = by_mark.setdefault(mark, account)
            joined = members[earlier] | members[account]
            for member in joined:
                members[member] = joined
    return {account: frozenset(group) for account, group in members.items()}
