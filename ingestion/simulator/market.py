"""Prices: one random walk per symbol on a grid of minutes, and what is quoted from it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingestion.simulator.world import (
    CURRENCIES,
    DAY,
    HOUR,
    MINUTE,
    Floats,
    Ints,
    World,
    decimals,
    pick,
    reference,
    times,
)

TAIL_DAYS = 22
"""Positions opened on the last day may stay open this long: the grid reaches that far beyond the horizon."""
HISTORY_DAYS = 400
"""Exchange rates are quoted this many days before the start, for clients whose money came earlier."""
QUOTED = (
    ("EUR", "USD", "EURUSD"),
    ("GBP", "USD", "GBPUSD"),
    ("AUD", "USD", "AUDUSD"),
    ("NZD", "USD", "NZDUSD"),
    ("USD", "JPY", "USDJPY"),
    ("USD", "CHF", "USDCHF"),
    ("USD", "CAD", "USDCAD"),
    ("BTC", "USD", "BTCUSD"),
)
FRIDAY_CLOSE = 21 * HOUR
GAP = 49 * HOUR
"""Friday 21:00 to Sunday 22:00 UTC: nothing but crypto trades."""


@dataclass(frozen=True)
class Market:
    """Mid prices in points (10^-digits) per symbol and minute, and the symbols' fixed terms as arrays."""

    origin: int
    mids: Floats
    names: tuple[str, ...]
    contract: Floats
    point: Floats
    digits: Ints
    spread: Ints
    weight: Floats
    swap: Ints
    quote: tuple[str, ...]
    base: tuple[str, ...]
    always_open: np.ndarray

    def index(self, symbol: str) -> int:
        return self.names.index(symbol)

    def mid(self, symbol: Ints | int, at: Ints) -> Ints:
        """The mid price in points at each moment, moving evenly inside a minute."""
        offset = np.clip(at - self.origin, 0, (self.mids.shape[1] - 2) * MINUTE)
        minute = offset // MINUTE
        share = (offset - minute * MINUTE) / MINUTE
        before = self.mids[symbol, minute]
        return np.rint(before + (self.mids[symbol, minute + 1] - before) * share).astype(np.int64)

    def usd(self, currency: str, at: Ints) -> Floats:
        """US dollars for one unit of the currency at each moment."""
        if currency in ("USD", "USDT"):
            return np.ones(len(at))
        direct = {base: name for base, quote, name in QUOTED if quote == "USD"}
        inverse = {quote: name for base, quote, name in QUOTED if base == "USD"}
        row = self.index(direct.get(currency) or inverse[currency])
        price = self.mid(row, at) * self.point[row]
        return price if currency in direct else 1 / price

    def usd_of_account(self, currency: Ints, at: Ints) -> Floats:
        """The same for codes into CURRENCIES, one per row."""
        rates = np.ones(len(at))
        for code, name in enumerate(CURRENCIES):
            rows = np.flatnonzero(currency == code)
            rates[rows] = self.usd(name, at[rows])
        return rates

    def usd_of_quote(self, symbol: Ints, at: Ints) -> Floats:
        """US dollars for one unit of each symbol's quote currency."""
        rates = np.ones(len(at))
        quotes = np.array(self.quote)[symbol]
        for name in sorted(set(self.quote) - {"USD"}):
            rows = np.flatnonzero(quotes == name)
            rates[rows] = self.usd(name, at[rows])
        return rates


