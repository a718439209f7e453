"""The platform's books of one chunk of accounts: deals in order, daily snapshots, open positions, orders, hedges."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.simulator.accounts import PLATFORMS, Accounts
from ingestion.simulator.funding import ACTIONS, BALANCE, DEMO, Moves, running_total
from ingestion.simulator.market import Market, symbol_names
from ingestion.simulator.positions import ENTRIES, REASONS, Legs, Positions, holdings
from ingestion.simulator.world import CURRENCIES, DAY, Ints, World, cents, decimals, numbered, pick, times

PRICE_SCALE = 5
NO_TRADE = -1


@dataclass(frozen=True)
class Books:
    """The deals of a chunk as arrays, in the order of time; `delta` is what each adds to the balance, in hundredths."""

    account: Ints
    at: Ints
    delta: Ints
    credit: Ints
    leg: Ints
    move: Ints
    deal_id: Ints


def keep_books(legs: Legs, positions: Positions, moves: Moves, part: int, parts: int) -> Books:
    """Puts trades and movements in one order and numbers them; ids rise with time inside a chunk."""
    account = np.concatenate([positions.account[legs.position], moves.account])
    at = np.concatenate([legs.at, moves.at])
    n_legs = len(legs.at)
    is_credit = moves.action == ACTIONS.index("credit")
    delta = np.concatenate([legs.profit + legs.swap + legs.commission, np.where(is_credit, 0, moves.amount)])
    credit = np.concatenate([np.zeros(n_legs, dtype=np.int64), np.where(is_credit, moves.amount, 0)])
    order = np.lexsort((np.arange(len(at)), at))
    leg = np.where(order < n_legs, order, NO_TRADE)
    move = np.where(order >= n_legs, order - n_legs, NO_TRADE)
    ids = 100_000_001 + np.arange(len(order), dtype=np.int64) * parts + part
    return Books(account[order], at[order], delta[order], credit[order], leg, move, ids)


def deals_frame(
    market: Market, accounts: Accounts, positions: Positions, legs: Legs, moves: Moves, books: Books, stop: Ints,
    references: pl.Series, upto: int, part: int, parts: int,
) -> pl.DataFrame:  # fmt: skip
    """The deals feed of this chunk up to the cut; `references` names the request behind each move."""
    seen = np.flatnonzero(books.at < upto)
    leg, move = books.leg[seen], books.move[seen]
    trade, account, at = leg >= 0, books.account[seen], books.at[seen]
    position = _at(legs.position, leg)
    symbol = np.where(trade, _at(positions.symbol, position), -1)
    scale = 10 ** (PRICE_SCALE - market.digits[np.maximum(symbol, 0)])
    money = {
        name: _at(getattr(legs, name), leg) for name in ("lots", "price", "bid", "ask", "profit", "swap", "commission")
    }
    entry = np.where(trade, _at(legs.entry, leg), -1)
    number = position_numbers(position, _at(legs.twin, leg), part, parts)
    order_id = np.where(entry == 3, number // 2 * 2 + 800_000_000_000, 900_000_000_000 + books.deal_id[seen])
    stopped = trade & (at >= stop[account]) & (entry > 0)
    reason = np.where(stopped, 3, np.where(trade, _at(positions.reason, position), -1))
    amount = np.where(trade, money["profit"], _at(moves.amount, move))
    action = np.where(trade, np.where(_at(legs.side, leg) > 0, 0, 1), _at(moves.action, move))
    no_quote = ~trade | (books.deal_id[seen] % 211 == 0)
    comment = np.where(trade, -1, np.where(action == BALANCE, 0, 1))
    refs = pl.select(pl.when(pl.Series(values=~trade)).then(references.gather(np.maximum(move, 0)))).to_series()
    return pl.DataFrame({
        "platform": pick(PLATFORMS, accounts.platform[account].astype(int)),
        "deal_id": books.deal_id[seen],
        "order_id": _text(order_id, ~trade), "position_id": _text(number, ~trade),
        "login": accounts.login[account], "executed_at": times(at), "action": pick(ACTIONS, action),
        "is_cancelled": pl.Series(values=np.zeros(len(seen), dtype=bool)), "reference": refs,
        "entry": pick(ENTRIES, entry), "symbol": symbol_names(market, symbol),
        "volume_lots": cents(money["lots"]), "price": decimals(money["price"] * scale, PRICE_SCALE),
        "profit": cents(amount), "swap": cents(money["swap"]), "commission": cents(money["commission"]),
        "fee": cents(np.zeros(len(seen), dtype=np.int64)),
        "bid": decimals(money["bid"] * scale, PRICE_SCALE, no_quote),
        "ask": decimals(money["ask"] * scale, PRICE_SCALE, no_quote),
        "reason": pick(REASONS, reason), "comment": pick(("transfer", "adjustment"), comment),
    })  # fmt: skip


def _at(values: Ints, rows: Ints) -> Ints:
    """The values at these rows; 0 where there is none (a row below 0, or nothing to look in)."""
    return np.where(rows >= 0, values[np.maximum(rows, 0)], 0) if len(values) else np.zeros(len(rows), dtype=np.int64)


def position_numbers(position: Ints, twin: Ints, part: int, parts: int) -> Ints:
    """A number for each position, also across chunks; the two of a pair differ by one."""
    return 700_000_000 + (position * parts + part) * 2 + twin


def _text(numbers: Ints, absent: np.ndarray) -> pl.Series:
    series = pl.Series(values=numbers.astype(np.int64)).cast(pl.String)
    return pl.select(pl.when(~pl.Series(absent)).then(series)).to_series()


def open_at_midnights(market: Market, accounts: Accounts, positions: Positions, upto: int) -> pl.DataFrame:
    """One row per open position and midnight (exclusive): volume, prices in points, floating result, margin."""
    position, twin, side, lots, opened, since, until = holdings(positions)
    first = since // DAY
    nights = np.maximum(np.minimum(until, upto) // DAY - first, 0)
    row = np.repeat(np.arange(len(position)), nights)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(nights) - nights, nights)
    at = (first[row] + 1 + offset) * DAY - 1
    p = position[row]
    account, symbol, spread = positions.account[p], positions.symbol[p], positions.spread[p]
    buy = side[row] > 0
    open_price = market.mid(symbol, opened[row]) - spread // 2 + np.where(buy, spread, 0)
    current = market.mid(symbol, at) - spread // 2 + np.where(buy, 0, spread)
    to_account = market.usd_of_quote(symbol, at) / market.usd_of_account(accounts.currency[account], at)
    worth = lots[row] / 100 * market.contract[symbol] * market.point[symbol] * to_account
    margin = np.rint(current * worth / accounts.leverage[account] * 100).astype(np.int64)
    return pl.DataFrame({
        "position": p, "twin": twin[row].astype(np.int64), "account": account, "symbol": symbol, "buy": buy, "lots": lots[row],
        "opened": opened[row], "at": at, "open_price": open_price, "current": current,
        "floating": np.rint((current - open_price) * side[row] * worth * 100).astype(np.int64), "margin": margin,
    })  # fmt: skip


def positions_frame(
    market: Market, accounts: Accounts, positions: Positions, opened: pl.DataFrame, since: int, part: int, parts: int
) -> pl.DataFrame:
    """The positions feed: what stood open at each midnight from `since` on."""
    frame = opened.filter(pl.col("at") >= since)
    symbol, account = frame["symbol"].to_numpy(), frame["account"].to_numpy()
    scale = 10 ** (PRICE_SCALE - market.digits[symbol])
    number = position_numbers(frame["position"].to_numpy(), frame["twin"].to_numpy(), part, parts)
    return pl.DataFrame({
        "platform": pick(PLATFORMS, accounts.platform[account].astype(int)),
        "position_id": pl.Series(values=number).cast(pl.String), "captured_at": times(frame["at"].to_numpy()),
        "login": accounts.login[account], "symbol": symbol_names(market, symbol),
        "side": pick(("sell", "buy"), frame["buy"].to_numpy().astype(int)), "volume_lots": cents(frame["lots"].to_numpy()),
        "opened_at": times(frame["opened"].to_numpy()),
        "open_price": decimals(frame["open_price"].to_numpy() * scale, PRICE_SCALE),
        "current_price": decimals(frame["current"].to_numpy() * scale, PRICE_SCALE),
        "floating_profit": cents(frame["floating"].to_numpy()), "swap": cents(np.zeros(len(frame), dtype=np.int64)),
    })  # fmt: skip


def snapshots_frame(world: World, accounts: Accounts, books: Books, opened: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    """The account_snapshots feed: each account at the end of each day it was active on, and all on the last day."""
    order, balance = running_total(books.account, books.at, books.delta)
    _, credit = running_total(books.account, books.at, books.credit)
    activity = pl.DataFrame({
        "account": books.account[order], "at": (books.at[order] // DAY + 1) * DAY - 1, "balance": balance, "credit": credit,
    }).filter(pl.col("at") < world.cut_us).group_by("account", "at", maintain_order=True).last()  # fmt: skip
    known = rows[accounts.opened[rows] < world.cut_us]
    final = pl.DataFrame({"account": known, "at": np.full(len(known), world.cut_us - 1)})
    final = final.join_asof(activity, on="at", by="account", check_sortedness=False).fill_null(0)
    frame = pl.concat([activity, final.select(activity.columns)]).unique(
        ["account", "at"], keep="first", maintain_order=True
    )
    floating = opened.group_by("account", "at").agg(pl.col("floating", "margin").sum())
    frame = frame.join(floating, on=["account", "at"], how="left", maintain_order="left").with_columns(
        pl.col("floating", "margin").fill_null(0)
    )
    frame = frame.sort("at", "account")
    account, margin = frame["account"].to_numpy(), frame["margin"].to_numpy()
    equity = (frame["balance"] + frame["credit"] + frame["floating"]).to_numpy()
    level = np.rint(equity / np.maximum(margin, 1) * 10_000).astype(np.int64)
    return pl.DataFrame({
        "platform": pick(PLATFORMS, accounts.platform[account].astype(int)), "login": accounts.login[account],
        "captured_at": times(frame["at"].to_numpy()), "balance": cents(frame["balance"].to_numpy()),
        "credit": cents(frame["credit"].to_numpy()), "equity": cents(equity), "margin": cents(margin),
        "free_margin": cents(equity - margin), "margin_level": decimals(level, 4, margin == 0),
        "floating_pnl": cents(frame["floating"].to_numpy()),
    })  # fmt: skip


def references_of(accounts: Accounts, moves: Moves) -> pl.Series:
    """The request id each wallet transfer carries to the platform, null for what nobody asked for."""
    transfer = (moves.action == BALANCE) & (moves.story != DEMO)
    order = np.lexsort((moves.at, moves.account))
    account = moves.account[order]
    first = np.flatnonzero(np.diff(account, prepend=-1))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    ids = numbered("T", accounts.login[moves.account] * 100 + place, 9)
    return pl.select(pl.when(pl.Series(transfer)).then(ids)).to_series()


def orders_frame(deals: pl.DataFrame, positions_every: int) -> pl.DataFrame:
    """The orders feed, from the deals: each `positions_every`-th trade has its filled order, some had a cancelled one before."""
    trades = deals.filter(pl.col("entry").is_not_null() & (pl.col("deal_id") % positions_every == 0))
    limit = pl.col("deal_id") % 7 == 0
    filled = trades.select(
        "platform", "order_id", pl.col("executed_at").alias("changed_at"), "position_id", "login", "symbol",
        pl.col("action").alias("side"), pl.when(limit).then(pl.lit("limit")).otherwise(pl.lit("market")).alias("order_type"),
        pl.lit("filled").alias("state"), "volume_lots", pl.col("price").alias("requested_price"),
        pl.col("price").alias("executed_price"), pl.lit(None, pl.String).alias("sl"), pl.lit(None, pl.String).alias("tp"),
        pl.when(limit).then(pl.col("executed_at") - pl.duration(minutes=9)).otherwise(pl.col("executed_at")).alias("placed_at"),
        pl.col("executed_at").alias("done_at"),
    )  # fmt: skip
    cancelled = filled.filter(pl.col("login") % 9 == 0).with_columns(
        order_id="X" + pl.col("order_id"),
        state=pl.lit("cancelled"),
        order_type=pl.lit("limit"),
        position_id=pl.lit(None, pl.String),
        executed_price=pl.lit(None, filled.schema["executed_price"]),
    )
    return pl.concat([filled, cancelled]).unique(["platform", "order_id"], keep="first", maintain_order=True)


def hedges_frame(deals: pl.DataFrame, accounts: Accounts, every: int) -> pl.DataFrame:
    """The lp_trades feed: deals of the A book are passed on at the same price; the venue keeps an account per currency."""
    hedged = np.flatnonzero(accounts.book_a & ~accounts.demo)
    currency = pl.DataFrame({"login": accounts.login[hedged], "currency": pick(CURRENCIES, accounts.currency[hedged])})
    trades = deals.filter(pl.col("entry").is_in(["in", "out"]) & (pl.col("deal_id") % every == 0))
    trades = trades.join(currency, on="login", maintain_order="left")
    zero = pl.lit(0).cast(pl.Decimal(18, 2))
    cost = (
        (pl.col("volume_lots") * pl.when(pl.col("currency") == "JPY").then(-300).otherwise(-2))
        .round(0)
        .cast(pl.Decimal(18, 2))
    )
    return trades.select(
        pl.lit("prime-one").alias("venue"), ("LP" + pl.col("deal_id").cast(pl.String)).alias("trade_id"),
        (pl.col("executed_at") + pl.duration(milliseconds=45)).alias("executed_at"), "symbol",
        pl.col("action").alias("side"), "volume_lots", "price", "profit", cost.alias("commission"), zero.alias("swap"),
        "currency", "position_id",
    )  # fmt: skip
