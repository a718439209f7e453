"""The ledger on a broker written by hand: the worked postings of domain.md 8.2, who posts what, and what is not posted."""

from decimal import Decimal

import pytest

from tests.dbt.broker import Broker, new_broker
from tests.dbt.ledger_rows import broker_feeds

FINANCE = "path:models/marts/finance"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Everything known at once; read only."""
    broker = new_broker(tmp_path_factory.mktemp("ledger"))
    broker.learn("2026-02-01 00:00:00", **broker_feeds())
    broker.build(FINANCE, tests=False)  # test_ledger_clocks.py has these rows checked
    return broker


WORKED = {
    "a deposit the firm pays the fee of": ("psp_transactions", "payco:e1", "1030 1000, 2010 -1000, 5010 25, 1030 -25"),
    "a deposit whose fee the client bears": (
        "psp_transactions", "payco:e2", "1030 5000, 2010 -5000, 5010 10, 1030 -10, 2010 10, 4050 -10",
    ),
    "a reserve held": ("psp_transactions", "payco:h1", "1035 100, 1030 -100"),
    "a settlement after fees and reserve": ("psp_transactions", "payco:s1", "1020 875, 1030 -875"),
    "a reserve released alone": ("psp_transactions", "payco:h2", "1020 100, 1035 -100"),
    "a deposit that failed after it was credited": ("psp_transactions", "payco:e5", "2010 40, 1030 -40"),
    "a transfer in one currency": ("deals", "mt5:1", "2010 1100, 2020 -1100"),
    "a transfer into another currency": (
        "deals", "mt5:2", "2010 USD 1100, 2090 USD -1100, 2090 EUR 1000, 2020 EUR -990.10, 4060 EUR -9.90",
    ),
    "a withdrawal requested": ("cash_requests", "r1", "2010 300, 2015 -300"),
    "a withdrawal sent takes its fee": ("cash_requests", "r3", "2015 300, 2070 -295, 4050 -5"),
    "a withdrawal paid by the PSP, which came first": ("psp_transactions", "payco:w1", "2070 295, 1030 -295, 5010 1, 1030 -1"),
    "a withdrawal paid from the client bank": ("cash_requests", "q3", "2070 295, 1010 -295"),
    "a withdrawal that came back after it was paid": ("cash_requests", "q4", "1010 295, 2010 -295"),
    "a withdrawal rejected": ("cash_requests", "p2", "2015 300, 2010 -300"),
    "a withdrawal that failed in transit": ("cash_requests", "o3", "2070 295, 2010 -295"),
    "an opening deal with commission": ("deals", "mt5:3", "2020 7, 4030 -7"),
    "a profit with commission, swap and fee": (
        "deals", "mt5:4", "2020 -120, 4010 120, 2020 7, 4030 -7, 2020 3, 4040 -3, 2020 1, 4050 -1",
    ),
    "a loss": ("deals", "mt5:5", "2020 80, 4010 -80"),
    "a credit is a memo": ("deals", "mt5:6", "9010 200, 9011 -200"),
    "a negative balance written off": ("deals", "mt5:7", "2020 -150, 5030 150"),
    "a bonus turned into cash": ("deals", "mt5:8", "2020 -10, 5060 10"),
    "a chargeback with its fee": ("psp_transactions", "payco:c1", "1045 1000, 1030 -1000, 5050 20, 1030 -20"),
    "a chargeback won before the client was debited": ("psp_transactions", "payco:c2", "1030 1000, 1045 -1000"),
    "a chargeback lost takes what the wallet has": ("psp_transactions", "payco:c4", "2010 3880, 5040 5120, 1045 -9000"),
    "a chargeback won after the client was debited": ("psp_transactions", "payco:c5", "1030 9000, 2010 -3880, 5040 -5120"),
    "money segregated": ("bank_statement_lines", "UK-CLIENT:S1:1", "1010 1000, 1020 -1000"),
    "a wire that names its client": ("bank_statement_lines", "UK-CLIENT:S1:2", "1010 400, 2010 -400"),
    "a wire that names nobody": ("bank_statement_lines", "UK-CLIENT:S1:3", "1010 60, 2050 -60"),
    "an unidentified wire sent back": ("bank_statement_lines", "UK-CLIENT:S1:6", "1010 -60, 2050 60"),
    "a bank charge": ("bank_statement_lines", "UK-FIRM:S1:3", "1020 -30, 5100 30"),
    "bank interest": ("bank_statement_lines", "UK-FIRM:S1:4", "1020 12, 4080 -12"),
    "margin paid to the LP": ("bank_statement_lines", "UK-FIRM:S1:5", "1020 -500, 1040 500"),
    "a reserve released inside a batch": ("psp_transactions", "payco:n3", "1030 30, 1035 -30"),
    "a settlement with a released reserve": ("psp_transactions", "payco:n5", "1020 130, 1030 -130"),
    "a refund requested": ("cash_requests", "f1", "2010 60, 2015 -60"),
    "a refund sent": ("cash_requests", "f2", "2015 60, 2070 -60"),
    "a refund paid by the PSP, its first fee not recovered": ("psp_transactions", "payco:n6", "2070 60, 1030 -60"),
    "a withdrawal cancelled": ("cash_requests", "g2", "2015 300, 2010 -300"),
    "a transfer back to the wallet": ("deals", "mt5:40", "2020 100, 2010 -100"),
    "a transfer back into another currency": (
        "deals", "mt5:43", "2020 EUR 1000, 2090 EUR -1000, 2090 1100, 2010 -1089, 4060 -11",
    ),
    "a loss that credit absorbs": ("deals", "mt5:45", "2020 120, 4010 -120, 5060 70, 2020 -70, 9011 70, 9010 -70"),
    "a profit that restores the credit first": ("deals", "mt5:46", "2020 -100, 4010 100, 5060 -70, 2020 70, 9011 -70, 9010 70"),
    "a sweep of the firm's earnings": ("bank_statement_lines", "UK-CLIENT:S1:8", "1010 -50, 1020 50"),
    "a hedge at a loss": ("lp_trades", "prime:L2", "1040 -30, 4010 30, 1040 -1, 5080 1"),
    "a conversion into a currency without decimals, a tie to the even": (
        "cash_requests", "y1", "2010 100, 2090 -100, 2090 JPY 15000, 2010 JPY -14900, 4060 JPY -100",
    ),
    "a conversion into a currency of two decimals": (
        "cash_requests", "y2", "2010 100, 2090 -100, 2090 EUR 90.91, 2010 EUR -90, 4060 EUR -0.91",
    ),
    "a conversion into a currency of three decimals, a tie to the even": (
        "cash_requests", "y3", "2010 100, 2090 -100, 2090 KWD 30.718, 2010 KWD -30, 4060 KWD -0.718",
    ),
    "a conversion into a currency of eight decimals": (
        "cash_requests", "y4", "2010 100, 2090 -100, 2090 BTC 0.00166666, 2010 BTC -0.0016, 4060 BTC -0.00006666",
    ),
    "a deposit the PSP pays into the client bank": ("bank_statement_lines", "UK-CLIENT:S1:9", "1010 90, 1030 -90"),
    "a deposit that is only pending": ("psp_transactions", "payco:n7", ""),
    "a hedge": ("lp_trades", "prime:L1", "1040 50, 4010 -50, 1040 -2, 5080 2, 1040 1, 5080 -1"),
}  # fmt: skip


@pytest.mark.parametrize("worked", WORKED, ids=[name.replace(" ", "_") for name in WORKED])
def test_posts_as_worked_out(ledger: Broker, worked: str) -> None:
    feed, key, expected = WORKED[worked]
    lines = ledger.rows(
        """
        select account_code, currency, amount from finance.fct_postings join finance.fct_journal_entries using (entry_id)
        where source_feed = ? and source_key = ?
        """,
        feed,
        key,
    )
    assert sorted(lines) == sorted(_parsed(expected))


def _parsed(text: str) -> list[tuple[str, str, Decimal]]:
    """`1030 1000` or `2090 EUR 1000` → account, currency (USD where none stands), amount."""
    parts = [one.split() for one in text.split(", ") if one]
    return [(part[0], part[1] if len(part) == 3 else "USD", Decimal(part[-1])) for part in parts]


def test_one_deposit_in_four_feeds_posts_once(ledger: Broker) -> None:
    same_money = "source_key in ('r4', 'payco:w1', 'UK-CLIENT:S1:4')"
    posted = ledger.rows(f"select source_key, count(*) from finance.fct_journal_entries where {same_money} group by 1")
    assert posted == [("payco:w1", 1)]


def test_what_is_not_posted_stands_with_its_reason(ledger: Broker) -> None:
    assert sorted(ledger.rows("select source_key, reason from finance.unposted_events")) == [
        ("mt5:10", "demo"),
        ("mt5:11", "account_unknown"),
        ("mt5:9", "demo"),
        ("payco:e1b", "duplicate"),
        ("payco:e3", "test"),
    ]


def test_the_trial_balance_is_zero_each_day_and_every_entry_balances(ledger: Broker) -> None:
    assert (
        ledger.rows(
            "select day, currency, sum(balance) from finance.fct_trial_balance group by all having sum(balance) <> 0"
        )
        == []
    )
    assert ledger.rows("select entry_id, currency from finance.fct_postings group by all having sum(amount) <> 0") == []
    assert ledger.rows("select count(*) > 100 from finance.fct_trial_balance") == [(True,)]


def test_opening_balances_leave_nothing_on_their_other_side(ledger: Broker) -> None:
    opened = ledger.rows(
        "select account_code, sum(amount) from finance.fct_postings where entry_id like 'opening%' group by 1 order by 1"
    )
    assert opened == [("1020", Decimal(9000)), ("3000", Decimal(-9000)), ("3010", Decimal(0))]


def test_client_balances_run_from_day_to_day(ledger: Broker) -> None:
    days = ledger.rows(
        """
        select day::varchar, opening, closing from finance.fct_client_balances_daily
        where account_code = '2020' and currency = 'USD' and client_id = 'C1' order by day
        """
    )
    assert days == [
        ("2026-01-03", Decimal(0), Decimal(-1100)),
        ("2026-01-05", Decimal(-1100), Decimal(-1093)),
        ("2026-01-06", Decimal(-1093), Decimal(-1282)),
    ]


def test_a_snapshot_that_differs_is_a_break_for_as_long_as_it_does(ledger: Broker) -> None:
    assert ledger.rows("select day::varchar, difference from finance.rec_platform_daily where difference <> 0") == [
        ("2026-01-08", Decimal(82))
    ]
    found = ledger.rows(
        "select reference, first_seen_on::varchar, last_seen_on::varchar, amount, status from finance.rec_breaks where reconciliation = 'platform'"
    )
    assert found == [("mt5:1001", "2026-01-08", "2026-01-08", Decimal(82), "gone")]


def test_of_a_credit_only_what_no_loss_has_used_up_stands_in_the_memo_account(ledger: Broker) -> None:
    days = ledger.rows(
        """
        select occurred_at::date::varchar, sum(sum(amount)) over (order by occurred_at::date) from finance.fct_postings
        where account_code = '9010' and login = 1005 group by occurred_at::date order by 1
        """
    )
    assert days == [("2026-01-06", Decimal(200)), ("2026-01-07", Decimal(130)), ("2026-01-08", Decimal(200))]
