"""Which names of clients are like which names of the lists: Jaro-Winkler over transliterated, sorted words."""

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

LEAST = 0.8
"""Pairs less alike are not kept; the threshold of the scenario, which may only be higher, is data."""
BLOCK = 2_000
"""Names compared at a time: a block against forty thousand listed names takes 320 MB."""


def matches(names, listed):
    """(name, listed name, likeness from 0 to 1) of every pair that is alike enough, in the order of the names."""
    found = []
    for start in range(0, len(names) if listed else 0, BLOCK):
        block = names[start : start + BLOCK]
        scores = cdist(block, listed, scorer=JaroWinkler.normalized_similarity, score_cutoff=LEAST, dtype=np.float32, workers=2)
        rows, columns = np.nonzero(scores)
        found += [(block[row], listed[column], round(float(scores[row, column]), 4)) for row, column in zip(rows, columns, strict=True)]
    return found


def model(dbt, session):
    """One row per pair that is alike, and one per name that was compared (its other side null). An increment compares new names alone: new ones of
    clients with all listed, new listed ones with all others of clients."""
    dbt.config(materialized="incremental", incremental_strategy="append")
    import pyarrow as pa

    sides = {"client": set(), "list": set()}
    for side, key in dbt.ref("int_screening_names").fetchall():
        sides[side].add(key)
    compared = {"client": set(), "list": set()}
    if dbt.is_incremental:
        known = session.sql(f"select name_key, list_key from {dbt.this} where name_key is null or list_key is null")
        for name_key, list_key in known.fetchall():
            compared["client" if list_key is None else "list"].add(name_key or list_key)
    new_names, new_listed = sides["client"] - compared["client"], sides["list"] - compared["list"]
    rows = matches(sorted(new_names), sorted(sides["list"]))
    rows += matches(sorted(sides["client"] & compared["client"]), sorted(new_listed))
    rows += [(name, None, None) for name in sorted(new_names)] + [(None, name, None) for name in sorted(new_listed)]
    names, listed, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table({
        "name_key": pa.array(names, pa.string()), "list_key": pa.array(listed, pa.string()), "score": pa.array(scores, pa.float64()),
    })
