"""Deals, accounts, payments and key figures on a small broker by hand: the figures, and that late rows change what they touch and no more."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker

FIRST, SECOND = "2026-02-10", "2026-02-11"
MODELS = (
    "fct_deals", "fct_account_daily", "fct_payments_daily", "fct_kpi_daily", "dim_clients", "dim_accounts", "dim_partners", "dim_staff",
    "fct_onboarding_funnel",
)  # fmt: skip
KEPT = (
    "trading.fct_deals", "trading.fct_account_daily", "operations.fct_payments_daily", "leadership.fct_kpi_daily", "core.dim_clients",
    "growth.fct_onboarding_funnel",
)  # fmt: skip
WRITTEN = {"_run_id", "_horizon_load_id"}


def deal(deal_id: int, at: str, entry: str | None, symbol: str | None = "EURUSD", **more: Any) -> Row:
    row = {
        "platform": "mt5", "deal_id": deal_id, "login": 1, "executed_at": at, "action": "buy" if entry == "in" else "sell", "entry": entry,
        "symbol": symbol, "position_id": "p1", "volume_lots": "0.5", "price": "1.1", "profit": "0", "swap": "0", "commission": "-1", "fee": "0",
        "bid": "1.0999", "ask": "1.1001",
    }  # fmt: skip
    return {**row, **more}


def symbol(name: str, asset_class: str, contract: str, base: str, quote: str, at: str = "2026-01-01") -> Row:
    return {
        "platform": "mt5", "symbol": name, "valid_from": at, "symbol_group": f"{asset_class}_group", "asset_class": asset_class,
        "contract_size": contract, "base_currency": base, "quote_currency": quote, "digits": 5, "pip_size": "0.0001",
    }  # fmt: skip


def account(login: int, client_id: str, book: str, at: str = "2026-01-01", **more: Any) -> Row:
    return {
        "platform": "mt5", "login": login, "changed_at": at, "client_id": client_id, "entity": "CY", "currency": "EUR", "book": book,
        "account_type": "standard", "status": "open", "is_demo": False, **more,
    }  # fmt: skip


def client(client_id: str, at: str = "2026-01-01", **more: Any) -> Row:
    return {"client_id": client_id, "changed_at": at, "registered_at": "2026-01-01", "entity": "CY", **more}


def rate(at: str, value: str, base: str = "EUR", quote: str = "USD") -> Row:
    return {"base_currency": base, "quote_currency": quote, "quoted_at": at, "rate": value}


def psp(event_id: str, txn: str, status: str, at: str, kind: str = "deposit", **more: Any) -> Row:
    return {
        "psp": "adyen", "event_id": event_id, "psp_txn_id": txn, "kind": kind, "status": status, "method": "card", "amount": "100",
        "currency": "EUR", "client_id": "C1", "occurred_at": at, **more,
    }  # fmt: skip


BROKER: dict[str, list[Row]] = {
    "clients": [client("C1"), client("C2"), client("C3", is_test=True)],
    "trading_accounts": [account(1, "C1", "A"), account(2, "C2", "B"), account(3, "C3", "B"), account(4, "C2", "B", is_demo=True)],
    "symbols": [
        symbol("EURUSD", "fx", "100000", "EUR", "USD"),
        symbol("GER40", "index", "1", "EUR", "EUR"),
        symbol("XAUUSD", "metal", "100", "XAU", "USD"),
    ],
    "fx_rates": [rate("2026-01-05", "1.1"), rate("2026-01-07T12:00:00", "1.2"), rate("2026-01-05", "150", "USD", "JPY")],
    "deals": [
        deal(1, "2026-01-06T10:00:00", "in"),
        deal(2, "2026-01-06T11:00:00", "out", profit="10"),
        deal(3, "2026-01-07T13:00:00", "in", "GER40", login=2, position_id="p2", price="20000.5", volume_lots="0.1"),
        deal(4, "2026-01-08T13:00:00", "out", "GER40", login=2, position_id="p2", price="20000.5", volume_lots="0.1", profit="-40", swap="-2"),
        deal(5, "2026-01-06T10:00:00", "in", login=3, position_id="p3"),
        deal(6, "2026-01-06T10:00:00", "in", login=4, position_id="p4"),
        deal(7, "2026-01-06T09:00:00", None, None, action="balance", profit="1000", position_id=None, volume_lots=None, price=None, commission="0"),
        deal(8, "2026-01-06T12:00:00", "in", "XAUUSD", position_id="p5", price="2000.25", volume_lots="0.00001"),
        deal(9, "2026-01-04T12:00:00", "in", position_id="p6"),
    ],
    "account_snapshots": [
        {"platform": "mt5", "login": 1, "captured_at": "2026-01-06T12:00:00", "balance": "900", "equity": "900", "credit": "0"},
        {"platform": "mt5", "login": 1, "captured_at": "2026-01-06T21:00:00", "balance": "1009", "equity": "1009", "credit": "0"},
    ],
    "psp_transactions": [
        psp("e1", "t1", "declined", "2026-01-05T10:00:00"),
        psp("e2", "t1", "completed", "2026-01-05T10:01:00", fee_amount="1.5"),
        psp("e3", "t2", "declined", "2026-01-05T11:00:00"),
        psp("e4", "t3", "pending", "2026-01-05T12:00:00"),
        psp("e5", "t4", "completed", "2026-01-05T12:00:00", client_id="C3"),
        psp("e6", "t5", "completed", "2026-01-08T12:00:00", kind="withdrawal", amount="30"),
    ],
}  # fmt: skip
LATE: dict[str, list[Row]] = {
    # a client found to be a test, a book that changed in the past, a rate that came late, an opening that was not known, a cancelled deal
    "clients": [client("C2", "2026-02-01", is_test=False)],
    "trading_accounts": [account(1, "C1", "B", "2026-01-06T10:30:00")],
    "fx_rates": [rate("2026-01-06T09:30:00", "1.15")],
    "deals": [
        deal(10, "2026-01-07T12:30:00", "in", "GER40", login=2, position_id="p2", price="20000.5", volume_lots="0.1"),
        deal(8, "2026-01-06T12:00:00", "in", "XAUUSD", position_id="p5", price="2000.25", volume_lots="0.00001", is_cancelled=True),
        deal(9, "2026-01-05T12:00:00", "in", position_id="p6"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    made = new_broker(tmp_path_factory.mktemp("core"))
    made.learn(FIRST, **BROKER)
    made.build(*MODELS, tests=False)
    return made


@pytest.fixture(scope="module")
def later(broker: Broker) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """The marts before the late rows; the broker itself has learned them. Tests of the first state run before."""
    before = {mart: contents(broker, mart) for mart in KEPT}
    broker.learn(SECOND, **LATE)
    broker.build(*MODELS)
    yield before


def contents(broker: Broker, mart: str) -> list[tuple[Any, ...]]:
    """Every row without the columns that say when it was written."""
    columns = [
        name
        for name, *_ in broker.rows(f"describe {mart}")
        if name not in WRITTEN and name not in {"published_at", "recorded_at"}
    ]
    return broker.rows(f"select {', '.join(columns)} from {mart} order by all")


def test_an_fx_trade_moves_its_base_currency_and_any_other_its_price(broker: Broker) -> None:
    moved = dict(broker.rows("select deal_id, notional_usd from trading.fct_deals where deal_id in (1, 3, 8)"))
    assert moved == {
        1: Decimal("55000.00000000"),  # 0.5 × 100 000 EUR at 1.1
        3: Decimal("2400.06000000"),  # 0.1 × 1 × 20 000.5 EUR at 1.2
        8: Decimal("2.00025000"),  # 0.00001 × 100 × 2 000.25 USD
    }


def test_before_the_first_quote_there_is_no_notional(broker: Broker) -> None:
    assert broker.rows("select notional_usd, fx_rate_usd from trading.fct_deals where deal_id = 9") == [(None, None)]


def test_a_closing_deal_knows_how_long_its_position_was_open(broker: Broker) -> None:
    held = dict(broker.rows("select deal_id, holding_seconds from trading.fct_deals where deal_id in (1, 2, 4)"))
    assert held == {1: None, 2: 3600, 4: 86400}


def test_a_balance_operation_is_no_trade(broker: Broker) -> None:
    row = broker.rows(
        "select deals, realised_pnl, balance from trading.fct_account_daily where login = 1 and day = date '2026-01-06'"
    )
    assert row == [(3, Decimal("7.00000000"), Decimal("1009.00000000"))]


def test_the_spread_is_revenue_in_book_a_and_part_of_the_result_in_book_b(broker: Broker) -> None:
    spreads = dict(
        broker.rows(
            "select book, sum(spread_usd) from trading.fct_account_daily where not is_demo and not is_test group by book"
        )
    )
    assert spreads["B"] == 0
    # two trades of 55 000 USD and one of 2.00025, half a spread of 0.0001 on 1.1
    assert abs(spreads["A"] - Decimal("10.000181")) < Decimal("0.0001")


def test_an_attempt_that_was_declined_and_then_completed_counts_once_as_approved(broker: Broker) -> None:
    row = broker.rows(
        "select attempts, approved, declined, approval_rate, deposits, fees from operations.fct_payments_daily "
        "where day = date '2026-01-05'"
    )
    assert row == [(2, 1, 1, Decimal("0.50000000"), Decimal("100.00000000"), Decimal("1.50000000"))]


def test_key_figures_leave_out_test_clients_and_demo_accounts(broker: Broker) -> None:
    figures = {
        (day, kpi): value
        for day, kpi, value in broker.rows("select day::varchar, kpi, value from leadership.fct_kpi_daily")
    }
    assert figures["2026-01-06", "active_clients"] == 1
    assert figures["2026-01-06", "trades"] == 3
    assert figures["2026-01-05", "net_deposits"] == Decimal("110")
    assert figures["2026-01-08", "net_deposits"] == Decimal("-36")
    assert figures["2026-01-08", "revenue_trading_result_b"] == Decimal("48")
    assert figures["2026-01-08", "revenue_swap_b"] == Decimal("2.4")
    assert figures["2026-01-08", "revenue"] == Decimal("48") + Decimal("2.4") + Decimal("1.2")


def test_a_ratio_without_anything_to_divide_by_is_null_and_a_sum_is_zero(broker: Broker) -> None:
    found = dict(
        broker.rows(
            "select kpi, value from leadership.fct_kpi_daily where day = date '2026-01-05' and kpi in ('kyc_approval_rate', 'tickets_opened')"
        )
    )
    assert found == {"kyc_approval_rate": None, "tickets_opened": Decimal(0)}


def test_the_previous_value_is_that_of_the_day_before(broker: Broker) -> None:
    rows = broker.rows(
        "select value, previous_value from leadership.fct_kpi_daily where kpi = 'deposits' and day = date '2026-01-06'"
    )
    assert rows == [(Decimal(0), Decimal("110"))]


def test_a_late_row_rewrites_only_the_deals_it_changes(later: dict[str, Any], broker: Broker) -> None:
    rewritten = broker.rows(
        "select deal_id from trading.fct_deals where _horizon_load_id = (select max(_horizon_load_id) from trading.fct_deals) order by 1"
    )
    # 1, 5, 6: the late rate; 2: rate and book; 4: its position opened earlier; 3: shares it; 8, 9: corrected; 10: new
    assert [deal_id for (deal_id,) in rewritten] == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert broker.rows("select book, fx_rate_usd from trading.fct_deals where deal_id = 2") == [
        ("B", Decimal("1.15000000"))
    ]
    assert broker.rows("select holding_seconds from trading.fct_deals where deal_id = 4") == [(88200,)]


def test_a_day_that_a_correction_emptied_stays_with_zeros(later: dict[str, Any], broker: Broker) -> None:
    days = broker.rows(
        "select day::varchar, deals, lots from trading.fct_account_daily where login = 1 and day < date '2026-01-06' order by 1"
    )
    assert days == [("2026-01-04", 0, Decimal(0)), ("2026-01-05", 1, Decimal("0.5"))]


def test_late_rows_and_a_rebuild_give_the_same_marts(later: dict[str, Any], broker: Broker) -> None:
    after = {mart: contents(broker, mart) for mart in KEPT}
    assert after != later
    broker.rebuild(*MODELS)
    for mart in KEPT:
        assert contents(broker, mart) == after[mart], mart
