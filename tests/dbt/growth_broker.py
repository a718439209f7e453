"""A broker by hand of whom every figure of growth, trading and support can be worked out on paper: five clients, two books, one hedge."""

from typing import Any

Row = dict[str, Any]
FIRST, SECOND = "2026-03-01T12:00:00", "2026-03-20T12:00:00"
USD_DAYS = "2026-01-01"


def client(client_id: str, registered_at: str, **more: Any) -> Row:
    return {
        "client_id": client_id, "changed_at": registered_at, "registered_at": registered_at, "entity": "CY", "first_name": f"Ann {client_id}",
        "last_name": "Lee", "email": f"{client_id.lower()}@mail.example", "marketing_consent": True, "lead_id": f"L{client_id[1:]}", **more,
    }  # fmt: skip


def account(login: int, client_id: str, book: str, **more: Any) -> Row:
    return {
        "platform": "mt5", "login": login, "changed_at": "2026-01-01", "client_id": client_id, "entity": "CY", "currency": "USD", "book": book,
        "account_type": "standard", "leverage": 50, "status": "open", "is_demo": False, "opened_at": "2026-01-05T00:00:00", **more,
    }  # fmt: skip


def trade(deal_id: int, login: int, at: str, entry: str, **more: Any) -> Row:
    return {
        "platform": "mt5", "deal_id": deal_id, "login": login, "executed_at": at, "action": "buy" if entry == "in" else "sell", "entry": entry,
        "symbol": "EURUSD", "position_id": f"p{login}", "volume_lots": "1", "price": "1.2", "profit": "0", "swap": "0", "commission": "-5",
        "fee": "0", "bid": "1.1999", "ask": "1.2001", **more,
    }  # fmt: skip


def psp(event_id: str, client_id: str, at: str, amount: str = "1000", **more: Any) -> Row:
    return {
        "psp": "adyen", "event_id": event_id, "psp_txn_id": f"T-{event_id}", "kind": "deposit", "status": "completed", "method": "card",
        "amount": amount, "currency": "USD", "client_id": client_id, "instrument_id": f"card-{client_id}", "occurred_at": at, **more,
    }  # fmt: skip


def kyc(event_id: str, client_id: str, at: str, **more: Any) -> Row:
    return {
        "provider": "onfido", "event_id": event_id, "client_id": client_id, "event": "status_changed", "actor_type": "staff", "actor_id": "S1",
        "occurred_at": at, **more,
    }  # fmt: skip


def approved(client_id: str, submitted: str, decided: str) -> list[Row]:
    return [
        kyc(f"{client_id}s", client_id, submitted, from_status="NOT_STARTED", to_status="SUBMITTED"),
        kyc(f"{client_id}a", client_id, decided, from_status="SUBMITTED", to_status="APPROVED"),
    ]


def snapshot(login: int, at: str, equity: str, level: str | None = None) -> Row:
    return {
        "platform": "mt5", "login": login, "captured_at": at, "balance": equity, "equity": equity, "credit": "0", "margin_level": level,
    }  # fmt: skip


def position(position_id: str, login: int, at: str, side: str, lots: str, price: str = "1.25") -> Row:
    return {
        "platform": "mt5", "position_id": position_id, "captured_at": at, "login": login, "symbol": "EURUSD", "side": side,
        "volume_lots": lots, "current_price": price,
    }  # fmt: skip


def hedge(trade_id: str, at: str, side: str, lots: str, position_id: str, **more: Any) -> Row:
    return {
        "venue": "prime", "trade_id": trade_id, "executed_at": at, "symbol": "EURUSD", "side": side, "volume_lots": lots, "price": "1.2",
        "profit": "0", "commission": "-2", "swap": "0", "currency": "USD", "position_id": position_id, **more,
    }  # fmt: skip


def ticket(event_id: str, ticket_id: str, event: str, at: str, **more: Any) -> Row:
    return {
        "event_id": event_id, "ticket_id": ticket_id, "client_id": "C1", "event": event, "priority": "high", "channel": "email",
        "actor_type": "client" if event in ("created", "client_replied") else "staff", "occurred_at": at, **more,
    }  # fmt: skip


def lead(number: int, at: str, source: str = "ads") -> Row:
    return {
        "lead_id": f"L{number}",
        "changed_at": at,
        "created_at": at,
        "source": source,
        "country": "CY",
        "status": "new",
    }


