"""What a scheme's rate is applied to. Part of the naive reading of the commission rules."""

from decimal import Decimal

from tests.dbt.naive_broker import ONE, ZERO, Broker, Item, Part, Row
from tests.dbt.naive_parts import share
from tests.dbt.naive_positions import spread
from tests.dbt.naive_rates import exchange_rate

MONEY_RATE = {"per_lot", "per_million", "cpa"}


def quantity(broker: Broker, part: Part, rule: Row) -> tuple[Decimal, str | None] | str:
    """(base, its currency; None where the rate itself is money), or the reason why there is none. `rule` is the one the base comes from."""
    scheme, symbol, deal = rule["scheme"], part.symbol, part.deal
    if isinstance(part, Item):
        return (ONE, None) if scheme == "cpa" else (part.base, part.plan["currency"])
    assert symbol is not None
    multiplier = Decimal(str(rule["parameters"].get("lots_multiplier", 1)))
    lots = part.paid_lots * multiplier / (2 if part.both else 1)
    if scheme == "per_lot":
        return lots, None
    if scheme == "per_million":
        rate = usd_per_lot(broker, part)
        return "no_rate" if rate is None else (lots * rate / 1_000_000, None)
    if scheme == "pct_commission":
        return max(-charged(part), ZERO) * share(part), part.account["currency"]
    if scheme == "pct_profit":
        profit = deal["profit"] * share(part) if part.side == "close" else ZERO
        return (profit, part.account["currency"]) if profit > 0 else "no_profit"
    if scheme == "points":
        points, pips = rule["parameters"].get("points"), rule["parameters"].get("pips")
        move = Decimal(points).scaleb(-symbol["digits"]) if points is not None else Decimal(pips) * symbol["pip_size"]
        return lots * move * symbol["contract_size"], symbol["quote_currency"]
    assert scheme == "pct_spread"
    width = paid_spread(part, rule)
    return "no_market" if width is None else (width * symbol["contract_size"] * lots, symbol["quote_currency"])


def usd_per_lot(broker: Broker, part: Part) -> Decimal | None:
    """The notional of a lot at the deal in US dollars: fx from the base currency, all else from the price."""
    symbol = part.symbol
    assert symbol is not None
    if symbol["asset_class"] == "fx":
        rate = exchange_rate(broker.rates, symbol["base_currency"], "USD", part.at)
        return None if rate is None else symbol["contract_size"] * rate
    rate = exchange_rate(broker.rates, symbol["quote_currency"], "USD", part.at)
    return None if rate is None else symbol["contract_size"] * part.deal["price"] * rate


def charged(part: Part) -> Decimal:
    """What the client paid for the lots (negative): its own, and at a close the openings' in proportion unless both sides pay."""
    if part.side == "open" or part.both or not part.opening.lots:
        return part.own_commission
    return part.own_commission + part.opening.commission * part.lots / part.opening.lots


def paid_spread(part: Part, rule: Row) -> Decimal | None:
    """The price difference paid for, each deal's cut at max_points first; None where a market is not known."""
    assert part.symbol is not None
    parameters = rule["parameters"]
    limit = parameters.get("max_points")
    most = None if limit is None else Decimal(limit).scaleb(-part.symbol["digits"])
    at = parameters.get("spread_at", "close") if part.side == "close" else "close"
    own = spread(part.deal)
    own = own if own is None or most is None else min(own, most)
    if at == "close":
        return own
    widths = [(lots, width) for lots, width in part.opening.spreads]
    if not widths or any(width is None for _, width in widths):
        return None
    opened = sum(lots * (width if most is None else min(width, most)) for lots, width in widths if width is not None)
    opened = Decimal(opened) / part.opening.lots
    if at == "open":
        return opened
    return None if own is None else (own + opened) / 2


def revenue(broker: Broker, part: Part) -> Decimal:
    """What the broker earned on the part, in the plan's currency: half of each spread, commission, swap. Never below 0."""
    symbol, deal, currency = part.symbol, part.deal, part.plan["currency"]
    assert symbol is not None
    own = spread(deal) or ZERO
    opened = ZERO
    if part.side == "close" and not part.both and part.opening.lots:
        opened = sum((lots * (width or ZERO) for lots, width in part.opening.spreads), ZERO) / part.opening.lots
    spreads = (own + opened) / 2 * symbol["contract_size"] * part.lots
    swap = deal["swap"] * part.lots / deal["volume_lots"] if part.lots else ZERO
    quote = exchange_rate(broker.rates, symbol["quote_currency"], currency, part.at) or ZERO
    account = exchange_rate(broker.rates, part.account["currency"], currency, part.at) or ZERO
    return max(spreads * quote - (charged(part) + swap) * account, ZERO)
