"""Amounts in EUR, at the newest quotes of the published warehouse, over the US dollar as the marts convert."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from weakref import WeakKeyDictionary

from apps.approvals.marts import MartReader, rows

DIGITS = Decimal("0.00000001")
QUOTE_HOLDS = timedelta(days=7)
"""A quote this far behind the newest one of all is no rate any more; over a long weekend markets are closed for four days."""

NEWEST_QUOTES = """
select base_currency, quote_currency, valid_from, rate from core.fct_fx_rates where valid_to is null and rate > 0 order by valid_from
"""

_rates: WeakKeyDictionary[Any, Mapping[str, Decimal]] = WeakKeyDictionary()


def in_euros(reader: MartReader, amount: Decimal | None, currency: str | None) -> Decimal | None:
    """The amount in EUR with eight digits, or None where there is no amount or no quote that still holds."""
    if amount is None or currency is None:
        return None
    if currency == "EUR":
        return amount
    rates = dollars_per_unit(reader)
    if currency not in rates or "EUR" not in rates:
        return None
    return (amount * rates[currency] / rates["EUR"]).quantize(DIGITS, ROUND_HALF_EVEN)


def dollars_per_unit(reader: MartReader) -> Mapping[str, Decimal]:
    """US dollars for one unit of each currency that is quoted against the dollar."""
    found = _rates.get(reader)
    if found is None:
        found = _rates[reader] = _newest(rows(reader, NEWEST_QUOTES))
    return found


def _newest(quotes: list[dict[str, Any]]) -> Mapping[str, Decimal]:
    newest: datetime = max((quote["valid_from"] for quote in quotes), default=datetime.min)
    rates = {"USD": Decimal(1)}
    for quote in quotes:  # oldest first, so that of two ways to quote a pair the newer one stays
        if newest - quote["valid_from"] > QUOTE_HOLDS:
            continue
        if quote["quote_currency"] == "USD":
            rates[quote["base_currency"]] = quote["rate"]
        elif quote["base_currency"] == "USD":
            rates[quote["quote_currency"]] = 1 / quote["rate"]
    return rates