BROKER: dict[str, list[Row]] = {
    "leads": [lead(1, "2026-01-01"), lead(2, "2026-01-02"), lead(4, "2026-01-02"), lead(9, "2026-01-20", "fair")],
    "clients": [
        client("C1", "2026-01-02T00:00:00"),
        client("C2", "2026-02-24T00:00:00"),
        client("C3", "2026-01-02T00:00:00", is_test=True, lead_id=None),
        client("C4", "2026-01-02T00:00:00", marketing_consent=False),
        client("C5", "2026-01-02T00:00:00", lead_id=None),
    ],
    "kyc_events": [
        *approved("C1", "2026-01-03T00:00:00", "2026-01-03T12:00:00"),
        *approved("C4", "2026-01-03T00:00:00", "2026-01-04T00:00:00"),
        *approved("C5", "2026-01-03T00:00:00", "2026-01-04T00:00:00"),
        kyc("C5r", "C5", "2026-02-01T00:00:00", event="risk_rated", risk_rating="high"),
        kyc("C1d", "C1", "2026-01-03T00:00:00", event="document_received", document_type="passport", document_expires_on="2026-03-25"),
    ],
    "trading_accounts": [
        account(1, "C1", "A"), account(3, "C3", "B"), account(4, "C4", "B"), account(5, "C5", "B"), account(6, "C5", "B", is_demo=True),
    ],
    "symbols": [{
        "platform": "mt5", "symbol": "EURUSD", "valid_from": "2026-01-01", "symbol_group": "fx_majors", "asset_class": "fx",
        "contract_size": "100000", "base_currency": "EUR", "quote_currency": "USD", "digits": 5, "pip_size": "0.0001",
    }],
    "fx_rates": [{"base_currency": "EUR", "quote_currency": "USD", "quoted_at": USD_DAYS, "rate": "1.2"}],
    "psp_transactions": [
        psp("e1", "C1", "2026-01-04T00:00:00", "30000", fee_amount="30"),
        psp("e2", "C1", "2026-01-04T12:00:00", "500"),
        psp("e3", "C4", "2026-01-08T00:00:00", "1000"),
        psp("e4", "C5", "2026-02-10T00:00:00", "2000"),
        psp("e5", "C5", "2026-02-26T12:00:00", "100", status="declined", decline_code="51"),
        psp("e6", "C5", "2026-02-20T00:00:00", "500", kind="withdrawal"),
    ],
    "deals": [
        # C1, book A: three days of trading in January, a won closing within the minute, and silence since
        trade(1, 1, "2026-01-05T10:00:00", "in"),
        trade(2, 1, "2026-01-05T10:00:30", "out", profit="40"),
        trade(3, 1, "2026-01-06T10:00:00", "in"),
        trade(4, 1, "2026-01-07T10:00:00", "out", profit="-100", swap="-3"),
        # C4, book B: trades on three days until 14 February; C5, book B: one day
        trade(5, 4, "2026-02-12T10:00:00", "in"),
        trade(6, 4, "2026-02-13T10:00:00", "out", profit="-200"),
        trade(7, 4, "2026-02-14T10:00:00", "in"),
        trade(8, 5, "2026-02-24T10:00:00", "in", volume_lots="2"),
        trade(9, 6, "2026-02-24T10:00:00", "in"),
        trade(10, 3, "2026-02-24T10:00:00", "in"),
    ],
    "orders": [
        {"platform": "mt5", "order_id": "o1", "changed_at": "2026-02-24T10:00:00", "login": 5, "symbol": "EURUSD", "side": "buy", "state": "filled",
         "volume_lots": "2", "requested_price": "1.1995", "executed_price": "1.2"},
        {"platform": "mt5", "order_id": "o2", "changed_at": "2026-02-24T11:00:00", "login": 5, "symbol": "EURUSD", "side": "sell", "state": "filled",
         "volume_lots": "1", "requested_price": "1.2", "executed_price": "1.2001"},
    ],
    "account_snapshots": [
        snapshot(1, "2026-01-07T23:00:00", "30432"), snapshot(4, "2026-02-14T23:00:00", "790"),
        snapshot(5, "2026-02-24T23:00:00", "1490", "1.5"), snapshot(5, "2026-02-28T23:00:00", "1200", "1.1"),
    ],
    "positions": [
        position("p1", 1, "2026-01-05T23:00:00", "buy", "3"),
        position("p7", 4, "2026-01-05T23:00:00", "sell", "1"),
        position("p1", 1, "2026-01-06T23:00:00", "buy", "5000"),
        position("p5", 5, "2026-02-24T23:00:00", "buy", "2"),
        position("p9", 6, "2026-02-24T23:00:00", "buy", "9"),
    ],
    "lp_trades": [
        hedge("h1", "2026-01-05T10:00:00", "buy", "2", "p1"),
        hedge("h2", "2026-01-20T10:00:00", "sell", "1.5", "p1", profit="50"),
    ],
    "cash_requests": [
        {"event_id": "w1", "request_id": "W1", "client_id": "C1", "request_kind": "withdrawal", "event": "requested", "amount": "12000",
         "currency": "USD", "method": "card", "actor_type": "client", "actor_id": "C1", "occurred_at": "2026-02-28T10:00:00"},
    ],
    "tickets": [
        # Friday 17:30 in Nicosia (UTC+2), answered on Monday at 10:00: an hour and a half of business
        ticket("t1", "K1", "created", "2026-02-06T15:30:00"),
        ticket("t2", "K1", "agent_replied", "2026-02-06T15:30:05", actor_type="system"),
        ticket("t3", "K1", "agent_replied", "2026-02-09T08:00:00"),
        ticket("t4", "K1", "closed", "2026-02-09T09:00:00"),
        ticket("t5", "K2", "created", "2026-02-10T08:00:00", is_complaint=True),
        ticket("t6", "K2", "agent_replied", "2026-02-10T14:00:00"),
        ticket("t7", "K2", "closed", "2026-02-10T15:00:00"),
        ticket("t8", "K2", "reopened", "2026-02-11T08:00:00"),
    ],
    "communications": [
        {"communication_id": "M1", "client_id": "C1", "channel": "call", "direction": "out", "staff_id": "S1", "subject": "welcome",
         "outcome": "reached", "occurred_at": "2026-01-05T09:00:00"},
    ],
}  # fmt: skip
LATE: dict[str, list[Row]] = {
    # C2 pays in after all, C4 trades again, C1 stays silent
    "psp_transactions": [psp("e7", "C2", "2026-03-05T00:00:00", "300")],
    "deals": [trade(11, 4, "2026-03-02T10:00:00", "out", profit="10")],
}
