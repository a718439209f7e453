"""MetaTrader 4's codes as data: what the numbers of the report database and the words of a report mean here."""

from collections.abc import Mapping

# CMD; 2 to 5 are pending orders.
COMMANDS: Mapping[int, str] = dict(
    enumerate(["buy", "sell", "buy limit", "sell limit", "buy stop", "sell stop", "balance", "credit"])
)
TRADES = frozenset({"buy", "sell"})
PENDING = frozenset({"buy limit", "sell limit", "buy stop", "sell stop"})
OPERATIONS = frozenset({"balance", "credit"})
KINDS = TRADES | PENDING | OPERATIONS

# REASON, in the order of its codes.
_REASONS = """client expert dealer signal gateway mobile web api"""
REASONS: Mapping[int, str] = dict(enumerate(_REASONS.split()))

OPPOSITE: Mapping[str, str] = {"buy": "sell", "sell": "buy"}

# How a terminal says in the comment why an order closed.
CLOSED_BY: Mapping[str, str] = {
    **dict.fromkeys(("[sl",), "stop_loss"),
    **dict.fromkeys(("[tp",), "take_profit"),
    **dict.fromkeys(("so:", "[so"), "stop_out"),
}

CENTS: Mapping[str, str] = {"USC": "USD", "EUC": "EUR", "GBC": "GBP"}
"""Currencies of cent accounts: their amounts are hundredths of the currency they stand for."""
