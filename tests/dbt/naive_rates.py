"""What held at a moment, and exchange rates: direct, inverse or crossed. Part of the naive reading of the commission rules."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
ONE = Decimal(1)


def as_of(rows: list[Row], clock: str, at: datetime, **key: Any) -> Row | None:
    """The row of the key that holds at the moment: the one with the latest clock not after it."""
    known = [row for row in rows if row[clock] <= at and all(row[name] == value for name, value in key.items())]
    return max(known, key=lambda row: row[clock], default=None)


def exchange_rate(rates: list[Row], source: str, target: str, at: datetime) -> Decimal | None:
    """Direct, else inverse, else crossed through the dollar; 12 digits after the point."""
    if source == target:
        return ONE
    pair = paired_rate(rates, source, target, at)
    if pair is not None or "USD" in (source, target):
        return pair
    first, second = paired_rate(rates, source, "USD", at), paired_rate(rates, "USD", target, at)
    return (
        None if first is None or second is None else (first * second).quantize(ONE.scaleb(-12), rounding=ROUND_HALF_UP)
    )


def paired_rate(rates: list[Row], source: str, target: str, at: datetime) -> Decimal | None:
    direct = as_of(rates, "quoted_at", at, base_currency=source, quote_currency=target)
    if direct:
        return direct["rate"]
    inverse = as_of(rates, "quoted_at", at, base_currency=target, quote_currency=source)
    return (ONE / inverse["rate"]).quantize(ONE.scaleb(-12), rounding=ROUND_HALF_UP) if inverse else None
