"""How much money each account needs, gets, and can spare: transfers between wallet and platform.

Trading is drawn first and the money follows it, so that no account is below zero unless that is its story.
"""

from dataclasses import dataclass

import numpy as np

from ingestion.simulator.accounts import Accounts, weekdays
from ingestion.simulator.market import Market
from ingestion.simulator.people import People
from ingestion.simulator.positions import Legs, Positions
from ingestion.simulator.world import DAY, HOUR, MINOR_STEP, MINUTE, SECOND, Ints, World, round_up

FIRST, TOP_UP, OUT, DEMO, EXTRA, PLANTED = range(6)
ACTIONS = (
    "buy", "sell", "balance", "credit", "charge", "correction", "bonus", "interest", "dividend", "tax", "so_compensation",
)  # fmt: skip
BALANCE = ACTIONS.index("balance")
SO_COMPENSATION = ACTIONS.index("so_compensation")
EXTRAS = {"credit": (20_000, 0.012), "charge": (-500, 0.03), "correction": (1_500, 0.006), "bonus": (5_000, 0.008),
          "interest": (300, 0.02), "dividend": (400, 0.006), "tax": (-200, 0.004)}  # fmt: skip
"""Hundredths of the account's currency, and how many accounts see it. None takes more than the cushion covers."""
CUSHION = 3_000
APART = 10**13
"""More hundredths than any account ever holds; times the accounts of a chunk it still fits 64 bits."""


@dataclass(frozen=True)
class Moves:
    """One element per deal that is no trade; `amount` in hundredths, signed as the account's balance moves."""

    account: Ints
    at: Ints
    amount: Ints
    action: Ints
    story: Ints

    @staticmethod
    def join(parts: list["Moves"]) -> "Moves":
        return Moves(*(np.concatenate([getattr(part, name) for part in parts]) for name in Moves.__dataclass_fields__))

    @staticmethod
    def of(account: Ints, at: Ints, amount: Ints, action: int, story: int) -> "Moves":
        n = len(account)
        return Moves(account, at.astype(np.int64), amount.astype(np.int64), np.full(n, action), np.full(n, story))


