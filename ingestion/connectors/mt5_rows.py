"""Rows of MetaTrader 5's tables as rows of canonical feeds: codes, lots, exact decimals, and the server's clock."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from ingestion.connectors.mt4_codes import CENTS
from ingestion.connectors.mt5_clock import Clock, filetime
from ingestion.connectors.mt5_codes import (
    ACTIONS,
    ASSET_CLASSES,
    ENTRIES,
    ENTRY_STATE,
    REASONS,
    RIGHT_ENABLED,
    RIGHT_READ_ONLY,
    RIGHT_TRADE_DISABLED,
    TRADES,
)
from ingestion.connectors.mt5_tables import SEEN_AGAIN
from ingestion.connectors.mt_comments import CommentRules, Purpose, default_rules, purpose
from ingestion.connectors.values import decimal_of, exact, trimmed, utc_text, wall_to_utc

Source = Mapping[str, str | None]
"""A source row: documented column name -> text."""


@dataclass(frozen=True)
class Table:
    """What is known of a landed table."""

    table: str
    platform: str
    clock: Clock
    captured_at: str | None
    groups: Mapping[str, str]
    currency: str | None
    entity: str | None
    cent_logins: Collection[str] = frozenset()
    """Accounts kept in cents: their amounts are hundredths of the currency."""
    rules: CommentRules = field(default_factory=default_rules)

    def money(self, source: Source, name: str, digits: str | None) -> str | None:
        """An amount in the account's currency, exact."""
        value = _rounded(source.get(name), digits)
        cents = value is not None and trimmed(source.get("Login")) in self.cent_logins
        return _scaled(str(value), -2) if cents else value


def _deal(table: Table, source: Source) -> dict[str, object]:
    code = _code(source, "Action")
    if code not in ACTIONS:
        raise ValueError(f"Action: {source.get('Action')!r} is no deal action of MetaTrader 5")
    action, cancelled = ACTIONS[code]
    trade = action in TRADES
    executed = table.clock.utc(source, "TimeMsc", "Time")
    if executed is None:
        raise ValueError("Time: is a null date")
    table.clock.compare(executed, filetime(source))
    digits, money = source.get("Digits"), source.get("DigitsCurrency")
    entry = _code(source, "Entry") if trade else None
    if entry is not None and entry not in ENTRIES and entry != ENTRY_STATE:
        raise ValueError(f"Entry: {source.get('Entry')!r} is no deal entry of MetaTrader 5")
    comment = trimmed(source.get("Comment"))
    meant = purpose(comment, table.rules) if action == "balance" else Purpose(action)
    return {
        "platform": table.platform,
        "deal_id": _identity(source, "Deal"),
        "order_id": _unless_zero(source, "Order"),
        "position_id": _unless_zero(source, "PositionID"),
        "login": _identity(source, "Login"),
        "executed_at": utc_text(executed),
        "action": meant.action,
        "is_cancelled": "true" if cancelled else "false",
        "reference": meant.reference,
        "entry": None if entry is None else ENTRIES.get(entry),
        "symbol": trimmed(source.get("Symbol")),
        "volume_lots": _lots(source) if trade else None,
        "price": _rounded(source.get("Price"), digits) if trade else None,
        "profit": table.money(source, "Profit", money),
        "swap": table.money(source, "Storage", money),
        "commission": table.money(source, "Commission", money),
        "fee": table.money(source, "Fee", money),
        "bid": _rounded(_unless_zero(source, "MarketBid"), digits),
        "ask": _rounded(_unless_zero(source, "MarketAsk"), digits),
        "reason": REASONS.get(_code(source, "Reason") if trimmed(source.get("Reason")) else -1),
        "comment": comment,
        "source_version": _version(source),
        "comment_rule": meant.rule,
        "dealer": _unless_zero(source, "Dealer"),
        "external_id": trimmed(source.get("ExternalID")),
        "rate_profit": _rounded(source.get("RateProfit"), None),
    }


