"""Damaged copies of a file, the same ones for the same seed."""

import random
from collections.abc import Iterator

MUTANTS = 200


def mutants(original: bytes, seed: int, count: int = MUTANTS) -> Iterator[bytes]:
    """The file cut off, filled with garbage, in other encodings, with huge and odd numbers, its parts doubled or lost."""
    rng = random.Random(seed)
    odd = [
        b"9" * 400,
        b"1e999",
        b"-1E-999",
        b"NaN",
        b"Infinity",
        b"\x00",
        b"\xff\xfe",
        b'"',
        b"<",
        b"{",
        b"&x;",
        b"\r",
        b"-",
    ]
    odd += ["\u0661\u0662".encode(), "\u00a0".encode(), b"9999-99-99", b"0000-00-00", b"true", b"null", b"[]", b",,,,"]
    for number in range(count):
        kind, data = number % 8, bytearray(original)
        at = rng.randrange(len(data))
        if kind == 0:
            yield bytes(data[:at])
        elif kind == 1:
            for _ in range(rng.randrange(1, 20)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            yield bytes(data)
        elif kind == 2:
            data[at : at + rng.randrange(6)] = rng.choice(odd)
            yield bytes(data)
        elif kind == 3:
            digits = [place for place, byte in enumerate(data) if 48 <= byte <= 57] or [0]
            for _ in range(3):
                place = rng.choice(digits)
                data[place : place + 1] = rng.choice(odd)
            yield bytes(data)
        elif kind == 4:
            end = min(len(data), at + rng.randrange(400))
            del data[at:end]
            yield bytes(data) or b" "
        elif kind == 5:
            end = min(len(data), at + rng.randrange(2000))
            yield bytes(data[:end] + data[at:])
        elif kind == 6:
            text = original.decode("latin-1")
            yield text.encode(rng.choice(["utf-16", "utf-8", "utf-32"]))
        else:
            yield bytes(rng.randrange(256) for _ in range(rng.randrange(1, 3000)))
