"""Random small brokers for the commission engine: trees with moved and refused links, plans and rules of several versions, awkward positions."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.dbt.generated_clients import CURRENCIES, DAYS, PLATFORM, START, Draw, gift, kyc_rows, payment_rows
from tests.dbt.naive_broker import PERIODIC
from tests.dbt.naive_commissions import Broker, Row

SYMBOLS = ("EURUSD", "USDJPY", "XAUUSD", "BTCUSD")
TYPES = ("standard", "raw", "cent")
RANKS = {"bronze": 1, "silver": 2, "gold": 3}
SHARED = {"symbols", "rates"}
"""What all brokers of a home have in common."""


def market(seed: int) -> Broker:
    """Symbols and exchange rates, which all brokers of a home share; some come only after the first deals."""
    draw = Draw(seed)
    shared = Broker()
    groups = {"EURUSD": "fx", "USDJPY": "fx", "XAUUSD": "metals", "BTCUSD": "crypto"}
    for symbol in SYMBOLS:
        start = START + timedelta(days=8) if symbol == "BTCUSD" else START - timedelta(days=30)
        shared.symbols.append(symbol_row(symbol, start, groups[symbol]))
    shared.symbols.append(symbol_row("XAUUSD", START + timedelta(days=25, seconds=7), "fx"))
    pairs = {
        ("EUR", "USD"): (105, 115, 2, 0), ("USD", "JPY"): (14000, 16000, 2, 0), ("GBP", "USD"): (120, 130, 2, 6),
        ("EUR", "GBP"): (82, 88, 2, 30),
    }  # fmt: skip
    for (base, quote), (low, high, scale, first) in pairs.items():
        for day in range(first, DAYS, 3):
            at = START + timedelta(days=day, hours=draw.random.randint(0, 20), seconds=len(shared.rates))
            shared.rates.append(
                {"base_currency": base, "quote_currency": quote, "quoted_at": at, "rate": draw.number(low, high, scale)}
            )
    return shared


def symbol_row(symbol: str, at: datetime, group: str) -> Row:
    return {
        "platform": PLATFORM, "symbol": symbol, "valid_from": at, "symbol_group": group, "asset_class": group, "contract_size": Decimal(100),
        "base_currency": symbol[:3] if group == "fx" and symbol != "XAUUSD" else "USD", "quote_currency": symbol[3:],
        "pip_size": Decimal("0.01"), "digits": 2,
    }  # fmt: skip


def generate(seed: int, shared: Broker) -> Broker:
    """One broker, whose ids bear the seed, on the shared market."""
    draw = Draw(seed)
    broker = Broker(symbols=shared.symbols, rates=shared.rates)
    partners = [f"P{seed}-{number}" for number in range(draw.random.randint(2, 6))]
    clients = [f"C{seed}-{number}" for number in range(4)]
    plans = [f"PL{seed}-{number}" for number in range(3)]
    for plan_id in plans:
        ranked = draw.chance(0.2)
        broker.plans += plan_versions(draw, plan_id, ranked)
        broker.rules += plan_rules(draw, plan_id, ranked)
    for partner_id in partners:
        broker.partners += partner_rows(draw, partner_id, plans, clients)
    for client_id in clients:
        broker.clients.append({
            "client_id": client_id, "changed_at": START - timedelta(days=20), "is_test": draw.chance(0.08),
            "registered_at": START - timedelta(days=draw.random.randint(0, 20)),
        })  # fmt: skip
        broker.links += client_links(draw, client_id, partners)
        broker.kyc += kyc_rows(draw, client_id)
        broker.payments += payment_rows(draw, client_id)
    for partner_id in partners:
        broker.links += partner_links(draw, partner_id, partners)
    for number, client_id in enumerate(clients):
        broker.accounts += account_rows(draw, seed * 10 + number, client_id)
        broker.snapshots += snapshot_rows(draw, seed * 10 + number)
    deal_id = seed * 1000
    for number in range(len(clients)):
        # some of a client's positions meet on one day in one symbol
        busy_day = draw.random.randint(0, DAYS - 3)
        for _ in range(draw.random.randint(1, 5)):
            made = position(draw, deal_id, seed * 10 + number, busy_day if draw.chance(0.4) else None)
            broker.deals += made
            deal_id += len(made)
        if draw.chance(0.5):
            broker.deals.append(gift(draw, deal_id, seed * 10 + number))
            deal_id += 1
    return broker


def plan_versions(draw: Draw, plan_id: str, ranked: bool) -> list[Row]:
    versions = []
    # as many plain plans, which the rate card alone decides, as ones with something of everything
    plain = draw.chance(0.35)
    currency = draw.one("USD", "USD", "EUR")
    for version in range(1, draw.one(2, 3)):
        start = START - timedelta(days=30) if version == 1 and draw.chance(0.9) else draw.moment()
        versions.append({
            "plan_id": plan_id, "version": version, "name": plan_id,
            "distribution": draw.one("level", "difference", "rank", "share_of_child", "level" if plain else "pass_up") if not ranked else "rank",
            "currency": currency, "settings": settings(draw) | ({} if plain else stages(draw)), "valid_from": start,
            "valid_to": start + timedelta(days=draw.random.randint(40, 90)) if draw.chance(0.06) else None,
        })  # fmt: skip
    return versions


def settings(draw: Draw) -> Row:
    chosen: Row = {}
    if draw.chance(0.3):
        chosen["max_levels"] = draw.random.randint(1, 3)
    if draw.chance(0.3):
        chosen["compress"] = True
    if draw.chance(0.3):
        chosen["min_hold_seconds"] = draw.one(30, 60, 600)
    if draw.chance(0.15):
        chosen["min_points"] = draw.one(500, 4000)
    if draw.chance(0.2):
        chosen["exclude_reasons"] = ["dealer"]
    if draw.chance(0.2):
        chosen["negative_carry"] = False
    if draw.chance(0.4):
        mode, per = draw.one("half_even", "half_up", "down"), draw.one("line", "line", "statement")
        chosen["rounding"] = {"digits": draw.random.randint(0, 6), "mode": mode, "per": per}
    return chosen


def stages(draw: Draw) -> Row:
    """Settings that make one deal depend on others, or on more than its rate."""
    chosen: Row = {}
    if draw.chance(0.2):
        chosen["side"] = draw.one("open", "both", "both")
    if draw.chance(0.3):
        chosen["hedge"] = "max_side"
    if draw.chance(0.15):
        chosen["credit_coefficient"] = True
    if draw.chance(0.2):
        chosen["house_cap_pct"] = draw.one("0.1", "0.5", "0.8")
    if draw.chance(0.3):
        names = draw.random.sample(["per_deal", "per_day", "per_week", "per_month"], draw.random.randint(1, 3))
        chosen["caps"] = {name: draw.one(0, 3, 20, 100, 500) for name in names}
    if draw.chance(0.25):
        chosen["tier"] = tier(draw)
    return chosen


def tier(draw: Draw) -> Row:
    sizes = {
        "lots": 3,
        "notional_usd": 30_000,
        "active_clients": 1,
        "commission": 10,
        "deposits": 40,
        "net_revenue": 40,
    }
    kpi = draw.one(*sizes, "lots", "net_revenue")
    size = sizes[kpi]
    starts = sorted(draw.random.sample(range(6), draw.random.randint(1, 3)))
    chosen: Row = {
        "kpi": kpi, "window": draw.one("calendar_month", "calendar_month", "previous_months:1", "previous_months:2", "rolling_days:20"),
        "mode": draw.one("whole", "marginal"),
        # now and then above 1: money, and no share
        "steps": [{"from": start * size, "rate": str(draw.number(1, 90, 2) + draw.one(*[0] * 19, 1))} for start in starts],
    }  # fmt: skip
    if draw.chance(0.3):
        chosen["scheme"] = (
            "revenue_share" if kpi == "net_revenue" else draw.one("per_lot", "pct_commission", "revenue_share", "cpa")
        )
    if draw.chance(0.2):
        chosen["level"] = draw.one(1, 2)
    return chosen


def plan_rules(draw: Draw, plan_id: str, ranked: bool) -> list[Row]:
    rules = []
    currencies = draw.one(["USD"], ["USD", None], ["EUR"], ["GBP"])
    for number in range(draw.random.randint(5, 14)):
        currency = draw.one(*currencies)
        scheme = draw.one(
            *["per_lot", "pct_commission"] * 4,
            *["per_million", "points", "pct_spread", "pct_profit"] * 2,
            *["cpa", "revenue_share"] * 3,
        )
        terms = {
            "level": draw.one(None, None, 1, 1, 2, 3), "rank": draw.one(*RANKS) if ranked else draw.one(None, None, *RANKS),
            "symbol_group": draw.one(None, None, None, "fx", "metals"),
            "symbol": draw.one(*[None] * 5, "XAUUSD"), "account_type": draw.one(*[None] * 6, "raw", "cent"),
        }  # fmt: skip
        if scheme in PERIODIC and draw.chance(0.85):
            terms |= {
                "symbol_group": None,
                "symbol": None,
                "account_type": None,
                "rank": terms["rank"] if ranked else None,
            }
        for version in range(1, draw.one(2, 2, 3)):
            rate = (
                draw.number(0, 60, 2)
                if scheme.startswith("pct_") or scheme == "revenue_share"
                else draw.number(0, 1200, 2)
            )
            parameters = rule_parameters(draw, scheme)
            if terms["rank"] and draw.chance(0.9):
                parameters["rank_order"] = RANKS[terms["rank"]]
            rules.append({
                "plan_id": plan_id, "rule_id": f"{plan_id}-R{number}", "version": version, "scheme": scheme, **terms, "rate": rate,
                "currency": currency, "parameters": parameters,
                "valid_from": START - timedelta(days=30) if version == 1 else draw.moment(),
                "valid_to": draw.moment(40) if draw.chance(0.15) else None,
            })  # fmt: skip
    return rules


def rule_parameters(draw: Draw, scheme: str) -> Row:
    chosen: Row = {"lots_multiplier": "0.01"} if draw.chance(0.2) else {}
    if scheme == "points":
        chosen |= {"points": str(draw.number(10, 300, 1))} if draw.chance(0.7) else {"pips": str(draw.number(1, 30, 1))}
    if scheme == "pct_spread":
        chosen["spread_at"] = draw.one("close", "open", "both")
        if draw.chance(0.4):
            chosen["max_points"] = str(draw.number(1, 12, 0))
    if scheme == "cpa":
        chosen |= conditions(draw)
    if draw.chance(0.4):
        chosen |= (
            {"pass_up": str(draw.number(1, 400, 2))}
            if draw.chance(0.5)
            else {"pass_up_pct": str(draw.number(1, 100, 2))}
        )
    return chosen


def conditions(draw: Draw) -> Row:
    """What a client must have done before it is won, and for some a ladder of what it pays."""
    chosen: Row = {}
    if draw.chance(0.4):
        chosen["min_deposit"] = draw.one(20, "60.5")
    if draw.chance(0.3):
        chosen["min_lots"] = draw.one("0.5", 2, 5)
    if draw.chance(0.3):
        chosen["within_days"] = draw.one(30, 60)
    if draw.chance(0.2):
        chosen["min_commission_ratio"] = draw.one("0.01", "0.5")
    if draw.chance(0.4):
        chosen["ladder"] = [[10, "1.5"], [60, 4], [120, "9.25"]][: draw.random.randint(1, 3)]
    return chosen


def partner_rows(draw: Draw, partner_id: str, plans: list[str], clients: list[str]) -> list[Row]:
    person = draw.one(*clients) if draw.chance(0.15) else None
    rows = []
    for number in range(draw.random.randint(1, 3)):
        rows.append({
            "partner_id": partner_id, "changed_at": draw.moment() if number or draw.chance(0.1) else START - timedelta(days=20),
            "client_id": person, "status": draw.one(*["active"] * 6, "suspended"), "rank": draw.one(*RANKS, *RANKS, None),
            "plan_id": draw.one(*plans * 12, f"{partner_id}-nowhere"),
        })  # fmt: skip
    return rows


def client_links(draw: Draw, client_id: str, partners: list[str]) -> list[Row]:
    rows = []
    for number in range(draw.random.randint(0, 3)):
        at = START - timedelta(days=10) if number == 0 and draw.chance(0.85) else draw.moment()
        rows.append(link("client", client_id, at, draw.one(*partners, None) if number else draw.one(*partners)))
    return rows


def partner_links(draw: Draw, partner_id: str, partners: list[str]) -> list[Row]:
    rows = []
    for number in range(draw.random.randint(1, 3)):
        others = [other for other in partners if other != partner_id]
        rows.append(
            link(
                "partner",
                partner_id,
                draw.moment(-9, -1) if number == 0 else draw.moment(),
                draw.one(*others, *others, None),
            )
        )
    return rows


def link(kind: str, child: str, at: datetime, parent: str | None) -> Row:
    return {"child_kind": kind, "child_id": child, "valid_from": at, "parent_partner_id": parent}


def account_rows(draw: Draw, login: int, client_id: str) -> list[Row]:
    first = {
        "platform": PLATFORM, "login": login, "changed_at": START - timedelta(days=15) if draw.chance(0.9) else draw.moment(), "client_id": client_id,
        "account_type": draw.one(*TYPES), "currency": draw.one("USD", "USD", *CURRENCIES), "entity": "CY", "is_demo": draw.chance(0.08),
    }  # fmt: skip
    return (
        [first, {**first, "changed_at": draw.moment(), "account_type": draw.one(*TYPES)}]
        if draw.chance(0.2)
        else [first]
    )


def snapshot_rows(draw: Draw, login: int) -> list[Row]:
    rows = []
    for _ in range(draw.random.randint(0, 4)):
        equity = draw.number(-20, 900, 1)
        rows.append({
            "platform": PLATFORM, "login": login, "captured_at": draw.moment(), "balance": equity, "equity": equity,
            "credit": draw.one(Decimal(0), draw.number(0, 500, 1)),
        })  # fmt: skip
    return rows


def position(draw: Draw, deal_id: int, login: int, busy_day: int | None) -> list[Row]:
    """The deals of one position: closed at once, in parts, added to, turned, closed by another leg, or of unknown opening."""
    at = draw.moment(0, DAYS - 2) if busy_day is None else draw.moment(busy_day, busy_day + 0.8)
    lots = draw.number(1, 400, 2)
    buy = draw.chance(0.5)
    steps = {
        "plain": [("in", lots, True), ("out", lots, False)],
        "parts": [("in", lots * 2, True), ("out", lots, False), ("out", lots, False)],
        "added": [
            ("in", lots, True),
            ("in", lots / 2, True),
            ("out", lots, False),
            ("in", lots, True),
            ("out", lots / 2, False),
        ],
        "again": [("in", lots, True), ("out", lots, False), ("in", lots / 2, True), ("out", lots / 2, False)],
        "turned": [("in", lots, True), ("inout", lots * 3, False), ("out", lots, True)],
        "by": [("in", lots, True), ("out_by", lots, False), ("out_by", lots, True)],
        "unknown": [("out", lots, False)],
    }[draw.one("plain", "plain", "parts", "added", "again", "turned", "by", "unknown")]
    symbol, price = draw.one(*SYMBOLS) if busy_day is None else "EURUSD", draw.number(100_000, 110_000, 2)
    rows = []
    for number, (entry, size, same_side) in enumerate(steps):
        dealt_at = price + draw.number(-6000, 6000, 2)
        known = draw.chance(0.9)
        rows.append({
            "platform": PLATFORM, "deal_id": deal_id + number, "order_id": f"O{deal_id}" if entry == "out_by" else f"O{deal_id + number}",
            "position_id": f"T{deal_id}" if not (entry == "out_by" and same_side) else f"T{deal_id}-by", "login": login, "executed_at": at,
            "action": "buy" if same_side == buy else "sell", "is_cancelled": draw.chance(0.04), "entry": entry, "symbol": symbol, "volume_lots": size,
            "price": dealt_at, "bid": dealt_at if known else None, "ask": dealt_at + draw.number(0, 20, 2) if known else None,
            "profit": draw.number(-900, 900, 1) if entry != "in" else Decimal(0), "swap": draw.number(-40, 10, 1), "fee": Decimal(0),
            "commission": -draw.number(0, 2000, 2) if draw.chance(0.7) else Decimal(0),
            "reason": draw.one("client", "client", "client", "dealer", "stop_out"),
        })  # fmt: skip
        at += timedelta(seconds=draw.one(30, 60, 600, 3_600, 86_400, 600_000))
    return rows


def feed_row(row: Row) -> Row:
    """The row as a feed file has it: times as ISO text, decimals as text, settings and parameters as JSON."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value) if isinstance(value, dict) else value
