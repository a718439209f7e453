"""Trading accounts: which client holds which login, in which currency, and how busy it is."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.simulator.people import People
from ingestion.simulator.world import (
    CURRENCIES,
    DAY,
    ENTITIES,
    HOUR,
    MINUTE,
    SECOND,
    Floats,
    Ints,
    World,
    pick,
    times,
)

PLATFORMS = ("mt5", "mt4")
TYPES = ("standard", "raw", "pro", "islamic")
COMMISSION_USD = np.array([0.0, 3.5, 2.5, 0.0])
"""Per lot and side."""
SPREAD_FACTOR = np.array([1.0, 0.35, 0.6, 1.15])
LEVERAGES = np.array([30, 100, 200, 500])


@dataclass(frozen=True)
class Accounts:
    """One element per trading account; `client` indexes People. Busy from one weekday to another (indices)."""

    login: Ints
    client: Ints
    entity: Ints
    currency: Ints
    kind: Ints
    platform: Ints
    leverage: Ints
    book_a: np.ndarray
    netting: np.ndarray
    demo: np.ndarray
    opened: Ints
    first_day: Ints
    last_day: Ints
    weight: Floats
    size_usd: Floats
    doomed: np.ndarray
    """Will be stopped out: it is funded with less than it is going to lose."""


def weekdays(world: World) -> Ints:
    """Midnights of all Mondays to Fridays from the start up to the horizon."""
    days = np.arange(world.start_us, world.horizon_us, DAY, dtype=np.int64)
    return days[((days // DAY) + 3) % 7 < 5]


def build_accounts(world: World, people: People) -> Accounts:
    """One account for each client with money, a second for some, a demo for a few; planted clients hold one, idle."""
    rng = world.rng("accounts")
    order = np.arange(len(people.number))
    planted = order >= people.regular
    holders = order[people.trades | planted]
    second = holders[(rng.random(len(holders)) < 0.16) & ~planted[holders]]
    demo = order[(rng.random(len(order)) < 0.03) & ~planted & (people.approved > 0)]
    client = np.concatenate([holders, second, demo])
    n = len(client)
    is_demo = np.arange(n) >= len(holders) + len(second)
    is_second = (np.arange(n) >= len(holders)) & ~is_demo
    days = weekdays(world)
    base = np.where(people.funded[client] > 0, people.funded[client], people.approved[client])
    first = np.searchsorted(days, base, side="right")
    lasting = np.maximum((rng.beta(1.1, 0.9, n) * (len(days) - first)).astype(np.int64), 3)
    idle = planted[client] | (first >= len(days) - 1)
    home = people.currency[client]
    entity = people.entity[client]
    first = np.minimum(first, len(days) - 1)
    last = np.minimum(first + lasting, len(days) - 1)
    return Accounts(
        login=5_000_001 + np.arange(n, dtype=np.int64),
        client=client,
        entity=entity,
        currency=np.where(is_second | is_demo, np.where(home == 0, rng.choice([1, 3], n), 0), home),
        kind=rng.choice(len(TYPES), n, p=[0.52, 0.3, 0.12, 0.06]),
        platform=(entity == 3) & (rng.random(n) < 0.5),
        leverage=LEVERAGES[
            np.where(entity == 3, rng.choice([1, 2, 3], n), np.where(people.category[client] > 0, 1, 0))
        ],
        book_a=rng.random(n) < 0.35,
        netting=rng.random(n) < 0.06,
        demo=is_demo,
        opened=(base + np.where(is_second, 12 * MINUTE, 10 * MINUTE)) // SECOND * SECOND,
        first_day=first,
        last_day=last,
        weight=np.where(idle, 0.0, rng.lognormal(0, 1.0, n) * np.where(is_demo, 0.3, 1) * np.sqrt(last - first + 1)),
        size_usd=people.size_usd[client] * np.where(is_second, 0.5, 1.0),
        doomed=(rng.random(n) < 0.05) & ~is_demo & (people.category[client] == 0),
    )


def trading_accounts(world: World, people: People, accounts: Accounts) -> pl.DataFrame:
    """The trading_accounts feed: opening, then a change of leverage or a closing for some."""
    rng = world.rng("trading_accounts")
    n = len(accounts.login)
    zero = np.zeros(n, dtype=np.int64)
    frame = pl.DataFrame({
        "platform": pick(PLATFORMS, accounts.platform.astype(int)), "login": accounts.login,
        "changed_at": times(accounts.opened), "client_id": people.ids.gather(accounts.client),
        "account_group": pick([f"{name}\\live" for name in ENTITIES], accounts.entity),
        "account_type": pick(TYPES, accounts.kind), "currency": pick(CURRENCIES, accounts.currency),
        "leverage": accounts.leverage, "book": pick(("B", "A"), accounts.book_a.astype(int)),
        "entity": pick(ENTITIES, accounts.entity), "status": pick(("open",), zero),
        "is_demo": pl.Series(values=accounts.demo), "opened_at": times(accounts.opened),
    })  # fmt: skip
    regular = (accounts.client < people.regular) & ~accounts.demo
    later = accounts.opened + (rng.random(n) * 60 * DAY).astype(np.int64) + 2 * HOUR
    days = weekdays(world)
    after_all = days[np.minimum(accounts.last_day + 30, len(days) - 1)] + 12 * HOUR
    lower = frame.with_columns(changed_at=times(later), leverage=np.maximum(accounts.leverage // 2, 20))
    closed = frame.with_columns(changed_at=times(np.maximum(after_all, later + DAY)), status=pl.lit("read_only"))
    return pl.concat([
        frame, lower.filter(pl.Series(regular & (rng.random(n) < 0.06))),
        closed.filter(pl.Series(regular & (rng.random(n) < 0.03) & (accounts.last_day + 30 < len(days)))),
    ]).sort("changed_at", "login")  # fmt: skip
