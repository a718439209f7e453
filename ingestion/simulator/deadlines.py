"""What is due on a day: business days of each entity, and rolling reserves that a PSP keeps past their maturity."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from ingestion.simulator.stage import Stage
from ingestion.simulator.world import CURRENCIES, DAY, ENTITIES, moment, reference
from warehouse.settings import PROJECT

HOLIDAYS = PROJECT / "dbt_project" / "seeds" / "finance" / "bank_holidays.csv"
"""Days on which the simulated firm moves money all the same: nothing is due there, so nothing can be late."""
SETTLEMENT_DAYS = 5
"""Business days within which the PSP of cards of the first two entities settles."""
RELEASE_DAYS = 5
"""Business days after its maturity within which a reserve is released."""
KEEPER = "checkout"
"""The PSP that keeps reserves; the first two entities use it for nothing else."""
POOLS = [(entity, CURRENCIES.index(name)) for entity in (0, 1) for name in ("EUR", "USD", "GBP")]
"""Entity and currency of what it keeps."""


@cache
def holidays() -> pl.DataFrame:
    """entity and booked (a date) of the bank holidays in the seed."""
    seed = pl.read_csv(HOLIDAYS, schema_overrides={"holiday": pl.Date})
    return seed.filter(pl.col("entity").is_in(ENTITIES)).rename({"holiday": "booked"})


def business_days_on(entity: str, day: date, count: int) -> date:
    """The day so many business days later, or earlier; from a day off it is counted from the business day before."""
    off = holidays().filter(pl.col("entity") == entity)["booked"].to_numpy()
    return date.fromisoformat(str(np.busday_offset(np.datetime64(day), count, roll="backward", holidays=off)))


def may_wait_since(entity: str, known_on: date) -> date:
    """The first day whose deposits, not settled yet, are not late on `known_on`."""
    return business_days_on(entity, known_on, -SETTLEMENT_DAYS)


def lots(entity: str, end: int) -> tuple[list[date], list[date]]:
    """Days on which the keeper settles: whose reserves are overdue by that midnight, and whose are mature and not overdue yet; the nearest first.

    Both are mature by the last day before it on which anything is settled.
    """
    days = [moment(end - number * DAY).date() for number in range(1, 120)]
    settling = [day for day in days if day.weekday() < 5]
    mature = [day for day in settling if matures(day) <= settling[0]]
    overdue = [day for day in mature if is_overdue(entity, day, moment(end).date())]
    waiting = [day for day in mature if day not in overdue]
    return overdue, waiting[::-1]


def matures(held_on: date) -> date:
    """When what the keeper held back on a day is to be released."""
    return held_on + timedelta(days=reference("psps")[KEEPER]["reserve_days"])


def is_overdue(entity: str, held_on: date, known_on: date) -> bool:
    """Whether what was held back on a day is missed by another."""
    return business_days_on(entity, matures(held_on), RELEASE_DAYS + 1) <= known_on


def keep_reserves(stage: Stage, count: int, end: int) -> None:
    """Deposits of whose reserves nothing is ever released: `count` overdue, as many mature and not overdue yet, and a later one in each pool.

    Each of a pool is settled on a day of its own and so a lot of its own; a broker younger than a reserve has none.
    """
    lag = reference("psps")[KEEPER]["lag"]
    for number in range(count):
        entity, currency = POOLS[number % len(POOLS)]
        last = moment(end - DAY).date()
        last -= timedelta(days=max(last.weekday() - 4, 0))
        overdue, waiting = lots(ENTITIES[entity], end)
        place = number // len(POOLS)
        settled_on = [*overdue[place : place + 1], *waiting[place : place + 1], *([] if place else [last])]
        for turn, day in enumerate(settled_on):
            at = (day - stage.world.start).days - lag
            if at > 5:
                stage.deposit(
                    stage.cast(ENTITIES[entity]), at, 400 + 3 * number + turn, hour=10, psp=KEEPER, currency=currency
                )


def kept(settlements: pl.DataFrame) -> pl.DataFrame:
    """The settlements of the pools of which nothing is released."""
    mine = pl.struct("entity", "currency").is_in([{"entity": entity, "currency": code} for entity, code in POOLS])
    return settlements.filter((pl.col("psp") == KEEPER) & mine)


def mature_lots(settlements: pl.DataFrame, at: int) -> Iterator[tuple[str, int, bool]]:
    """Of each lot kept past its maturity by a midnight, while a later batch was settled: its event, how much, and whether it is overdue."""
    known = kept(settlements).filter(pl.col("due") < at)
    newest = known.group_by("entity", "currency").agg(pl.col("due").max().alias("newest"))
    for row in known.join(newest, on=["entity", "currency"]).sort("batch").iter_rows(named=True):
        held_on = moment(row["due"]).date()
        if row["held"] and matures(held_on) <= moment(row["newest"]).date():
            overdue = is_overdue(ENTITIES[row["entity"]], held_on, moment(at).date())
            yield f"{KEEPER}:Rhold-{row['batch']}", row["held"], overdue
