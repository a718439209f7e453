"""A small broker's money, row by row: the worked postings of domain.md 8.2 as the feeds would bring them. Client C1 has a wallet in USD."""

from typing import Any

from tests.dbt.more_rows import more_feeds

Row = dict[str, Any]
JAN = "2026-01-"


def at(day: int, clock: str = "10:00:00") -> str:
    return f"{JAN}{day:02d}T{clock}Z"


def deal(deal_id: int, day: int, action: str, login: int = 1001, **more: Any) -> Row:
    return {
        "platform": "mt5", "deal_id": deal_id, "login": login, "executed_at": at(day), "action": action,
        "volume_lots": "1" if action in ("buy", "sell") else "0", "price": "1.1" if action in ("buy", "sell") else "0",
    } | more  # fmt: skip


def psp(event_id: str, day: int, kind: str, amount: str, **more: Any) -> Row:
    return {
        "psp": "payco", "event_id": event_id, "psp_txn_id": f"T-{event_id}", "kind": kind, "status": "completed", "amount": amount,
        "currency": "USD", "occurred_at": at(day),
    } | more  # fmt: skip


def request(event_id: str, request_id: str, day: int, event: str, clock: str = "10:00:00", **more: Any) -> Row:
    return {
        "event_id": event_id, "request_id": request_id, "client_id": "C1", "request_kind": "withdrawal", "event": event,
        "amount": "300", "currency": "USD", "fee_amount": "5", "fee_currency": "USD", "occurred_at": at(day, clock),
    } | more  # fmt: skip


def line(line_no: int, day: int, amount: str, account: str = "UK-CLIENT", **more: Any) -> Row:
    return {
        "bank_account": account, "statement_id": "S1", "line_no": line_no, "booked_on": f"{JAN}{day:02d}", "amount": amount, "currency": "USD",
    } | more  # fmt: skip


def client(client_id: str, **more: Any) -> Row:
    return {
        "client_id": client_id,
        "changed_at": "2025-01-01T00:00:00Z",
        "entity": "UK",
        "registered_at": "2025-01-01T00:00:00Z",
    } | more


def account(login: int, currency: str, client_id: str = "C1", **more: Any) -> Row:
    return {
        "platform": "mt5", "login": login, "changed_at": "2025-01-01T00:00:00Z", "client_id": client_id, "currency": currency, "book": "B",
        "entity": "UK", "status": "open",
    } | more  # fmt: skip


def transfer(event_id: str, request_id: str, day: int, **more: Any) -> Row:
    return {
        "event_id": event_id, "request_id": request_id, "client_id": "C1", "request_kind": "internal_transfer", "event": "paid",
        "amount": "1100", "currency": "USD", "from_account": "wallet", "to_account": "mt5:1001", "occurred_at": at(day),
    } | more  # fmt: skip


def broker_feeds() -> dict[str, list[Row]]:
    """Every feed's rows, of C1 and then of C5."""
    more = more_feeds({"psp": psp, "request": request, "transfer": transfer, "deal": deal, "line": line})
    return {name: rows + more.get(name, []) for name, rows in _feeds().items()}


