"""The trading platform, chunk by chunk of accounts, so that ten million deals need no more memory than one million."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from ingestion.simulator import books as platform
from ingestion.simulator import client_money
from ingestion.simulator.accounts import Accounts
from ingestion.simulator.deposits import wallet_transfers
from ingestion.simulator.faults import Faults
from ingestion.simulator.funding import BALANCE, Moves, plan_moves, stop_outs
from ingestion.simulator.market import Market
from ingestion.simulator.people import People
from ingestion.simulator.positions import (
    EXTRA_LEGS,
    Legs,
    Positions,
    deals_of,
    draw_positions,
    expected_share,
)
from ingestion.simulator.world import DAY, FULL_DETAIL, Ints, World, cents, moment

CHUNK = 1_000_000
STOPPED = 1.025
"""What stop-outs take away is drawn on top."""


@dataclass
class Platform:
    """What the rest of the broker needs to know of the platform once all chunks are written."""

    transfers: list[pl.DataFrame] = field(default_factory=list)
    results: list[pl.DataFrame] = field(default_factory=list)
    closings: list[pl.DataFrame] = field(default_factory=list)
    deals: int = 0


def trade(
    world: World, market: Market, people: People, accounts: Accounts, faults: Faults, planted: tuple[Positions, Moves],
    off_balance: dict[int, tuple[int, int]], progress: Callable[[str], None],
) -> Platform:  # fmt: skip
    """Draws and writes everything the platform emits; returns the transfers and daily results it leads to."""
    outcome = Platform()
    per_weight = _per_weight(world, accounts)
    chance = accounts.client < people.regular
    rows = np.flatnonzero(chance)
    parts = int(np.ceil(world.deals / CHUNK / expected_share(world, accounts))) + 1
    for part, chunk in enumerate(np.array_split(rows, parts - 1)):
        positions = draw_positions(world, market, accounts, chunk, per_weight, part)
        legs = deals_of(market, accounts, positions)
        happens, stop = stop_outs(accounts, positions, legs)
        legs = _only(legs, happens[legs.position])
        moves = plan_moves(world, market, people, accounts, chunk, legs, positions.account[legs.position], stop, part)
        kept = _renumber(positions, legs, happens)
        _write_chunk(
            world, market, people, accounts, faults, outcome, kept[0], kept[1], moves, stop, chunk, part, parts, {}
        )
        progress(f"deals {outcome.deals:,}")
    positions, moves = planted
    legs = deals_of(market, accounts, positions)
    never = np.full(len(accounts.login), np.iinfo(np.int64).max)
    _write_chunk(
        world, market, people, accounts, faults, outcome, positions, legs, moves, never, np.flatnonzero(~chance), parts - 1, parts,
        off_balance,
    )  # fmt: skip
    return outcome


def _per_weight(world: World, accounts: Accounts) -> float:
    """Positions for each unit of an account's weight, so that the wanted number of deals falls before the cut."""
    share = expected_share(world, accounts)
    moves = len(accounts.login) * 1.8 * share
    positions = max(world.deals - moves, world.deals * 0.5) / (2 + EXTRA_LEGS)
    return positions * STOPPED / max(share, 1e-6) / max(accounts.weight.sum(), 1e-9)


def _only(legs: Legs, keep: np.ndarray) -> Legs:
    return Legs(**{item.name: getattr(legs, item.name)[keep] for item in fields(legs)})


def _renumber(positions: Positions, legs: Legs, happens: np.ndarray) -> tuple[Positions, Legs]:
    """Drops the positions that never happened, and lets the legs point at the rest."""
    place = np.cumsum(happens) - 1
    values = {item.name: getattr(legs, item.name) for item in fields(legs)}
    return positions.take(happens), Legs(**(values | {"position": place[legs.position]}))


