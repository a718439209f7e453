"""KYC event streams: each client walks one path of `data/kyc_paths.yml`, stretched in time."""

from typing import Any

import numpy as np
import polars as pl

from ingestion.simulator.people import CATEGORIES, RATINGS, People, stretch, token
from ingestion.simulator.world import DAY, ENTITIES, HOUR, SECOND, Ints, World, numbered, pick, reference, times

TEXTS = (
    "event", "check", "result", "from_status", "to_status", "category", "outcome", "document_type", "document_country",
    "document_fingerprint", "risk_rating", "reason", "actor_type", "actor_id", "second_actor_id",
)  # fmt: skip


def steps_of(path: str) -> list[tuple[float, dict[str, Any]]]:
    """The path's events in order, each with its hours after registration."""
    spec = reference("kyc_paths")
    steps = [
        (base + step.get("after", 0), step)
        for base, block in spec["paths"][path]["steps"]
        for step in spec["blocks"][block]
    ]
    return sorted(steps, key=lambda item: item[0])


def kyc_events(world: World, people: People) -> pl.DataFrame:
    """The kyc_events feed without the planted cases, ordered by time."""
    rng = world.rng("kyc")
    pace = stretch(world, len(people.number))
    expiry_days = rng.integers(200, 3600, len(people.number))
    outcome = rng.choice(3, len(people.number), p=[0.82, 0.13, 0.05])
    parts = []
    for code, path in enumerate(reference("kyc_paths")["paths"]):
        rows = np.flatnonzero(people.path == code)
        for place, (hours, step) in enumerate(steps_of(path)):
            chosen = rows[~np.isin(people.entity[rows], [ENTITIES.index(name) for name in step.get("not_in", [])])]
            if not len(chosen):
                continue
            at = people.registered[chosen] + (hours * HOUR * pace[chosen]).astype(np.int64)
            parts.append(
                _step(people, chosen, step, at // SECOND * SECOND, place, expiry_days[chosen], outcome[chosen])
            )
    frame = pl.concat(parts).sort("occurred_at", "client_id", "place")
    return frame.select(pl.exclude("place"))


def _step(
    people: People, rows: Ints, step: dict[str, Any], at: Ints, place: int, expiry: Ints, outcome: Ints
) -> pl.DataFrame:
    n = len(rows)
    constant = {
        "event": step["event"], "check": step.get("check"), "result": step.get("result"),
        "from_status": step.get("from"), "to_status": step.get("to"), "document_type": step.get("document"),
        "reason": step.get("reason"),
    }  # fmt: skip
    columns: dict[str, Any] = {
        key: pl.Series(values=[value], dtype=pl.String).new_from_index(0, n) for key, value in constant.items()
    }
    absent = pick((), np.full(n, -1))
    actor = step["actor"]
    staff = {"analyst": ("ST-03", "ST-04"), "mlro": ("ST-02",)}
    if actor in staff:
        actor_id = pick(staff[actor], people.number[rows] % len(staff[actor]))
    elif actor == "client":
        actor_id = people.ids.gather(rows)
    else:
        actor_id = pick(("kyc-rules",), np.full(n, 0 if actor == "system" else -1))
    identity = step.get("document") == "passport"
    columns |= {
        "client_id": people.ids.gather(rows),
        "category": pick(CATEGORIES, people.category[rows]) if step.get("category") else absent,
        "outcome": pick(("pass", "fail_warned", "insufficient_warned"), outcome) if step.get("outcome") else absent,
        "document_country": people.country.gather(rows) if step.get("document") else absent,
        "document_fingerprint": "doc-" + token(people.number[rows] * 5 + 1) if identity else absent,
        "risk_rating": _rating(step, people, rows) if step.get("rating") else absent,
        "actor_type": pick(("staff" if actor in staff else actor,), np.zeros(n, dtype=np.int64)),
        "actor_id": actor_id,
        "second_actor_id": pick(("ST-02",), np.full(n, 0 if step.get("second") else -1)),
        "provider": pick(("onfido", "sumsub"), (people.entity[rows] % 2)),
        "occurred_at": times(at),
        "document_issued_on": _on(at - 200 * DAY, identity),
        "document_expires_on": _on(at + expiry * DAY, identity),
        "place": pl.Series(values=np.full(n, place)),
    }
    columns["event_id"] = "K" + numbered("", people.number[rows]) + f"-{place:02d}"
    return pl.DataFrame(columns).select(sorted(columns))


def _rating(step: dict[str, Any], people: People, rows: Ints) -> pl.Series:
    return (
        pick(("high",), np.zeros(len(rows), dtype=np.int64))
        if step["rating"] == "high"
        else pick(RATINGS, people.rating[rows])
    )


def _on(at: Ints, present: bool) -> pl.Series:
    days = pl.Series(values=(at // DAY).astype(np.int32)).cast(pl.Date)
    return days if present else pl.Series(values=[None], dtype=pl.Date).new_from_index(0, len(days))


def as_feed(frame: pl.DataFrame) -> pl.DataFrame:
    """The same in the feed's columns: reason codes become a list, rules name their version."""
    return frame.with_columns(
        reason_codes=pl.when(pl.col("reason").is_not_null()).then(pl.concat_list("reason")),
        rule_version=pl.when(pl.col("actor_type") == "system").then(pl.lit("kyc-rules-7")),
    ).select(
        "provider", "event_id", "client_id", "event", "check", "result", "from_status", "to_status", "category",
        "outcome", "document_issued_on", "document_type", "document_country", "document_fingerprint",
        "document_expires_on", "risk_rating", "reason_codes", "actor_type", "actor_id", "second_actor_id",
        "rule_version", "occurred_at",
    )  # fmt: skip
