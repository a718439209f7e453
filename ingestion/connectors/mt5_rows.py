"""Rows of MetaTrader 5's tables as rows of canonical feeds: codes, lots, exact decimals, and the server's clock."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from ingestion.connectors.mt5_codes import (
    ACTIONS,
    ASSET_CLASSES,
    ENTRIES,
    REASONS,
    RIGHT_ENABLED,
    RIGHT_READ_ONLY,
    RIGHT_TRADE_DISABLED,
    TRADES,
)
from ingestion.connectors.values import decimal_of, exact, trimmed, utc_text, wall_to_utc

_FILETIME_EPOCH = datetime(1601, 1, 1)
_NO_TIME = ("0000-00-00", "1970-01-01 00:00:00", "1970-01-01T00:00:00")

Source = Mapping[str, str | None]
"""A source row: documented column name -> text."""


@dataclass
class Clock:
    """The server's clock, and what the rows' own change stamps say of it."""

    zone: str | int
    observed: Counter[int] = field(default_factory=Counter)
    compared: int = 0

    def utc(self, source: Source, *names: str) -> datetime | None:
        """The first of the named times that is set, in UTC; None when all are null dates."""
        for name in names:
            text = trimmed(source.get(name))
            if text is None or text.startswith(_NO_TIME):
                continue
            try:
                wall = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{name}: {text!r} is not a date and time") from None
            return wall_to_utc(wall.replace(tzinfo=None), self.zone)
        return None

    def compare(self, at: datetime, stamp: datetime | None) -> None:
        """Notes a row whose stamp lies a whole number of quarter hours beside its time: the clock is set otherwise."""
        if stamp is None:
            return
        minutes = round((at - stamp).total_seconds() / 900) * 15
        if abs(at - stamp - timedelta(minutes=minutes)) > timedelta(seconds=5) or abs(minutes) > 15 * 60:
            return  # changed later: its stamp says when, and nothing of the clock
        self.compared += 1
        if minutes:
            self.observed[minutes] += 1

    def remark(self) -> tuple[str, ...]:
        """What the stamps say, when they disagree."""
        return tuple(
            f"{count} of {self.compared} rows lie {minutes:+d} minutes beside their own stamp with the clock assumed "
            f"({self.zone}): check time_zone"
            for minutes, count in sorted(self.observed.items())
        )


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


def _deal(table: Table, source: Source) -> dict[str, object]:
    code = _code(source, "Action")
    if code not in ACTIONS:
        raise ValueError(f"Action: {source.get('Action')!r} is no deal action of MetaTrader 5")
    action, cancelled = ACTIONS[code]
    trade = action in TRADES
    executed = table.clock.utc(source, "TimeMsc", "Time")
    if executed is None:
        raise ValueError("Time: is a null date")
    table.clock.compare(executed, _filetime(source))
    digits, money = source.get("Digits"), source.get("DigitsCurrency")
    entry = _code(source, "Entry") if trade else None
    if entry is not None and entry not in ENTRIES:
        raise ValueError(f"Entry: {source.get('Entry')!r} is no deal entry of MetaTrader 5")
    return {
        "platform": table.platform,
        "deal_id": _identity(source, "Deal"),
        "order_id": _unless_zero(source, "Order"),
        "position_id": _unless_zero(source, "PositionID"),
        "login": _identity(source, "Login"),
        "executed_at": utc_text(executed),
        "action": action,
        "is_cancelled": "true" if cancelled else "false",
        "entry": None if entry is None else ENTRIES[entry],
        "symbol": trimmed(source.get("Symbol")),
        "volume_lots": _lots(source) if trade else None,
        "price": _rounded(source.get("Price"), digits) if trade else None,
        "profit": _rounded(source.get("Profit"), money),
        "swap": _rounded(source.get("Storage"), money),
        "commission": _rounded(source.get("Commission"), money),
        "fee": _rounded(source.get("Fee"), money),
        "bid": _rounded(_unless_zero(source, "MarketBid"), digits),
        "ask": _rounded(_unless_zero(source, "MarketAsk"), digits),
        "reason": REASONS.get(_code(source, "Reason") if trimmed(source.get("Reason")) else -1),
        "comment": trimmed(source.get("Comment")),
        "source_version": _unless_zero(source, "Timestamp"),
        "dealer": _unless_zero(source, "Dealer"),
        "external_id": trimmed(source.get("ExternalID")),
        "rate_profit": _rounded(source.get("RateProfit"), None),
    }


def _account(table: Table, source: Source) -> dict[str, object]:
    group = trimmed(source.get("Group"))
    opened = table.clock.utc(source, "Registration")
    changed = _filetime(source) or opened
    if changed is None:
        raise ValueError("Timestamp, Registration: neither says when the account changed")
    rights = _code(source, "Rights") if trimmed(source.get("Rights")) else RIGHT_ENABLED
    status = "read_only" if rights & (RIGHT_TRADE_DISABLED | RIGHT_READ_ONLY) else "open"
    return {
        "platform": table.platform,
        "login": _identity(source, "Login"),
        "changed_at": utc_text(changed),
        "client_id": _unless_zero(source, "ClientID"),
        "account_group": group,
        "currency": table.groups.get(group or "", table.currency),
        "leverage": _unless_zero(source, "Leverage"),
        "entity": table.entity,
        "status": status if rights & RIGHT_ENABLED else "closed",
        "is_demo": None if group is None else str("demo" in group.lower().split("\\")[0]).lower(),
        "opened_at": utc_text(opened) if opened else None,
        "source_version": _unless_zero(source, "Timestamp"),
        "agent": _unless_zero(source, "Agent"),
        "lead_source": trimmed(source.get("LeadSource")),
        "lead_campaign": trimmed(source.get("LeadCampaign")),
    }


def _snapshot(table: Table, source: Source) -> dict[str, object]:
    digits = source.get("CurrencyDigits")
    level = decimal_of(source.get("MarginLevel"))
    return {
        "platform": table.platform,
        "login": _identity(source, "Login"),
        "captured_at": table.captured_at,
        "balance": _rounded(source.get("Balance"), digits),
        "credit": _rounded(source.get("Credit"), digits),
        "equity": _rounded(source.get("Equity"), digits),
        "margin": _rounded(source.get("Margin"), digits),
        "free_margin": _rounded(source.get("MarginFree"), digits),
        "margin_level": None if level is None else _rounded(exact(level / 100), "6"),  # MetaTrader writes per cent
        "floating_pnl": _rounded(source.get("Floating") or source.get("Profit"), digits),
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
        "floating_profit": _rounded(source.get("Profit"), source.get("DigitsCurrency")),
        "swap": _rounded(source.get("Storage"), source.get("DigitsCurrency")),
    }


def _symbol(table: Table, source: Source) -> dict[str, object]:
    path = trimmed(source.get("Path"))
    folder = (path or "").lower().split("\\")[0]
    digits = trimmed(source.get("Digits"))
    point = decimal_of(source.get("Point")) or (Decimal(1).scaleb(-int(digits)) if digits else None)
    pip = point * 10 if point and digits in ("3", "5") else point
    changed = _filetime(source)
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
        "source_version": _unless_zero(source, "Timestamp"),
    }


def _filetime(source: Source) -> datetime | None:
    """`Timestamp`, 100-nanosecond steps since 1601 in UTC, to the microsecond; None when it is not set."""
    ticks = int(_unless_zero(source, "Timestamp") or 0)
    if not 0 < ticks < 2**62:
        return None
    try:
        return _FILETIME_EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError:
        return None


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


_DEALS = """platform deal_id order_id position_id login executed_at action is_cancelled entry symbol volume_lots price
profit swap commission fee bid ask reason comment source_version dealer external_id rate_profit"""
_ACCOUNTS = """platform login changed_at client_id account_group currency leverage entity status is_demo opened_at
source_version agent lead_source lead_campaign"""
_SNAPSHOTS = "platform login captured_at balance credit equity margin free_margin margin_level floating_pnl"
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
}