def build_market(world: World) -> Market:
    """Walks every symbol from the start to beyond the horizon; the weekend is one jump at Sunday's open."""
    terms = reference("symbols")
    minutes = (world.horizon_us - world.start_us) // MINUTE + TAIL_DAYS * DAY // MINUTE + 2
    clock = world.start_us + np.arange(minutes, dtype=np.int64) * MINUTE
    opened = ~in_weekend(clock)
    walks: dict[str, Floats] = {}
    rows = np.empty((len(terms), minutes))
    for row, term in enumerate(terms):
        if "cross" in term:
            first, second, power = term["cross"]
            prices = walks[first] * walks[second] ** power
        else:
            steps = world.rng("market", row).standard_normal(minutes)
            live = np.ones(minutes, bool) if term["symbol_group"] == "crypto" else opened
            steps *= term["vol"] / np.sqrt(1440) * live
            prices = term["start"] * np.exp(np.cumsum(steps))
        walks[term["symbol"]] = prices
        rows[row] = np.rint(prices * 10 ** term["digits"])
    column = lambda key: tuple(term[key] for term in terms)  # noqa: E731
    digits = np.array(column("digits"))
    return Market(
        origin=world.start_us,
        mids=rows,
        names=column("symbol"),
        contract=np.array(column("contract"), float),
        point=10.0**-digits,
        digits=digits,
        spread=np.array(column("spread")),
        weight=np.array(column("weight"), float) / sum(column("weight")),
        swap=np.array(column("swap")),
        quote=column("quote"),
        base=column("base"),
        always_open=np.array([group == "crypto" for group in column("symbol_group")]),
    )


def in_weekend(at: Ints) -> np.ndarray:
    """True from Friday 21:00 until Sunday 22:00 UTC."""
    since_friday = (at - (DAY + FRIDAY_CLOSE)) % (7 * DAY)  # 1970-01-01 was a Thursday
    return since_friday < GAP


def after_weekend(at: Ints) -> Ints:
    """Moves a moment inside the weekend gap to the same distance after Sunday's open."""
    return np.where(in_weekend(at), at + GAP, at)


def fx_rates(world: World, market: Market) -> pl.DataFrame:
    """The fx_rates feed: hourly while the market is open, daily in the year before the start, USDT once a day."""
    hours = np.arange(world.start_us, world.horizon_us, HOUR, dtype=np.int64)
    past = world.start_us - np.arange(HISTORY_DAYS, 0, -1, dtype=np.int64) * DAY
    parts = []
    for row, (base, quote, name) in enumerate(QUOTED):
        symbol = market.index(name)
        live = hours if market.always_open[symbol] else hours[~in_weekend(hours)]
        first = market.mids[symbol, 0]
        back = world.rng("fx_history", row).standard_normal(HISTORY_DAYS) * 0.004
        history = np.rint(first * np.exp(np.cumsum(back)[::-1])).astype(np.int64)
        points = np.concatenate([history, market.mid(symbol, live)])
        scale = 10 ** (8 - int(market.digits[symbol]))
        parts.append(_quotes(base, quote, np.concatenate([past, live]), points * scale))
    days = np.concatenate([past, np.arange(world.start_us, world.horizon_us, DAY, dtype=np.int64)])
    steady = 10**8 - world.rng("fx_history", 99).integers(-9, 10, len(days)) * 10**4
    parts.append(_quotes("USDT", "USD", days, steady))
    return pl.concat(parts).sort("quoted_at", "base_currency", "quote_currency")


def _quotes(base: str, quote: str, at: Ints, scaled: Ints) -> pl.DataFrame:
    return pl.DataFrame({"quoted_at": times(at), "rate": decimals(scaled, 8)}).select(
        pl.lit(base).alias("base_currency"), pl.lit(quote).alias("quote_currency"), "quoted_at", "rate"
    )


def symbols(world: World, platforms: tuple[str, ...]) -> pl.DataFrame:
    """The symbols feed: every platform lists every symbol from before the start; one moves to another group midway."""
    terms = reference("symbols")
    valid_from = world.start_us - HISTORY_DAYS * DAY
    rows = [
        {
            "platform": platform,
            "symbol": term["symbol"],
            "valid_from": valid_from,
            "symbol_group": term["symbol_group"],
            "asset_class": term["asset_class"],
            "contract_size": str(term["contract"]),
            "base_currency": term["base"],
            "quote_currency": term["quote"],
            "pip_size": term["pip"],
            "digits": term["digits"],
            "swap_free": False,
        }
        for platform in platforms
        for term in terms
    ]
    moved = [
        row | {"valid_from": world.start_us + 50 * DAY, "symbol_group": "fx_minor"}
        for row in rows
        if row["symbol"] == "NZDUSD"
    ]
    return pl.DataFrame(rows + moved).with_columns(pl.col("valid_from").cast(pl.Datetime("us")))


def symbol_names(market: Market, codes: Ints) -> pl.Series:
    """The symbol for each code, null below 0."""
    return pick(market.names, codes)
