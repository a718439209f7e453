"""MetaTrader 5's codes as data: what the numbers in an export and the words in a report mean here."""

from collections.abc import Mapping

# EnDealAction -> (canonical action, cancelled at the source).
ACTIONS: Mapping[int, tuple[str, bool]] = {
    0: ("buy", False),
    1: ("sell", False),
    2: ("balance", False),
    3: ("credit", False),
    4: ("charge", False),
    5: ("correction", False),
    6: ("bonus", False),
    7: ("commission", False),
    8: ("commission_daily", False),
    9: ("commission_monthly", False),
    10: ("agent", False),  # AGENT_DAILY
    11: ("agent", False),  # AGENT_MONTHLY
    12: ("interest", False),
    13: ("buy", True),  # BUY_CANCELED: the original deal, rewritten in place
    14: ("sell", True),
    15: ("dividend", False),
    16: ("dividend", False),  # DIVIDEND_FRANKED
    17: ("tax", False),
    18: ("agent", False),
    19: ("so_compensation", False),
    20: ("so_compensation_credit", False),
}
TRADES = frozenset({"buy", "sell"})

# EnDealEntry; balance operations carry 0 as well and have no entry here.
ENTRIES: Mapping[int, str] = {0: "in", 1: "out", 2: "inout", 3: "out_by"}

ENTRY_STATE = 255
"""The Web API's entry of a record that neither opens nor closes."""

# EnDealReason, in the order of its codes.
_REASONS = """client expert dealer stop_loss take_profit stop_out rollover external_client margin gateway signal settlement
transfer sync external_service migration mobile web split corporate_action"""
REASONS: Mapping[int, str] = dict(enumerate(_REASONS.split()))

# Rights of mt5_users, bit by bit.
RIGHT_ENABLED, RIGHT_TRADE_DISABLED, RIGHT_READ_ONLY = 0x1, 0x4, 0x200

# First words of a symbol's path, lower case -> asset class.
ASSET_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("forex", "fx", "currenc"), "fx"),
    **dict.fromkeys(("metal", "gold", "silver"), "metal"),
    **dict.fromkeys(("indic", "index"), "index"),
    **dict.fromkeys(("crypto",), "crypto"),
    **dict.fromkeys(("energ", "oil", "commodit"), "commodity"),
    **dict.fromkeys(("stock", "share", "equit"), "share"),
}

# The terminal report's words for a deal's type.
REPORT_ACTIONS: Mapping[str, str] = {
    **{word: word for word in ("buy", "sell", "balance", "credit", "charge", "correction", "bonus", "commission")},
    **{word: word for word in ("interest", "dividend", "tax", "agent")},
    "daily commission": "commission_daily",
    "monthly commission": "commission_monthly",
    "daily agent commission": "agent",
    "monthly agent commission": "agent",
    "interest rate": "interest",
    "buy canceled": "buy",
    "sell canceled": "sell",
    "franked dividend": "dividend",
}
REPORT_ENTRIES: Mapping[str, str] = {"in": "in", "out": "out", "in/out": "inout", "out by": "out_by"}
