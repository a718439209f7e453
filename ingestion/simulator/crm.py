"""What the CRM does to its own objects: leads typed in twice and merged, leads thrown away, fields that take another value."""

import numpy as np
import polars as pl

from ingestion.simulator.people import People
from ingestion.simulator.world import DAY, HOUR, SECOND, World, numbered, pick, reference

SYSTEM = "crm"
FOLLOWED = ("address", "category")
"""Fields of a client whose changes the CRM keeps a history of."""
MERGED, DELETED = 0.02, 0.05


def events(world: World, people: People, clients: pl.DataFrame) -> pl.DataFrame:
    """The crm_events feed. Merged and deleted are leads that never became clients (`XL…`, see `people.leads`)."""
    rng = world.rng("crm")
    n = len(people.number)
    fate = rng.random(n)
    later = people.registered + (20 * DAY + rng.random(n) * 30 * DAY).astype(np.int64) // SECOND * SECOND
    agent = pick([*reference("people")["agents"]], rng.integers(0, 3, n))
    own = numbered("L", people.number)
    lead = pl.DataFrame({
        "system": pick((SYSTEM,), np.zeros(n, dtype=np.int64)), "object_id": "X" + own, "other_id": own, "actor_id": agent,
        "occurred_at": pl.Series(values=later + 9 * HOUR).cast(pl.Datetime("us")), "fate": fate,
    })  # fmt: skip
    nothing = pl.lit(None, pl.String)
    gone = lead.filter(pl.col("fate") < MERGED + DELETED).with_columns(
        event=pl.when(pl.col("fate") < MERGED).then(pl.lit("merged")).otherwise(pl.lit("deleted")),
        other_id=pl.when(pl.col("fate") < MERGED).then("other_id"),
        object_type=pl.lit("lead"), name=nothing, value=nothing,
    ).with_columns(event_id=pl.concat_str("object_type", "object_id", "event", separator=":"))  # fmt: skip
    parts = [gone, *(_changes(clients, name) for name in FOLLOWED)]
    columns = (
        "system",
        "event_id",
        "object_type",
        "object_id",
        "event",
        "other_id",
        "name",
        "value",
        "actor_id",
        "occurred_at",
    )
    return pl.concat([part.select(columns) for part in parts]).sort("occurred_at", "event_id")


def _changes(clients: pl.DataFrame, name: str) -> pl.DataFrame:
    """Each value that the field took after the client's first."""
    ordered = clients.sort("client_id", "changed_at")
    other = pl.col(name) != pl.col(name).shift().over("client_id")
    return ordered.filter(other).select(
        system=pl.lit(SYSTEM), object_type=pl.lit("client"), object_id="client_id", event=pl.lit("updated"),
        other_id=pl.lit(None, pl.String), name=pl.lit(name), value=name, actor_id=pl.lit(None, pl.String), occurred_at="changed_at",
        event_id=pl.concat_str(
            pl.lit("client"), "client_id", pl.lit(name), pl.col("changed_at").dt.epoch("us").cast(pl.String), separator=":"
        ),
    )  # fmt: skip
