"""Positions: who opens what, when, how large and for how long; and the deals each position is made of."""

from dataclasses import dataclass, fields

import numpy as np

from ingestion.simulator.accounts import COMMISSION_USD, SPREAD_FACTOR, Accounts, weekdays
from ingestion.simulator.market import Market, after_weekend
from ingestion.simulator.world import DAY, HOUR, MINOR_STEP, SECOND, Floats, Ints, World

SIMPLE, PARTIAL, REVERSED, CLOSED_BY = range(4)
ENTRIES = ("in", "out", "inout", "out_by")
IN, OUT, INOUT, OUT_BY = range(4)
REASONS = ("client", "expert", "dealer", "stop_out")
EXTRA_LEGS = 0.1
"""Deals beyond two per position, on average: partial closes, reversals, closings by another position."""


@dataclass(frozen=True)
class Positions:
    """One element per position idea; `account` indexes Accounts, lots are hundredths, times microseconds."""

    account: Ints
    symbol: Ints
    side: Ints
    lots: Ints
    opened: Ints
    middle: Ints
    closed: Ints
    pattern: Ints
    spread: Ints
    reason: Ints

    def take(self, rows: np.ndarray) -> "Positions":
        return Positions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class Legs:
    """One element per deal of those positions; money in hundredths of the account's currency, price in points."""

    position: Ints
    twin: np.ndarray
    """True for the second position of a pair that is closed by each other."""
    at: Ints
    entry: Ints
    side: Ints
    lots: Ints
    price: Ints
    bid: Ints
    ask: Ints
    profit: Ints
    swap: Ints
    commission: Ints


def expected_share(world: World, accounts: Accounts) -> float:
    """The part of all positions up to the horizon that is opened in the days first asked for."""
    before = np.searchsorted(weekdays(world), world.start_us + world.drawn_days * DAY)
    span = accounts.last_day - accounts.first_day + 1
    inside = np.clip(before - accounts.first_day, 0, span)
    return float((accounts.weight * inside / span).sum() / max(accounts.weight.sum(), 1e-9))


def draw_positions(
    world: World, market: Market, accounts: Accounts, rows: Ints, per_weight: float, part: int
) -> Positions:
    """Positions of the accounts in `rows`, `per_weight` for each unit of an account's weight."""
    rng = world.rng("positions", part)
    counts = (accounts.weight[rows] * per_weight + rng.random(len(rows))).astype(np.int64)
    account = np.repeat(rows, counts)
    n = len(account)
    days = weekdays(world)
    day = (
        accounts.first_day[account]
        + 1
        + (rng.random(n) * (accounts.last_day[account] - accounts.first_day[account])).astype(np.int64)
    )
    symbol = rng.choice(len(market.names), n, p=market.weight)
    opened = days[np.minimum(day, len(days) - 1)] + _time_of_day(rng, n)
    hold = np.clip(rng.lognormal(np.log(2400), 1.9, n), 4, 20 * 86400)
    ends = opened + (hold * SECOND).astype(np.int64) // 1000 * 1000
    middle = opened + ((ends - opened) * (0.3 + 0.4 * rng.random(n))).astype(np.int64) // 1000 * 1000
    pattern = rng.choice([SIMPLE, PARTIAL, CLOSED_BY], n, p=[0.95, 0.04, 0.01])
    pattern = np.where(accounts.netting[account] & (rng.random(n) < 0.3), REVERSED, pattern)
    exposure = accounts.size_usd[account] * rng.lognormal(np.log(9), 0.6, n)
    price_usd = market.mid(symbol, opened) * market.point[symbol] * market.usd_of_quote(symbol, opened)
    lots = np.clip(np.rint(exposure / (market.contract[symbol] * price_usd) * 100), 1, 5000).astype(np.int64)
    spread = market.spread[symbol] * SPREAD_FACTOR[accounts.kind[account]] * rng.lognormal(0, 0.25, n)
    always = market.always_open[symbol]
    middle = np.where(always, middle, after_weekend(middle))
    return Positions(
        account=account,
        symbol=symbol,
        side=np.where(rng.random(n) < 0.53, 1, -1),
        lots=lots,
        opened=opened,
        middle=middle,
        closed=np.maximum(np.where(always, ends, after_weekend(ends)), middle + SECOND),
        pattern=np.where((pattern == PARTIAL) & (lots < 2), SIMPLE, pattern),
        spread=np.maximum(np.rint(spread), 1).astype(np.int64),
        reason=rng.choice(3, n, p=[0.78, 0.215, 0.005]),
    )


def _time_of_day(rng: np.random.Generator, n: int) -> Ints:
    """London mornings, the New York overlap, a thin night; Friday's close is never passed."""
    session = rng.choice(3, n, p=[0.5, 0.38, 0.12])
    hour = np.where(
        session == 0, rng.normal(9.8, 2.0, n), np.where(session == 1, rng.normal(14.6, 1.8, n), rng.random(n) * 20.8)
    )
    hour = np.where((hour < 0.1) | (hour > 20.8), 0.2 + rng.random(n) * 20.5, hour)
    return (hour * HOUR).astype(np.int64) // 1000 * 1000


