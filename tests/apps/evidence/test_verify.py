"""The stand-alone verifier: its Ed25519 against the library's, and its ZIP against the standard one."""

import io
import random
import zipfile

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.evidence import verify

# RFC 8032, 7.1: public key, message, signature of tests 1, 2 and 3
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_it_takes_the_signatures_of_the_standard(key: str, message: str, signature: str) -> None:
    assert verify.signed(*map(bytes.fromhex, (key, message, signature)))


def agrees(rounds: int, seed: int) -> None:
    """Of each random key and message: the signature is taken, and one with a flipped bit is taken only where the library takes it."""
    chance = random.Random(seed)
    for _ in range(rounds):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        key = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        message = chance.randbytes(chance.randrange(200))
        signature = private.sign(message)
        assert verify.signed(key, message, signature)
        parts = [bytearray(key), bytearray(message or b"\0"), bytearray(signature)]
        part = chance.choice(parts)
        part[chance.randrange(len(part))] ^= 1 << chance.randrange(8)
        changed = [bytes(one) for one in parts]
        assert verify.signed(*changed) == library_takes(*changed)


def library_takes(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def test_it_judges_as_the_library_does_with_random_keys_messages_and_changes() -> None:
    agrees(25, seed=8032)


@pytest.mark.soak
def test_it_judges_as_the_library_does_over_thousands() -> None:
    agrees(4_000, seed=2532)


def test_a_signature_whose_scalar_is_too_large_is_refused() -> None:
    key, message, signature = (bytes.fromhex(part) for part in VECTORS[1])
    larger = int.from_bytes(signature[32:], "little") + verify.L
    assert not verify.signed(key, message, signature[:32] + larger.to_bytes(32, "little"))


def test_any_reader_of_zip_files_reads_what_it_packs() -> None:
    members = [("a.txt", b"hello"), ("tables/events.csv", b""), ("Ünïcode.json", b"{}" * 900)]
    with zipfile.ZipFile(io.BytesIO(verify.packed(members))) as archive:
        assert archive.testzip() is None
        assert [(name, archive.read(name)) for name in archive.namelist()] == members


def test_no_bit_of_a_zip_can_be_changed_unseen() -> None:
    whole = verify.packed([("a.txt", b"hello"), ("b/c.bin", bytes(range(40)))])
    for place in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            with pytest.raises(verify.Broken):
                verify.unpacked(bytes(changed))


@pytest.mark.parametrize("cut", [0, 10, 31, 60])
def test_a_cut_file_is_refused_in_words(cut: int) -> None:
    whole = verify.packed([("a.txt", b"hello")])
    with pytest.raises(verify.Broken, match="byte"):
        verify.unpacked(whole[:cut])