def running_total(account: Ints, at: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """The order by account and time, and each row's total of its account so far, in that order."""
    order = np.lexsort((at, account))
    total = np.cumsum(amount[order])
    first = np.flatnonzero(np.diff(account[order], prepend=-1))
    before = np.where(first > 0, total[first - 1], 0)
    return order, total - np.repeat(before, np.diff(np.append(first, len(order))))


def stop_outs(accounts: Accounts, positions: Positions, legs: Legs) -> tuple[np.ndarray, Ints]:
    """Which positions still happen, and per account the moment of its stop-out (or a moment beyond all).

    A doomed account is stopped where it has lost most; whatever would have ended later never took place.
    """
    account = positions.account[legs.position]
    order, total = running_total(account, legs.at, legs.profit + legs.swap + legs.commission)
    stop = np.full(len(accounts.login), np.iinfo(np.int64).max)
    closing = legs.entry[order] != 0
    for one in np.unique(account[accounts.doomed[account]]):
        low, high = np.searchsorted(account[order], [one, one + 1])
        totals = np.where(closing[low:high], total[low:high], 0)
        worst = int(totals.argmin())
        if totals[worst] < -5_000:
            stop[one] = legs.at[order[low + worst]]
    ends = positions.closed
    return ends <= stop[positions.account], stop


def plan_moves(
    world: World,
    market: Market,
    people: People,
    accounts: Accounts,
    rows: Ints,
    legs: Legs,
    account: Ints,
    stop: Ints,
    part: int,
) -> Moves:
    """All balance and other non-trading deals of the accounts in `rows`, which nobody has planted."""
    rng = world.rng("funding", part)
    result = legs.profit + legs.swap + legs.commission
    order, total = running_total(account, legs.at, result)
    lowest = np.zeros(len(accounts.login), dtype=np.int64)
    np.minimum.at(lowest, account[order], total)
    need = -lowest[rows]
    step = MINOR_STEP[accounts.currency[rows]]
    stopped = stop[rows] < world.horizon_us * 2
    size = accounts.size_usd[rows] / market.usd_of_account(accounts.currency[rows], accounts.opened[rows]) * 100
    ample = round_up(np.maximum(size, need * 1.06 + CUSHION), 1000 * step)
    # a stop-out that lost next to nothing was paid for all the same: nobody deposits nothing
    short = round_up(np.maximum(need * np.where(rng.random(len(rows)) < 0.5, 0.965, 1.02), 1000 * step), step)
    funded = people.funded[accounts.client[rows]]
    at = np.where(accounts.demo[rows], accounts.opened[rows], funded) + (15 + rng.integers(0, 20, len(rows))) * MINUTE
    amount = np.where(
        accounts.demo[rows], 10_000_00 * MINOR_STEP[accounts.currency[rows]], np.where(stopped, short, ample)
    )
    parts = [
        Moves.of(rows[~accounts.demo[rows]], at[~accounts.demo[rows]], amount[~accounts.demo[rows]], BALANCE, FIRST),
        Moves.of(rows[accounts.demo[rows]], at[accounts.demo[rows]], amount[accounts.demo[rows]], BALANCE, DEMO),
        _compensation(rows[stopped], stop, amount[stopped], account, result),
    ]
    calm = rows[~stopped & ~accounts.demo[rows]]
    parts += _extras(world, rng, accounts, calm)
    parts.append(_top_ups(world, rng, market, accounts, calm))
    for chance in (0.5, 0.18):
        so_far = Moves.join(parts)
        parts.append(_withdrawals(world, rng, accounts, calm, so_far, account, legs.at, result, chance))
    return Moves.join(parts)


def _compensation(rows: Ints, stop: Ints, funded: Ints, account: Ints, result: Ints) -> Moves:
    """Negative-balance protection: what a stop-out left below zero is given back three seconds later."""
    lost = np.zeros(len(stop), dtype=np.int64)
    np.add.at(lost, account, result)
    left = funded + lost[rows]
    below = left < 0
    return Moves.of(rows[below], stop[rows[below]] + 3 * SECOND, -left[below], SO_COMPENSATION, EXTRA)


def _extras(world: World, rng: np.random.Generator, accounts: Accounts, rows: Ints) -> list[Moves]:
    parts = []
    for action, (amount, chance) in EXTRAS.items():
        chosen = rows[rng.random(len(rows)) < chance]
        if action in ("credit", "bonus"):
            chosen = chosen[accounts.entity[chosen] == 3]
        at = accounts.opened[chosen] + (1 + rng.integers(2, 60, len(chosen))) * DAY + 3 * HOUR
        yen = np.where(accounts.currency[chosen] == 3, 100, 1)
        parts.append(Moves.of(chosen, at, amount * yen, ACTIONS.index(action), EXTRA))
    return parts


def _top_ups(world: World, rng: np.random.Generator, market: Market, accounts: Accounts, rows: Ints) -> Moves:
    chosen = rows[rng.random(len(rows)) < 0.35]
    days = weekdays(world)
    span = np.maximum(accounts.last_day[chosen] - accounts.first_day[chosen] - 1, 1)
    day = np.minimum(accounts.first_day[chosen] + 1 + (rng.random(len(chosen)) * span).astype(np.int64), len(days) - 1)
    at = days[day] + 7 * HOUR + rng.integers(0, 12 * 3600, len(chosen)) * SECOND
    size = accounts.size_usd[chosen] * (0.25 + 0.6 * rng.random(len(chosen)))
    size = size / market.usd_of_account(accounts.currency[chosen], at) * 100
    return Moves.of(chosen, at, round_up(size, 1000 * MINOR_STEP[accounts.currency[chosen]]), BALANCE, TOP_UP)


def _withdrawals(
    world: World, rng: np.random.Generator, accounts: Accounts, rows: Ints, moves: Moves, account: Ints, at: Ints, result: Ints,
    chance: float,
) -> Moves:  # fmt: skip
    """Moves out what the account will never need again, up to what was paid in and not yet paid out."""
    busy = (accounts.last_day[rows] - accounts.first_day[rows]) > 9
    chosen = rows[(rng.random(len(rows)) < chance) & busy]
    days = weekdays(world)
    room = len(days) - 1 - accounts.first_day[chosen] - 9
    day = accounts.first_day[chosen] + 9 + (rng.random(len(chosen)) * np.maximum(room, 0)).astype(np.int64)
    when = days[np.minimum(day, len(days) - 1)] + 8 * HOUR + rng.integers(0, 9 * 3600, len(chosen)) * SECOND
    cash = moves.action != ACTIONS.index("credit")
    spare = _spare(
        np.concatenate([account, moves.account[cash], chosen]),
        np.concatenate([at, moves.at[cash], when]),
        np.concatenate([result, moves.amount[cash], np.zeros(len(chosen), dtype=np.int64)]),
        len(chosen),
    )
    deposited = np.zeros(len(accounts.login), dtype=np.int64)
    transfers = moves.action == BALANCE
    known = transfers & ((moves.story == FIRST) | (moves.story == OUT))
    np.add.at(deposited, moves.account[known], moves.amount[known])
    limit = np.minimum(spare, (deposited[chosen] * 0.9).astype(np.int64))
    unit = 1000 * MINOR_STEP[accounts.currency[chosen]]
    amount = (limit * (0.2 + 0.75 * rng.random(len(chosen)))).astype(np.int64) // unit * unit
    enough = amount >= 5 * unit
    return Moves.of(chosen[enough], when[enough], -amount[enough], BALANCE, OUT)


def _spare(account: Ints, at: Ints, amount: Ints, asked: int) -> Ints:
    """For the last `asked` rows: the lowest total of their account from that moment on."""
    order, total = running_total(account, at, amount)
    # the running minimum from the end, all accounts in one pass: an offset per account keeps them apart
    group = np.cumsum(np.diff(account[order], prepend=account[order][:1]) != 0)
    lowest = np.minimum.accumulate((total + group * APART)[::-1])[::-1] - group * APART
    back = np.empty(len(order), dtype=np.int64)
    back[order] = lowest
    return np.maximum(back[len(account) - asked :], 0)