def _account(table: Table, source: Source) -> dict[str, object]:
    group = trimmed(source.get("Group"))
    opened = table.clock.utc(source, "Registration")
    changed = filetime(source) or opened
    if changed is None:
        raise ValueError("Timestamp, Registration: neither says when the account changed")
    rights = _code(source, "Rights") if trimmed(source.get("Rights")) else RIGHT_ENABLED
    currency = table.groups.get(group or "", table.currency)
    status = "read_only" if rights & (RIGHT_TRADE_DISABLED | RIGHT_READ_ONLY) else "open"
    return {
        "platform": table.platform,
        "login": _identity(source, "Login"),
        "changed_at": utc_text(changed),
        "client_id": _unless_zero(source, "ClientID"),
        "account_group": group,
        "currency": CENTS.get(currency or "", currency),
        "leverage": _unless_zero(source, "Leverage"),
        "entity": table.entity,
        "status": status if rights & RIGHT_ENABLED else "closed",
        "is_demo": None if group is None else str("demo" in group.lower().split("\\")[0]).lower(),
        "opened_at": utc_text(opened) if opened else None,
        "source_version": _version(source),
        "agent": _unless_zero(source, "Agent"),
        "lead_source": trimmed(source.get("LeadSource")),
        "lead_campaign": trimmed(source.get("LeadCampaign")),
        "account_currency": currency if currency in CENTS else None,
    }


def _snapshot(table: Table, source: Source) -> dict[str, object]:
    digits = source.get("CurrencyDigits")
    level = decimal_of(source.get("MarginLevel"))
    return {
        "platform": table.platform,
        "login": _identity(source, "Login"),
        "captured_at": table.captured_at,
        "balance": table.money(source, "Balance", digits),
        "credit": table.money(source, "Credit", digits),
        "equity": table.money(source, "Equity", digits),
        "margin": table.money(source, "Margin", digits),
        "free_margin": table.money(source, "MarginFree", digits),
        "margin_level": None if level is None else _rounded(exact(level / 100), "6"),  # MetaTrader writes per cent
        "floating_pnl": table.money(source, "Floating" if source.get("Floating") else "Profit", digits),
    }


def _day(table: Table, source: Source) -> dict[str, object]:
    """An account at the end of the server's day. `Datetime` is the server's clock as if it were seconds since 1970 in UTC."""
    text = _identity(source, "Datetime")
    if len(text) > 10:
        raise ValueError(f"Datetime: {text} is no plausible time")
    wall = datetime.fromtimestamp(int(text), UTC).replace(tzinfo=None)
    digits = source.get("CurrencyDigits")
    level = decimal_of(source.get("MarginLevel"))
    moved = {name: _rounded(value, digits) for name, value in source.items() if name.startswith("Daily") and value}
    return {
        "platform": table.platform,
        "login": _identity(source, "Login"),
        "captured_at": utc_text(wall_to_utc(wall, table.clock.zone)),
        "balance": table.money(source, "Balance", digits),
        "credit": table.money(source, "Credit", digits),
        "equity": table.money(source, "Equity", digits),
        "margin": table.money(source, "Margin", digits),
        "free_margin": table.money(source, "MarginFree", digits),
        "margin_level": None if level is None else _rounded(exact(level / 100), "6"),
        "daily_flows": json.dumps({name: value for name, value in moved.items() if value != "0"}) if moved else None,
    }


def _position(table: Table, source: Source) -> dict[str, object]:
    side = {0: "buy", 1: "sell"}.get(_code(source, "Action"))
    if side is None:
        raise ValueError(f"Action: {source.get('Action')!r} is neither 0 (buy) nor 1 (sell)")
    opened = table.clock.utc(source, "TimeCreateMsc", "TimeCreate")
    digits = source.get("Digits")
    return {
        "platform": table.platform,
        "position_id": _unless_zero(source, "Position") or _unless_zero(source, "Position_ID"),
        "captured_at": table.captured_at,
        "login": _identity(source, "Login"),
        "symbol": trimmed(source.get("Symbol")),
        "side": side,
        "volume_lots": _lots(source),
        "opened_at": utc_text(opened) if opened else None,
        "open_price": _rounded(source.get("PriceOpen"), digits),
        "current_price": _rounded(source.get("PriceCurrent"), digits),
        "floating_profit": table.money(source, "Profit", source.get("DigitsCurrency")),
        "swap": table.money(source, "Storage", source.get("DigitsCurrency")),
    }


