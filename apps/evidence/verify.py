"""Verifies an evidence pack with nothing but Python's standard library: python3 -I -S verify.py PACK.zip FINGERPRINT

The fingerprint of the signing key (SHA-256 of the raw public key, hex) must come from elsewhere than the pack: a letter, an earlier pack,
the auditor's file. Exit code 0: every byte is what was sealed. 1: something is not, and the place is named. 2: wrong usage.

What is proven, step by step: the file is laid out as packs are, with nothing between or behind its members; every member has the SHA-256
that manifest.json says; manifest.json has the SHA-256 that the sealing event says; the sealing event has the hash that the anchor says;
the anchor's Ed25519 signature (RFC 8032) is valid under the key in the pack; that key has the fingerprint given. The operational events
in proof/events.jsonl each carry the hash that the sealing event lists.
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Iterable
from typing import Any

Member = tuple[str, bytes]
Point = tuple[int, int, int, int]

MANIFEST, SEAL, ANCHOR, KEY, EVENTS = (
    "manifest.json",
    "proof/seal.json",
    "proof/anchor.json",
    "proof/key.json",
    "proof/events.jsonl",
)
PROOF = (MANIFEST, SEAL, ANCHOR, KEY)
"""Members that the manifest cannot list: itself, and what seals it."""

LOCAL, CENTRAL, END = struct.Struct("<IHHHHHIIIHH"), struct.Struct("<IHHHHHHIIIHHHHHII"), struct.Struct("<IHHHHIIH")
DAY, UTF8, STORED = 0x0021, 0x0800, 0  # 1 January 1980, the first day a ZIP knows; names in UTF-8; not compressed

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


class Broken(Exception):
    """The pack is not what was sealed; says where."""


def packed(members: Iterable[Member]) -> bytes:
    """The bytes of a ZIP of (name, bytes) pairs: stored, all dated alike, so that equal members give equal files and every byte can be foretold."""
    body, directory, count = bytearray(), bytearray(), 0
    for name, data in members:
        label, check, count = name.encode(), zlib.crc32(data), count + 1
        fields = (UTF8, STORED, 0, DAY, check, len(data), len(data), len(label), 0)
        directory += CENTRAL.pack(0x02014B50, 20, 20, *fields, 0, 0, 0, 0, len(body)) + label
        body += LOCAL.pack(0x04034B50, 20, *fields) + label + data
    return bytes(body + directory + END.pack(0x06054B50, 0, 0, count, count, len(directory), len(body), 0))


def unpacked(file: bytes) -> list[Member]:
    """The (name, bytes) pairs of a pack in order. Raises Broken, naming the place, where it is not laid out exactly as `packed` does."""
    members: list[Member] = []
    at = 0
    while file[at : at + 4] == b"PK\x03\x04":
        if len(file) < at + LOCAL.size:
            raise Broken(f"byte {at}, the last header: the file ends within it")
        header = LOCAL.unpack_from(file, at)
        start = at + LOCAL.size + header[9]
        end = start + header[7]
        label = file[at + LOCAL.size : start]
        if end > len(file):
            raise Broken(f"byte {at}: the header of {label!r} reaches beyond the end of the file")
        members.append((label.decode("utf-8", "backslashreplace"), file[start:end]))
        at = end
    expected = packed(members)
    if expected != file:
        shorter = min(len(expected), len(file))
        place = next((n for n in range(shorter) if expected[n] != file[n]), shorter)
        raise Broken(f"byte {place}, {_place(members, place)}: not what the members give")
    if not members:
        raise Broken("byte 0: there is no member")
    return members


def _place(members: list[Member], byte: int) -> str:
    """Which part of the file a byte belongs to."""
    at = 0
    for name, data in members:
        after = at + LOCAL.size + len(name.encode()) + len(data)
        if byte < after:
            return f"{name} (its header or check sum)" if byte < after - len(data) else name
        at = after
    return "the directory at the end of the file"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value that holds text and whole numbers only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read(found: dict[str, bytes], name: str) -> dict[str, Any]:
    """The JSON object of a member, which must be written in the one canonical way."""
    try:
        text = found[name].decode()
        value = json.loads(text)
    except KeyError:
        raise Broken(f"{name}: missing") from None
    except ValueError as error:
        raise Broken(f"{name}: no JSON ({error})") from None
    if not isinstance(value, dict) or canonical(value) != text:
        raise Broken(f"{name}: not written in the canonical way")
    return value


def verify(file: bytes, fingerprint: str) -> dict[str, Any]:
    """What the pack proves, as a dict, once every byte is accounted for. Raises Broken, naming the place, otherwise."""
    members = unpacked(file)
    found = dict(members)
    if len(found) != len(members):
        raise Broken("the directory: a name stands there twice")
    try:
        key = _key(_read(found, KEY), fingerprint)
        anchor = _anchor(_read(found, ANCHOR), key, fingerprint)
        sealed = _sealed(_read(found, SEAL), anchor)
        after = sealed["after"]
        if after["manifest_sha256"] != _sha256(found.get(MANIFEST, b"")):
            raise Broken(f"{MANIFEST}: its SHA-256 is not the one that was sealed")
        manifest = _read(found, MANIFEST)
        _members(found, manifest["files"])
        _events(found[EVENTS], after["events"])
    except (KeyError, TypeError, AttributeError) as error:
        raise Broken(f"{SEAL}, {ANCHOR} or {KEY}: not the fields of a pack ({error!r})") from None
    return {**manifest, "sealed_at": sealed["recorded_at"], "anchored_at": anchor["at"], "event": anchor["seq"]}


def _key(said: dict[str, Any], fingerprint: str) -> bytes:
    key = bytes.fromhex(said["ed25519"])
    if canonical({"ed25519": key.hex()}) != canonical(said) or len(key) != 32:
        raise Broken(f"{KEY}: no Ed25519 public key")
    if _sha256(key) != fingerprint.lower().replace(":", ""):
        raise Broken(f"{KEY}: has the fingerprint {_sha256(key)}, not the one given")
    return key


def _anchor(said: dict[str, Any], key: bytes, fingerprint: str) -> dict[str, Any]:
    anchor, signature = said["anchor"], bytes.fromhex(said["signature"])
    if sorted(said) != ["anchor", "signature"] or signature.hex() != said["signature"]:
        raise Broken(f"{ANCHOR}: not the fields of an anchor")
    if not signed(key, canonical(anchor).encode(), signature):
        raise Broken(f"{ANCHOR}: the signature is not valid")
    if anchor["fingerprint"] != fingerprint.lower().replace(":", ""):
        raise Broken(f"{ANCHOR}: names another key")
    return anchor


def _sealed(said: dict[str, Any], anchor: dict[str, Any]) -> dict[str, Any]:
    """The body of the sealing event, which the anchor's hash seals."""
    if sorted(said) != ["body", "hash", "prev_hash", "seq"]:
        raise Broken(f"{SEAL}: not the fields of an event")
    if _sha256((said["prev_hash"] + said["body"]).encode()) != said["hash"]:
        raise Broken(f"{SEAL}: the event does not have the hash it says")
    body = json.loads(said["body"])
    if (said["seq"], said["hash"]) != (anchor["seq"], anchor["hash"]) or body["seq"] != said["seq"]:
        raise Broken(f"{SEAL}: not the event that was anchored")
    return body


