"""Which names of clients are like which names of the lists: transliterated, sorted words as a whole, then word by word."""

import numpy as np
from rapidfuzz.distance import Indel, JaroWinkler
from rapidfuzz.process import cdist

NEAR = 0.7
"""Whole names less alike than this (Jaro-Winkler) are not looked at word by word."""
LEAST = 0.8
"""Pairs less alike are not kept; the threshold of the scenario, which may only be higher, is data."""
MISSING = 0.6
"""What a letter of a word counts that the other name has not: a middle name left out weighs less than one that differs."""
BLOCK = 2_000
"""Names compared at a time: a block against forty thousand listed names takes 320 MB."""


def likeness(name, other):
    """From 0 to 1: each word with the one it is most like (the longest first, none twice), weighed by letters, against what is left over.

    >>> round(likeness("morozov viktor", "morosow victor"), 2) >= 0.85, likeness("ali hassan", "hassan sahar") < 0.85
    (True, True)
    """
    if name == other:
        return 1.0
    ours, theirs = sorted(name.split(), key=len, reverse=True), other.split()
    alike, weighed = 0.0, 0.0
    for word in ours:
        if not theirs:
            weighed += MISSING * len(word)
            continue
        like, best = max((_words_alike(word, one), one) for one in theirs)
        theirs.remove(best)
        letters = max(len(word), len(best))
        alike += like * letters
        weighed += letters
    weighed += MISSING * sum(len(word) for word in theirs)
    return alike / weighed


def _words_alike(word, other):
    # the kind start of Jaro-Winkler forgives endings; what is short must agree letter by letter
    return (JaroWinkler.similarity(word, other) + Indel.normalized_similarity(word, other)) / 2


def matches(names, listed):
    """(name, listed name, likeness from 0 to 1) of every pair that is alike enough, in the order of the names."""
    found = []
    for start in range(0, len(names) if listed else 0, BLOCK):
        block = names[start : start + BLOCK]
        scores = cdist(block, listed, scorer=JaroWinkler.normalized_similarity, score_cutoff=NEAR, dtype=np.float32, workers=2)
        near = [(block[row], listed[column]) for row, column in zip(*np.nonzero(scores), strict=True)]
        found += [(name, one, round(score, 4)) for name, one in near if (score := likeness(name, one)) >= LEAST]
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