def deals_of(market: Market, accounts: Accounts, positions: Positions) -> Legs:
    """The deals that make up the positions, priced at bid or ask, with profit exact to the account's minor unit."""
    p = positions
    every = np.arange(len(p))
    of = {pattern: np.flatnonzero(p.pattern == pattern) for pattern in (PARTIAL, REVERSED, CLOSED_BY)}
    half = np.maximum(p.lots // 2, 1)
    plain = np.flatnonzero(p.pattern != CLOSED_BY)
    reverse = p.pattern == REVERSED
    rest = np.where(p.pattern == PARTIAL, p.lots - half, p.lots)
    part, flip, pair = of[PARTIAL], of[REVERSED], of[CLOSED_BY]
    # rows: position, twin, time, entry, side, lots, lots closed, time of the opening that is closed
    blocks = [
        (every, 0, p.opened, IN, p.side, p.lots, 0 * p.lots, p.opened),
        (plain, 0, p.closed[plain], OUT, np.where(reverse, p.side, -p.side)[plain], rest[plain], rest[plain],
         np.where(reverse, p.middle, p.opened)[plain]),
        (part, 0, p.middle[part], OUT, -p.side[part], half[part], half[part], p.opened[part]),
        (flip, 0, p.middle[flip], INOUT, -p.side[flip], 2 * p.lots[flip], p.lots[flip], p.opened[flip]),
        (pair, 1, p.middle[pair], IN, -p.side[pair], p.lots[pair], 0 * pair, p.middle[pair]),
        (pair, 0, p.closed[pair], OUT_BY, -p.side[pair], p.lots[pair], p.lots[pair], p.opened[pair]),
        (pair, 1, p.closed[pair], OUT_BY, p.side[pair], p.lots[pair], 0 * pair, p.middle[pair]),
    ]  # fmt: skip
    joined = [
        np.concatenate([np.broadcast_to(np.asarray(block[column]), len(block[0])) for block in blocks]).astype(np.int64)
        for column in range(8)
    ]
    return _priced(market, accounts, positions, *joined)


def _priced(
    market: Market, accounts: Accounts, p: Positions, position: Ints, twin: Ints, at: Ints, entry: Ints, side: Ints,
    lots: Ints, closing: Ints, opened: Ints,
) -> Legs:  # fmt: skip
    symbol, spread = p.symbol[position], p.spread[position]
    account = p.account[position]
    bid = market.mid(symbol, at) - spread // 2
    ask = bid + spread
    price = np.where(side > 0, ask, bid)
    by = entry == OUT_BY
    other = np.where(twin == 1, p.opened[position], p.middle[position])
    pair_mid = market.mid(symbol, np.where(by, other, at)) - spread // 2
    price = np.where(by, np.where(side > 0, pair_mid + spread, pair_mid), price)
    open_bid = market.mid(symbol, opened) - spread // 2
    opening = np.where(side < 0, open_bid + spread, open_bid)  # a sale closes what was bought at the ask
    to_account = market.usd_of_quote(symbol, at) / market.usd_of_account(accounts.currency[account], at)
    worth = closing / 100 * market.contract[symbol] * market.point[symbol] * to_account
    step = MINOR_STEP[accounts.currency[account]]
    usd = market.usd_of_account(accounts.currency[account], at)
    per_lot = COMMISSION_USD[accounts.kind[account]]
    nights = np.where(closing > 0, at // DAY - opened // DAY, 0)
    swap_free = accounts.kind[account] == 3
    swap = np.where(swap_free, 0, market.swap[symbol, (side > 0).astype(int)] * nights) * worth
    return Legs(
        position=position, twin=twin.astype(bool), at=at, entry=entry, side=side, lots=lots, price=price, bid=bid, ask=ask,
        profit=_minor((price - opening) * -side * worth, step),
        swap=_minor(swap, step),
        commission=-_minor(np.where(by, 0, per_lot * lots / 100) / usd, step),
    )  # fmt: skip


def _minor(amount: Floats, step: Ints) -> Ints:
    """Hundredths, rounded to the currency's own smallest unit."""
    return (np.rint(amount * 100 / step) * step).astype(np.int64)


def holdings(p: Positions) -> tuple[Ints, ...]:
    """Intervals in which volume stands open: position, twin, side, lots, opening time, from, to."""
    every = np.arange(len(p))
    split = np.isin(p.pattern, (PARTIAL, REVERSED))
    later = np.flatnonzero(split)
    pair = np.flatnonzero(p.pattern == CLOSED_BY)
    reverse = p.pattern == REVERSED
    half = np.maximum(p.lots // 2, 1)
    blocks = [
        (every, 0 * every, p.side, p.lots, p.opened, p.opened, np.where(split, p.middle, p.closed)),
        (later, 0 * later, np.where(reverse, -p.side, p.side)[later], np.where(reverse, p.lots, p.lots - half)[later],
         np.where(reverse, p.middle, p.opened)[later], p.middle[later], p.closed[later]),
        (pair, 0 * pair + 1, -p.side[pair], p.lots[pair], p.middle[pair], p.middle[pair], p.closed[pair]),
    ]  # fmt: skip
    return tuple(np.concatenate([block[column] for block in blocks]) for column in range(7))