def _members(found: dict[str, bytes], files: dict[str, str]) -> None:
    for name in found:
        if name not in files and name not in PROOF:
            raise Broken(f"{name}: not in the manifest")
    for name, sha256 in files.items():
        if name not in found:
            raise Broken(f"{name}: missing")
        if _sha256(found[name]) != sha256:
            raise Broken(f"{name}: its SHA-256 is not the one in the manifest")


def _events(data: bytes, listed: list[Any]) -> None:
    """Each operational event hashes to what it says, and the list is the one that was sealed."""
    rows = [json.loads(line) for line in data.decode().splitlines()]
    for row in rows:
        if _sha256((row["prev_hash"] + row["body"]).encode()) != row["hash"]:
            raise Broken(f"{EVENTS}: event {row['seq']} does not have the hash it says")
    if [[row["seq"], row["hash"]] for row in rows] != listed:
        raise Broken(f"{EVENTS}: not the events that were sealed")


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64-byte Ed25519 signature of the message is valid under the 32-byte public key (RFC 8032, 5.1.7)."""
    point = _decoded(key)
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or point is None or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    times = int.from_bytes(digest, "little") % L
    x, y, z, t = point
    # R = [S]B - [k]A, compared as it is written down
    return _encoded(_sum(_times(scalar, BASE), _times(times, (-x % P, y, z, -t % P)))) == signature[:32]


def _sum(one: Point, other: Point) -> Point:
    """Two points in extended coordinates (RFC 8032, 5.1.4)."""
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _decoded(key: bytes) -> Point | None:
    """The point of 32 bytes, or None where there is none."""
    y = int.from_bytes(key, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if len(key) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = _decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def main(arguments: list[str]) -> int:
    """Says what the pack proves, or where it is broken; gives the exit code."""
    if len(arguments) != 2:
        print("usage: python3 -I -S verify.py PACK.zip FINGERPRINT", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as handle:
            file = handle.read()
        proven = verify(file, arguments[1])
    except OSError as error:
        print(f"{arguments[0]} cannot be read: {error}", file=sys.stderr)
        return 2
    except Broken as error:
        print(f"BROKEN at {error}")
        return 1
    except ValueError as error:
        print(f"BROKEN at {SEAL}, {ANCHOR} or {KEY}: {error}")
        return 1
    print(f"WHOLE: {proven['subject']} {proven['id']} of publish {proven['publish_id']}, {len(proven['files'])} files.")
    print(f"Sealed as event {proven['event']} on {proven['sealed_at']}, anchored on {proven['anchored_at']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