def _write_chunk(
    world: World, market: Market, people: People, accounts: Accounts, faults: Faults, outcome: Platform, positions: Positions,
    legs: Legs, moves: Moves, stop: Ints, rows: Ints, part: int, parts: int, off_balance: dict[int, tuple[int, int]],
) -> None:  # fmt: skip
    kept = platform.keep_books(legs, positions, moves, part, parts)
    references = platform.references_of(accounts, moves)
    deals = platform.deals_frame(
        market, accounts, positions, legs, moves, kept, stop, references, world.cut_us, part, parts
    )
    outcome.deals += len(deals)
    outcome.closings.append(_recent_closings(faults, accounts, deals))
    faults.sources.holds("deals", deals)
    writer = faults.writer
    writer.write("deals", _with_faults(faults, deals) if part == 0 else deals, "executed_at", part)
    every = 1 if world.deals <= FULL_DETAIL else 41
    writer.write("orders", platform.orders_frame(deals, every), "changed_at", part)
    writer.write("lp_trades", platform.hedges_frame(deals, accounts, every), "executed_at", part)
    opened = platform.open_at_midnights(market, accounts, positions, world.cut_us)
    shown_from = world.start_us if world.deals <= FULL_DETAIL else world.cut_us - 3 * DAY
    captured = platform.positions_frame(market, accounts, positions, opened, shown_from, part, parts)
    writer.write("positions", captured, "captured_at", part)
    snapshots = platform.snapshots_frame(world, accounts, kept, opened, rows)
    writer.write("account_snapshots", _off_balance(accounts, snapshots, off_balance), "captured_at", part)
    outcome.transfers.append(wallet_transfers(market, people, accounts, moves, references))
    outcome.results += [_daily_results(accounts, moves, kept), client_money.floors(accounts, snapshots)]


def _daily_results(accounts: Accounts, moves: Moves, kept: platform.Books) -> pl.DataFrame:
    """What trading changed client money by: entity, currency, day, amount; transfers and demo accounts left out."""
    transfer = np.zeros(len(kept.at), dtype=bool)
    moved = kept.move >= 0
    transfer[moved] = moves.action[kept.move[moved]] == BALANCE
    counted = ~transfer & ~accounts.demo[kept.account]
    account = kept.account[counted]
    return pl.DataFrame({
        "entity": accounts.entity[account], "currency": accounts.currency[account], "day": kept.at[counted] // DAY,
        "amount": kept.delta[counted],
    }).group_by("entity", "currency", "day").agg(pl.col("amount").sum()).sort("entity", "currency", "day")  # fmt: skip


def _recent_closings(faults: Faults, accounts: Accounts, deals: pl.DataFrame) -> pl.DataFrame:
    """The last closing deals of the first batch, with whose they are."""
    closing = deals.filter(
        faults.recent("executed_at")
        & (pl.col("entry") == "out")
        & pl.col("login").is_in(accounts.login[~accounts.demo])
    )
    owner = pl.DataFrame({"login": accounts.login, "client": accounts.client})
    last = closing.select("platform", "deal_id", "login", "executed_at").tail(40)
    return last.join(owner, on="login", how="left", maintain_order="left")


def _with_faults(faults: Faults, deals: pl.DataFrame) -> pl.DataFrame:
    """Two closing deals arrive two days late; an opening that never touched the balance is cancelled afterwards."""
    late = deals.filter(faults.recent("executed_at") & (pl.col("entry") == "out")).head(2)
    deals = faults.delayed("deals", deals, ["platform", "deal_id"], late, "b3")
    wrong = deals.filter(faults.recent("executed_at") & (pl.col("entry") == "in") & (pl.col("commission") == 0)).tail(1)
    wrong = wrong.with_columns(
        deal_id=pl.lit(99_000_001, pl.Int64), order_id=pl.lit("899999999999"), position_id=pl.lit("699999999")
    )
    right = wrong.with_columns(is_cancelled=pl.lit(True))
    if faults.batched:
        faults.sources.differs("deals", wrong, "deleted", -1)
    return faults.corrected("deals", wrong, right, ["platform", "deal_id"], deals, "is_cancelled").sort(
        "executed_at", "deal_id"
    )


def _off_balance(accounts: Accounts, snapshots: pl.DataFrame, off_balance: dict[int, tuple[int, int]]) -> pl.DataFrame:
    """The platform shows these accounts' balance too high from a moment on."""
    for row, (since, amount) in off_balance.items():
        more = pl.lit(cents(np.array([amount]))[0])
        hit = (pl.col("login") == int(accounts.login[row])) & (pl.col("captured_at") >= moment(since))
        snapshots = snapshots.with_columns(
            pl.when(hit).then(pl.col(name) + more).otherwise(name).cast(snapshots.schema[name])
            for name in ("balance", "equity", "free_margin")
        )
    return snapshots
