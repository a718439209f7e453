"""Damaged files: never a crash, never a lost row, always a reason. Seeded; the full count runs in `make soak`."""

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.ingestion.landing import Landing, as_csv, as_jsonl, deal, payment

INJECTIONS = [
    "'; drop table raw.deals; --",
    '"); delete from raw.loads; --',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "${jndi:ldap://x}",
    "../../archive/x",
    "<script>alert(1)</script>",
    "{{ ref('deals') }}",
    "\u202e\u0000\ufeff",
    "a\r\nb,c",
    "🜁" * 50,
]
NUMBERS = [
    "9" * 500,
    "-" + "9" * 39,
    "1e400",
    "1e-400",
    "NaN",
    "-Infinity",
    "0x1F",
    "١٢٣",
    "1,5",
    "--1",
    "",
    "9223372036854775808",
    "1e7",
]


def rows(rng: random.Random) -> tuple[str, list[dict]]:
    """A feed and some good rows of it."""
    if rng.random() < 0.5:
        return "deals", [
            deal(deal_id=str(n), profit=f"{rng.randint(-999, 999)}.{n:02}", comment=f"row {n}") for n in range(1, 21)
        ]
    return "psp_transactions", [
        payment(event_id=f"e{n}", amount=f"{n}.50", instrument_id=f"tok_{n}") for n in range(1, 21)
    ]


def wrong_value(rng: random.Random, good: list[dict]) -> list[dict]:
    for _ in range(rng.randint(1, 6)):
        row = rng.choice(good)
        row[rng.choice(list(row))] = rng.choice(INJECTIONS + NUMBERS)
    return good


def swapped_columns(rng: random.Random, good: list[dict]) -> list[dict]:
    one, other = rng.sample(list(good[0]), 2)
    return [row | {one: row[other], other: row[one]} for row in good]


def renamed_column(rng: random.Random, good: list[dict]) -> list[dict]:
    name = rng.choice(list(good[0]))
    return [
        {(rng.choice(INJECTIONS) if key == name else key): value for key, value in row.items()} for row in good[:1]
    ] + good[1:]


def repeated_rows(rng: random.Random, good: list[dict]) -> list[dict]:
    return good + rng.choices(good, k=10)


def cut_off(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def garbled(rng: random.Random, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 12)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def spliced(rng: random.Random, content: bytes) -> bytes:
    start, end = sorted(rng.sample(range(len(content)), 2))
    return rng.choice([content[:start] + content[end:], content[:end] + content[start:], content + content])


def recoded(rng: random.Random, content: bytes) -> bytes:
    text = content.decode("utf-8", "replace").replace("row", "Größe")
    return text.encode(rng.choice(["utf-16", "utf-32", "latin-1", "utf-8-sig", "cp1252"]), "replace")


BY_ROW = [wrong_value, swapped_columns, renamed_column, repeated_rows]
BY_BYTE = [cut_off, garbled, spliced, recoded]


def as_parquet(given: list[dict]) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(given, infer_schema_length=None).write_parquet(out)
    return out.getvalue()


FAMILIES: dict[str, Callable[[list[dict]], bytes]] = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}


def drop_mutants(landing: Landing, family: str, seed: int, count: int) -> dict[str, tuple[bytes, int | None]]:
    """Path → content and, where only rows were changed, how many rows there are to account for."""
    rng = random.Random(seed)
    dropped = {}
    for number in range(count):
        feed, good = rows(rng)
        known: int | None = None
        if rng.random() < 0.5:
            mutated = rng.choice(BY_ROW)(rng, good)
            content, known = FAMILIES[family](mutated), len(mutated)
        else:
            content = rng.choice(BY_BYTE)(rng, FAMILIES[family](good))
        name = f"{feed}/{number:04}.{family}"
        if family != "parquet" and rng.random() < 0.2:
            name, content = f"{name}.gz", gzip.compress(content, mtime=number)
        else:
            content += b"" if family == "parquet" else b"\n" * (number if known else 0)
        landing.put(name, content)
        dropped[name] = (content, known)
    return dropped


def check(landing: Landing, dropped: dict[str, tuple[bytes, int | None]]) -> None:
    outcomes = {outcome.path: outcome for outcome in landing.ingest()}
    assert outcomes.keys() == dropped.keys()
    assert [path for path in landing.settings.landing.rglob("*") if path.is_file()] == []
    for path, (content, known) in dropped.items():
        outcome, digest = outcomes[path], hashlib.sha256(content).hexdigest()
        assert outcome.status in {"loaded", "refused", "duplicate_file"}, outcome
        if outcome.status == "refused":
            assert kept_aside(landing, path, content), path
            assert len(outcome.reason or "") > 20, outcome
            continue
        assert (landing.settings.archive / digest).read_bytes() == content
        if outcome.status == "loaded":
            assert outcome.rows_read == outcome.rows_loaded + outcome.rows_duplicate + outcome.rows_quarantined
            assert known in {None, outcome.rows_read}, (path, outcome)
            stored = landing.one(f"select count(*) from raw.{outcome.feed} where _load_id = {outcome.load_id}")
            in_quarantine = landing.one(f"select count(*) from raw.quarantine where load_id = {outcome.load_id}")
            assert (stored, in_quarantine) == (outcome.rows_loaded, outcome.rows_quarantined)
    assert landing.one("select count(*) from raw.quarantine where len(rules) = 0 or not json_valid(row)") == 0


def kept_aside(landing: Landing, path: str, content: bytes) -> bool:
    folder = (landing.settings.quarantine / path).parent
    sidecars = [json.loads(one.read_text()) for one in folder.glob(f"*{Path(path).name}.reason.json")]
    return any(one.read_bytes() == content for one in folder.glob(f"*{Path(path).name}")) and bool(sidecars)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_damaged_file_never_crashes_the_load_and_never_loses_a_row(landing: Landing, family: str) -> None:
    check(landing, drop_mutants(landing, family, seed=20260301, count=300))


@pytest.mark.soak
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_damaged_files_of_a_family_never_crash_the_load(landing: Landing, family: str) -> None:
    check(landing, drop_mutants(landing, family, seed=7, count=10_000))


def test_a_csv_read_by_another_parser_has_the_same_rows(landing: Landing) -> None:
    text = 'platform,deal_id,login,executed_at,action,comment\r\nmt5,1,7,2026-01-01,balance,"a ""b"", c\r\nd"\r\nmt5,2,7,2026-01-01,balance,\r\n'
    landing.load("deals/a.csv", text.encode())
    expected = [(row["deal_id"], row["comment"] or None) for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert landing.rows("select deal_id::varchar, comment from raw.deals order by deal_id") == expected
