"""What proves a pack: an event of the hash chain that holds its manifest's SHA-256, and a signed anchor of that very event.

A pack of the same content is sealed once: whoever exports it again gets the same event and the same anchor, so the same bytes.
"""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from apps.approvals.anchors import anchor
from apps.approvals.chain import SYSTEM, Event, append
from apps.approvals.store import StoreError, open_store, reading, writing
from apps.approvals.tables import events
from apps.evidence.verify import canonical
from warehouse.settings import Settings

TYPE, SUBJECT_TYPE = "evidence.sealed", "evidence"
SEALED = (events.c.seq, events.c.prev_hash, events.c.hash, events.c.body)


@dataclass(frozen=True)
class Seal:
    """The proof members of a pack as canonical JSON texts, and the fingerprint that a verifier must be given."""

    event: str
    anchor: str
    key: str
    fingerprint: str


def seal(settings: Settings, subject_id: str, content: dict[str, Any]) -> Seal:
    """Seals `content` (its `manifest_sha256` first) in the chain and anchors it; the seal it already has where there is one."""
    engine = open_store(settings)
    with reading(engine) as connection:
        row = _existing(connection, subject_id, content["manifest_sha256"])
    if row is None:
        with writing(engine) as connection:
            # asked again inside the transaction: two who export at once share one seal
            row = _existing(connection, subject_id, content["manifest_sha256"])
            if row is None:
                made = Event(TYPE, SYSTEM, SUBJECT_TYPE, subject_id, stream="access", after=content)
                (seq,) = append(connection, [made])
                row = dict(connection.execute(sa.select(*SEALED).where(events.c.seq == seq)).one()._mapping)
    line = _anchor_of(settings, row)
    if line is None:
        anchor(settings, occasion="evidence", event=(row["seq"], row["hash"]))
        line = _anchor_of(settings, row)
    if line is None:
        raise StoreError(f"The anchor of event {row['seq']} was not written to {settings.anchors}. Try again.")
    fingerprint = line["anchor"]["fingerprint"]
    return Seal(canonical(row), canonical(line), canonical({"ed25519": _key(settings, fingerprint).hex()}), fingerprint)


def sealed_events(settings: Settings, wanted: dict[int, str]) -> list[dict[str, Any]]:
    """The store's rows of these events (number and hash, as the warehouse has them), in order.

    Raises StoreError where one is not in the store or has another hash: then the chain does not prove what would be handed out.
    """
    with reading(open_store(settings)) as connection:
        rows = connection.execute(sa.select(*SEALED).where(events.c.seq.in_(wanted)).order_by(events.c.seq)).all()
    found = {row.seq: row.hash for row in rows}
    wrong = sorted(seq for seq, sealed in wanted.items() if found.get(seq) != sealed)
    if wrong:
        raise StoreError(
            f"Event {wrong[0]} is not in the chain as the published warehouse has it, so no pack is made. `daybook audit verify` says more."
        )
    return [dict(row._mapping) for row in rows]


def _existing(connection: sa.Connection, subject_id: str, manifest_sha256: str) -> dict[str, Any] | None:
    query = sa.select(*SEALED).where(
        events.c.type == TYPE, events.c.subject_type == SUBJECT_TYPE, events.c.subject_id == subject_id
    )
    for row in connection.execute(query.order_by(events.c.seq)):
        if json.loads(row.body)["after"]["manifest_sha256"] == manifest_sha256:
            return dict(row._mapping)
    return None


def _anchor_of(settings: Settings, row: dict[str, Any]) -> dict[str, Any] | None:
    """The first anchor line that names exactly this event as the head it signed."""
    for file in sorted(settings.anchors.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            try:
                said = json.loads(line)
                if (said["anchor"]["seq"], said["anchor"]["hash"]) == (row["seq"], row["hash"]):
                    return said
            except (ValueError, TypeError, KeyError):
                continue  # `daybook audit verify` tells of a line that is no anchor
    return None


def _key(settings: Settings, fingerprint: str) -> bytes:
    key = load_pem_public_key((settings.anchors / f"{fingerprint}.pub.pem").read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
