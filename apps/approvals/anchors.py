"""Signed anchors: what the chain's head was, said outside the store, so that a cut or rewritten tail is found.

A day is a file of one JSON line an anchor, `2026-11-22.jsonl`, meant to be shipped elsewhere. Each line is numbered, names the
digest of the line before, and is signed with the home's Ed25519 key; the public key lies beside the files, named by its fingerprint.
Whoever rewrites store, anchors and key together is found only by a fingerprint or a copy that was kept elsewhere.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from apps.approvals.canonical import canonical, moment
from apps.approvals.chain import now
from apps.approvals.store import StoreError, open_store, reading
from apps.approvals.tables import chain_head
from warehouse.settings import Settings
from warehouse.whole_file import whole_file

FIRST = "0" * 64
KEY_FILE = "anchors.ed25519.pem"


@dataclass(frozen=True)
class Anchor:
    """The head of the chain at one moment: event number and hash. `occasion` is publish or day; `previous` the digest of the anchor before."""

    number: int
    seq: int
    hash: str
    at: str
    occasion: str
    previous: str
    fingerprint: str
    publish_id: int | None = None

    @property
    def text(self) -> str:
        """What is signed."""
        return canonical(asdict(self))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Trail:
    """The anchors of a folder that bear a valid signature, in order, and what is wrong with the others in words."""

    anchors: tuple[Anchor, ...]
    faults: tuple[str, ...]
    fingerprints: tuple[str, ...]


def anchor(
    settings: Settings, occasion: str = "day", publish_id: int | None = None, event: tuple[int, str] | None = None
) -> Anchor:
    """Signs the chain's head, or the `event` (number and hash) given, into today's file; gives the newest anchor instead where it says the same."""
    engine = open_store(settings)
    with locked(settings.anchors):
        with reading(engine) as connection:
            seq, sealed = event or connection.execute(sa.select(chain_head.c.seq, chain_head.c.hash)).one()
        at = now()
        last = _last(settings.anchors)
        same = last is not None and (last.seq, last.hash, last.publish_id) == (seq, sealed, publish_id)
        if last is not None and same and last.at[:10] == f"{at:%Y-%m-%d}":
            return last
        key = _private_key(settings)
        fingerprint = _publish_key(settings.anchors, key.public_key())
        made = Anchor(
            number=last.number + 1 if last else 1,
            seq=seq,
            hash=sealed,
            at=moment(at),
            occasion=occasion,
            previous=last.digest if last else FIRST,
            fingerprint=fingerprint,
            publish_id=publish_id,
        )
        line = canonical({"anchor": asdict(made), "signature": key.sign(made.text.encode()).hex()})
        with (settings.anchors / f"{at:%Y-%m-%d}.jsonl").open("ab", buffering=0) as handle:
            handle.write(f"{line}\n".encode())
            os.fsync(handle.fileno())
    return made


def trail(folder: Path, fingerprint: str | None = None) -> Trail:
    """Reads a folder of anchors and checks signatures, numbering and the link of each to the one before.

    With a `fingerprint`, known from elsewhere, only the anchors of that key count; without, those of the keys beside them.
    """
    keys, faults = _public_keys(folder)
    if fingerprint is not None:
        wanted = fingerprint.lower().replace(":", "")
        keys = {name: key for name, key in keys.items() if name == wanted}
        if not keys:
            faults.append(f"{folder} holds no public key with the fingerprint {wanted}")
    found: list[Anchor] = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_bytes().splitlines(), start=1):
            try:
                found.append(_checked(line, keys))
            except (ValueError, TypeError, KeyError, InvalidSignature) as error:
                said = str(error) or "its signature is not valid"
                faults.append(f"{file.name}, line {number} is no anchor of ours: {said}")
    previous: Anchor | None = None
    for one in found:
        follows = previous.digest if previous else FIRST
        expected = previous.number + 1 if previous else 1
        if one.number != expected or one.previous != follows:
            faults.append(
                f"anchor {one.number} of {one.at} does not follow anchor {expected - 1}: anchors were removed or changed"
            )
        previous = one
    return Trail(tuple(found), tuple(faults), tuple(sorted(keys)))


def fingerprint_of(key: Ed25519PublicKey) -> str:
    """SHA-256 (hex) of the raw public key: what an auditor keeps elsewhere."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _checked(line: bytes, keys: dict[str, Ed25519PublicKey]) -> Anchor:
    record = json.loads(line)
    one = Anchor(**record["anchor"])
    if one.fingerprint not in keys:
        raise ValueError(f"signed with the unknown key {one.fingerprint}")
    keys[one.fingerprint].verify(bytes.fromhex(record["signature"]), one.text.encode())
    return one


def _public_keys(folder: Path) -> tuple[dict[str, Ed25519PublicKey], list[str]]:
    keys: dict[str, Ed25519PublicKey] = {}
    faults = []
    for file in sorted(folder.glob("*.pub.pem")):
        try:
            key = load_pem_public_key(file.read_bytes())
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey) or fingerprint_of(key) != file.name.removesuffix(".pub.pem"):
            faults.append(f"{file.name} is not the public key its name says")
        else:
            keys[fingerprint_of(key)] = key
    return keys, faults


def _private_key(settings: Settings) -> Ed25519PrivateKey:
    """The home's signing key, made on first use, readable by its owner only."""
    file = settings.keys / KEY_FILE
    if not file.exists():
        settings.keys.mkdir(parents=True, exist_ok=True)
        settings.keys.chmod(0o700)
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with whole_file(file, synced=True) as part:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as writer:
                writer.write(pem)
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{file} is no Ed25519 key. Put the key of this home back (`daybook restore` brings it).")
    return key


def _publish_key(folder: Path, key: Ed25519PublicKey) -> str:
    fingerprint = fingerprint_of(key)
    file = folder / f"{fingerprint}.pub.pem"
    if not file.exists():
        with whole_file(file) as part:
            part.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return fingerprint


def _last(folder: Path) -> Anchor | None:
    """The newest anchor by its own word; whether it is genuine is `trail`'s to say."""
    for file in sorted(folder.glob("*.jsonl"), reverse=True):
        for line in reversed(file.read_bytes().splitlines()):
            try:
                return Anchor(**json.loads(line)["anchor"])
            except (ValueError, TypeError, KeyError):
                continue
    return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One anchor at a time, across processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