def _feeds() -> dict[str, list[Row]]:
    return {
        "clients": [client("C1"), client("CT", is_test=True), client("C5")],
        "trading_accounts": [
            account(1001, "USD"), account(1002, "EUR"), account(1003, "USD", is_demo=True), account(1005, "USD", "C5"),
            account(1006, "EUR", "C5"),
        ],
        "bank_accounts": [
            {"bank_account": name, "valid_from": "2025-01-01T00:00:00Z", "entity": "UK", "currency": "USD", "is_client_money": mine}
            for name, mine in (("UK-CLIENT", True), ("UK-FIRM", False))
        ],
        "fx_rates": [{"base_currency": "EUR", "quote_currency": "USD", "quoted_at": "2026-01-01T00:00:00Z", "rate": "1.1"}],
        "psp_transactions": [
            psp("e0", 2, "deposit", "1000", status="initiated", psp_txn_id="T-e1", client_id="C1"),
            psp("e1", 2, "deposit", "1000", client_id="C1", fee_amount="25", settlement_batch_id="B1"),
            psp("e1b", 3, "deposit", "1000", client_id="C1", psp_txn_id="T-e1", fee_amount="25"),
            psp("e2", 2, "deposit", "5000", client_id="C1", fee_amount="10", fee_borne_by="client"),
            psp("e3", 2, "deposit", "70", client_id="CT"),
            psp("h1", 3, "reserve_hold", "100", settlement_batch_id="B1"),
            psp("s1", 3, "settlement", "875", settlement_batch_id="B1", bank_account="UK-FIRM"),
            psp("e4", 4, "deposit", "40", client_id="C1"),
            psp("e5", 5, "deposit", "40", client_id="C1", psp_txn_id="T-e4", status="failed"),
            psp("h2", 6, "reserve_release", "100"),
            psp("w1", 8, "withdrawal", "295", client_reference="R1", client_id="C1", fee_amount="1"),
            psp("c1", 20, "chargeback", "1000", client_id="C1", psp_txn_id="CB1", original_psp_txn_id="T-e1", fee_amount="20"),
            psp("c2", 21, "chargeback_reversal", "1000", client_id="C1", psp_txn_id="CB1", original_psp_txn_id="T-e1"),
            psp("c3", 22, "chargeback", "9000", client_id="C1", psp_txn_id="CB2", original_psp_txn_id="T-e2"),
            psp("c4", 23, "chargeback_lost", "9000", client_id="C1", psp_txn_id="CB2", original_psp_txn_id="T-e2"),
            psp("c5", 24, "chargeback_reversal", "9000", client_id="C1", psp_txn_id="CB2", original_psp_txn_id="T-e2"),
        ],
        "cash_requests": [
            transfer("x1", "X1", 3),
            transfer("x2", "X2", 4, to_account="mt5:1002", to_amount="990.10", to_currency="EUR", rate="0.90009091"),
            request("r1", "R1", 7, "requested"),
            request("r2", "R1", 7, "approved", "11:00:00"),
            request("r3", "R1", 7, "sent", "12:00:00"),
            request("r4", "R1", 8, "paid", "10:02:00", psp="payco"),
            request("q1", "R2", 9, "requested"),
            request("q2", "R2", 9, "sent", "12:00:00"),
            request("q3", "R2", 10, "paid"),
            request("q4", "R2", 13, "returned"),
            request("p1", "R3", 9, "requested"),
            request("p2", "R3", 9, "rejected", "12:00:00"),
            request("o1", "R4", 9, "requested"),
            request("o2", "R4", 9, "sent", "12:00:00"),
            request("o3", "R4", 9, "failed", "13:00:00"),
        ],
        "bank_statement_lines": [
            line(1, 2, "1000", kind="own_transfer", counter_account="UK-FIRM"),
            line(1, 2, "-1000", "UK-FIRM", kind="own_transfer", counter_account="UK-CLIENT"),
            line(2, 3, "400", reference="payment C1 thanks"),
            line(3, 3, "60", reference="no name"),
            line(2, 4, "875", "UK-FIRM", reference="B1"),
            line(3, 5, "-30", "UK-FIRM", kind="bank_fee"),
            line(4, 5, "12", "UK-FIRM", kind="interest"),
            line(5, 5, "-500", "UK-FIRM", kind="lp_funding"),
            line(4, 10, "-295", reference="R2"),
            line(5, 13, "295", reference="R2 returned"),
            line(6, 14, "-60", return_of_line="S1/3"),
        ],
        "deals": [
            deal(1, 3, "balance", profit="1100", reference="X1"),
            deal(2, 4, "balance", login=1002, profit="990.10", reference="X2"),
            deal(3, 5, "buy", entry="in", position_id="P1", commission="-7"),
            deal(4, 6, "sell", entry="out", position_id="P1", profit="120", swap="-3", commission="-7", fee="-1"),
            deal(5, 6, "buy", entry="out", position_id="P2", profit="-80"),
            deal(6, 6, "credit", profit="200"),
            deal(7, 6, "so_compensation", profit="150"),
            deal(8, 6, "bonus", profit="10"),
            deal(9, 6, "buy", login=1003, entry="out", profit="5"),
            deal(10, 6, "balance", login=1003, profit="5000"),
            deal(11, 6, "buy", login=7777, entry="out", profit="5"),
        ],
        "account_snapshots": [
            {"platform": "mt5", "login": 1001, "captured_at": at(day, "23:59:59"), "balance": balance, "credit": "200", "equity": balance}
            for day, balance in ((6, "1282"), (7, "1282"), (8, "1200"), (9, "1282"))
        ],
        "lp_trades": [
            {
                "venue": "prime", "trade_id": "L1", "executed_at": at(6), "symbol": "EURUSD", "side": "buy", "volume_lots": "1", "price": "1.1",
                "profit": "50", "commission": "-2", "swap": "1", "currency": "USD",
            }
        ],
        "opening_balances": [
            {"entity": "UK", "account_code": "1020", "currency": "USD", "as_of": "2026-01-01", "bank_account": "UK-FIRM", "amount": "9000"},
            {"entity": "UK", "account_code": "3000", "currency": "USD", "as_of": "2026-01-01", "amount": "-9000"},
        ],
    }  # fmt: skip
