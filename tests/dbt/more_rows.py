"""Client C5's money: the postings of domain.md 8.2 that client C1's does not show, and conversions into currencies of 0, 2, 3 and 8 decimals."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
MINE = {"client_id": "C5"}
CONVERTED = (
    ("y1", "14900", "JPY"), ("y2", "90", "EUR"), ("y3", "30", "KWD"), ("y4", "0.0016", "BTC"),
)  # fmt: skip
QUOTES = (("USD", "JPY", "150.005"), ("USD", "KWD", "0.307185"), ("BTC", "USD", "60000"))


def more_feeds(made: dict[str, Callable[..., Row]]) -> dict[str, list[Row]]:
    """Rows by feed, of the makers of ledger_rows."""
    psp, request, transfer, deal, line = (made[name] for name in ("psp", "request", "transfer", "deal", "line"))
    refund = MINE | {"request_kind": "refund", "amount": "60", "fee_amount": "0"}
    wallets = {"from_account": "wallet", "to_account": "wallet", "amount": "100", "rate": "1"} | MINE
    return {
        "fx_rates": [
            {"base_currency": base, "quote_currency": quote, "quoted_at": "2026-01-01T00:00:00Z", "rate": rate}
            for base, quote, rate in QUOTES
        ],
        "psp_transactions": [
            psp("n1", 2, "deposit", "20000", **MINE),
            psp("n2", 3, "reserve_hold", "30"),
            psp("n3", 9, "reserve_release", "30", settlement_batch_id="B6"),
            psp("n4", 8, "deposit", "100", settlement_batch_id="B6", **MINE),
            psp("n5", 9, "settlement", "130", settlement_batch_id="B6", bank_account="UK-FIRM"),
            psp("n6", 12, "refund", "60", client_reference="R5", original_psp_txn_id="T-n1", **MINE),
            psp("n7", 12, "deposit", "1", status="pending", **MINE),
            psp("n8", 15, "deposit", "90", **MINE),
        ],
        "cash_requests": [
            request("f1", "R5", 11, "requested", **refund),
            request("f2", "R5", 11, "sent", "12:00:00", **refund),
            request("g1", "R6", 9, "requested", **MINE),
            request("g2", "R6", 9, "cancelled", "12:00:00", **MINE),
            transfer("x6", "X6", 3, amount="150", to_account="mt5:1005", **MINE),
            transfer("x5", "X5", 5, amount="100", from_account="mt5:1005", to_account="wallet", **MINE),
            transfer("x7", "X7", 5, amount="1000", currency="EUR", from_account="mt5:1006", to_account="wallet",
                to_amount="1089", to_currency="USD", rate="1.089", **MINE),
            *(transfer(key, key.upper(), 6, to_amount=to_amount, to_currency=currency, **wallets)
                for key, to_amount, currency in CONVERTED),
        ],
        "deals": [
            deal(41, 3, "balance", login=1005, profit="150", reference="X6"),
            deal(40, 5, "balance", login=1005, profit="-100", reference="X5"),
            deal(42, 4, "buy", login=1006, entry="out", profit="2000"),
            deal(43, 5, "balance", login=1006, profit="-1000", reference="X7"),
            deal(44, 6, "credit", login=1005, profit="200"),
            deal(45, 7, "buy", login=1005, entry="out", profit="-120"),
            deal(46, 8, "sell", login=1005, entry="out", profit="100"),
        ],
        "bank_statement_lines": [
            line(9, 16, "90", reference="payout of T-n8"),
            line(8, 15, "-50", kind="own_transfer", counter_account="UK-FIRM"),
            line(6, 15, "50", "UK-FIRM", kind="own_transfer", counter_account="UK-CLIENT"),
        ],
        "lp_trades": [
            {
                "venue": "prime", "trade_id": "L2", "executed_at": "2026-01-07T10:00:00Z", "symbol": "EURUSD", "side": "buy", "volume_lots": "1",
                "price": "1.1", "profit": "-30", "commission": "-1", "currency": "USD",
            }
        ],
    }  # fmt: skip