def _symbol(table: Table, source: Source) -> dict[str, object]:
    path = trimmed(source.get("Path"))
    folder = (path or "").lower().split("\\")[0]
    digits = trimmed(source.get("Digits"))
    point = decimal_of(source.get("Point")) or (Decimal(1).scaleb(-int(digits)) if digits else None)
    pip = point * 10 if point and digits in ("3", "5") else point
    changed = filetime(source)
    return {
        "platform": table.platform,
        "symbol": trimmed(source.get("Symbol")),
        "valid_from": utc_text(changed) if changed else table.captured_at,
        "symbol_group": path.rpartition("\\")[0] or None if path else None,
        "asset_class": next((name for mark, name in ASSET_CLASSES.items() if mark in folder), None),
        "contract_size": _rounded(source.get("ContractSize"), None),
        "base_currency": trimmed(source.get("CurrencyBase")),
        "quote_currency": trimmed(source.get("CurrencyProfit")),
        "pip_size": _rounded(exact(pip), None),
        "digits": digits,
        "source_version": _version(source),
    }


def _version(source: Source) -> str | None:
    """The change stamp; of a row that had been gone, the moment it was seen again."""
    return source.get(SEEN_AGAIN) or _unless_zero(source, "Timestamp")


def _identity(source: Source, name: str) -> str:
    text = trimmed(source.get(name))
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 19:
        raise ValueError(f"{name}: {text!r} is not a whole number")
    return text


def _unless_zero(source: Source, name: str) -> str | None:
    """The cell, or None for the 0 that MetaTrader writes where there is nothing."""
    text = trimmed(source.get(name))
    return None if text in (None, "0", "0.0") else text


def _code(source: Source, name: str) -> int:
    return int(_identity(source, name))


def _lots(source: Source) -> str | None:
    if extended := _unless_zero(source, "VolumeExt"):
        return _scaled(extended, -8)
    plain = trimmed(source.get("Volume"))
    return _scaled(plain, -4) if plain else None


@lru_cache(maxsize=65_536)
def _scaled(text: str, places: int) -> str | None:
    value = decimal_of(text)
    return exact(value.scaleb(places)) if value is not None else None


@lru_cache(maxsize=65_536)
def _rounded(text: str | None, digits: str | None) -> str | None:
    """A double's text as the exact decimal it stands for: 1.1403699999999999 with 5 digits is 1.14037."""
    value = decimal_of(text)
    if value is None:
        return None
    places = int(digits) if digits and digits.isascii() and digits.isdigit() and len(digits) < 3 else 8
    step = Decimal(1).scaleb(-min(places, 8))
    return exact(value.quantize(step, rounding=ROUND_HALF_EVEN)) if value.adjusted() < 19 else exact(value)


_DEALS = """platform deal_id order_id position_id login executed_at action is_cancelled reference entry symbol volume_lots
price profit swap commission fee bid ask reason comment source_version comment_rule dealer external_id rate_profit"""
_ACCOUNTS = """platform login changed_at client_id account_group currency leverage entity status is_demo opened_at
source_version agent lead_source lead_campaign account_currency"""
_SNAPSHOTS = "platform login captured_at balance credit equity margin free_margin margin_level floating_pnl"
_DAYS = "platform login captured_at balance credit equity margin free_margin margin_level daily_flows"
_POSITIONS = """platform position_id captured_at login symbol side volume_lots opened_at open_price current_price
floating_profit swap"""
_SYMBOLS = """platform symbol valid_from symbol_group asset_class contract_size base_currency quote_currency pip_size
digits source_version"""

Convert = Callable[[Table, Source], dict[str, object]]
FEEDS: Mapping[str, tuple[str, Sequence[str], Convert]] = {
    "mt5_deals": ("deals", _DEALS.split(), _deal),
    "mt5_users": ("trading_accounts", _ACCOUNTS.split(), _account),
    "mt5_accounts": ("account_snapshots", _SNAPSHOTS.split(), _snapshot),
    "mt5_positions": ("positions", _POSITIONS.split(), _position),
    "mt5_symbols": ("symbols", _SYMBOLS.split(), _symbol),
    "mt5_daily": ("account_snapshots", _DAYS.split(), _day),
}
