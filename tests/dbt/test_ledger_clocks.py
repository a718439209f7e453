"""The ledger over time: corrections are reversals and new entries, and what arrives in which order does not show in the net state."""

from decimal import Decimal

import pytest

from tests.dbt import ledger_properties
from tests.dbt.broker import Broker, Row, new_broker
from tests.dbt.generated_streams import Stream, merged, streams, told
from tests.dbt.ledger_rows import broker_feeds, client, line, psp

FINANCE = "path:models/marts/finance"
NET = """
    select account_code, currency, client_id, platform, login, occurred_at, sum(amount) as amount
    from finance.fct_postings group by all having sum(amount) <> 0 order by all
"""
MARTS = (
    "fct_journal_entries",
    "fct_postings",
    "fct_client_balances_daily",
    "fct_trial_balance",
    "rec_platform_daily",
    "rec_breaks",
    "unposted_events",
)
LATER: dict[str, list[Row]] = {
    "clients": [client("C9")],
    "psp_transactions": [psp("e9", 9, "deposit", "9", client_id="C9")],
}
CORRECTED: dict[str, list[Row]] = {
    "clients": [client("C9", changed_at="2026-01-31T00:00:00Z", is_test=True)],
    "psp_transactions": [
        {**row, "amount": "5500", "source_version": 2}
        for row in broker_feeds()["psp_transactions"]
        if row["event_id"] == "e2"
    ],
    "deals": [
        {**row, "is_cancelled": True, "source_version": 2} for row in broker_feeds()["deals"] if row["deal_id"] == 5
    ]
    + [{**row, "profit": "121", "source_version": 2} for row in broker_feeds()["deals"] if row["deal_id"] == 4],
    "bank_statement_lines": [
        line(7, 15, "33", reference="who?"),
        line(7, 15, "33", reference="who?", client_id="C1", source_version=2),
    ],
}


DRAWN: list[Stream] = streams(30)
"""Streams drawn at random, the same every time; `make soak` draws thousands (test_ledger_generated.py)."""


def known_feeds() -> dict[str, list[Row]]:
    """The worked rows and, of the same feeds, those of the streams."""
    drawn = merged([told(stream) for stream in DRAWN])
    return {name: rows + drawn.get(name, []) for name, rows in broker_feeds().items()}


def feeds_of(*names: str) -> dict[str, list[Row]]:
    return {name: rows for name, rows in known_feeds().items() if name in names}


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Everything at once, then the corrections, and with them every row of the streams once more."""
    broker = new_broker(tmp_path_factory.mktemp("in_order"))
    known = known_feeds()
    broker.learn("2026-02-01 00:00:00", **known | {name: known[name] + rows for name, rows in LATER.items()})
    again = merged([told(stream) for stream in DRAWN])
    broker.learn(
        "2026-02-02 00:00:00", **again | {name: rows + again.get(name, []) for name, rows in CORRECTED.items()}
    )
    broker.build(FINANCE)
    return broker


@pytest.fixture(scope="module")
def upside_down(tmp_path_factory: pytest.TempPathFactory, in_order: Broker) -> Broker:
    """Corrections first, deals before the requests they execute, bank before PSP, terms and rates last."""
    broker = new_broker(tmp_path_factory.mktemp("upside_down"))
    broker.learn("2026-02-01 00:00:00", **CORRECTED)
    broker.learn(
        "2026-02-02 00:00:00",
        **feeds_of("deals", "bank_statement_lines", "account_snapshots", "trading_accounts", "lp_trades"),
    )
    broker.learn("2026-02-03 00:00:00", **feeds_of("cash_requests", "bank_accounts", "opening_balances", "clients"))
    late = feeds_of("psp_transactions", "fx_rates")
    broker.learn("2026-02-04 00:00:00", **late | {name: late.get(name, []) + rows for name, rows in LATER.items()})
    broker.build(FINANCE, tests=False)
    return broker


def test_the_order_of_arrival_does_not_show_in_the_net_state(in_order: Broker, upside_down: Broker) -> None:
    net = in_order.rows(NET)
    assert len(net) > 60
    assert upside_down.rows(NET) == net
    for mart, apart_from in (("rec_platform_daily", "_run_id, _horizon_load_id"), ("unposted_events", "_run_id")):
        query = f"select * exclude ({apart_from}) from finance.{mart} order by all"
        assert upside_down.rows(query) == in_order.rows(query), mart


def test_a_corrected_deal_is_reversed_and_entered_anew_when_it_was_learned(in_order: Broker) -> None:
    entries = in_order.rows(
        """
        select entry_id, reverses_entry_id, recorded_at::varchar, sum(amount) filter (account_code = '4010')
        from finance.fct_journal_entries join finance.fct_postings using (entry_id, recorded_at)
        where source_feed = 'deals' and source_key in ('mt5:4', 'mt5:5') group by all order by 3, 1
        """
    )
    assert entries == [
        ("deals:mt5:4:v1", None, "2026-02-01 00:00:00", Decimal(120)),
        ("deals:mt5:5:v1", None, "2026-02-01 00:00:00", Decimal(-80)),
        ("deals:mt5:4:v1:reversal", "deals:mt5:4:v1", "2026-02-02 00:00:00", Decimal(-120)),
        ("deals:mt5:4:v2", None, "2026-02-02 00:00:00", Decimal(121)),
        ("deals:mt5:5:v1:reversal", "deals:mt5:5:v1", "2026-02-02 00:00:00", Decimal(80)),
    ]


def test_a_deal_written_anew_is_posted_by_its_earlier_entry_and_one_without_any_is_told(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    broker = new_broker(tmp_path_factory.mktemp("anew"))
    broker.learn("2026-02-01 00:00:00", **broker_feeds())
    broker.build("fct_journal_entries", tests=False)
    # as an increment leaves them that learned more of the account and nothing of the money
    broker.rows("update control.run set check_from_run_id = 2")
    broker.rows("update trading.fct_deals set _run_id = 2 where deal_id in (3, 4)")
    broker.check("every_deal_is_posted")
    broker.rows("delete from finance.fct_journal_entries where source_key = 'mt5:4'")
    with pytest.raises(AssertionError, match=r"every_deal_is_posted.*Got 1 result"):
        broker.check("every_deal_is_posted")


def test_a_transfer_known_before_its_rate_waits_and_then_posts(upside_down: Broker) -> None:
    entries = upside_down.rows(
        "select entry_id, rule_id, recorded_at::varchar from finance.fct_journal_entries where source_key = 'mt5:2' order by 3, 1"
    )
    assert entries == [
        ("deals:mt5:2:balance:v1", "transfer_same_currency", "2026-02-02 00:00:00"),
        ("deals:mt5:2:balance:v1:reversal", "transfer_same_currency", "2026-02-03 00:00:00"),
        ("deals:mt5:2:balance:v2", "transfer_to_trading_converted", "2026-02-04 00:00:00"),
    ]


def test_an_unidentified_receipt_is_allocated_by_a_correction_and_not_undone(in_order: Broker) -> None:
    lines = in_order.rows(
        """
        select entry_type, account_code, amount, client_id from finance.fct_postings join finance.fct_journal_entries using (entry_id, client_id)
        where source_key = 'UK-CLIENT:S1:7' order by 1, 2
        """
    )
    receipts = in_order.rows(
        """
        select source_key, version, client_id from finance.fct_journal_entries
        where entry_type = 'unidentified_receipt' order by 1
        """
    )
    assert lines == [
        ("allocation", "2010", Decimal(-33), "C1"),
        ("allocation", "2050", Decimal(33), "C1"),
    ]
    assert receipts == [("UK-CLIENT:S1:3", 1, None), ("UK-CLIENT:S1:7", 1, None)]


def test_building_again_adds_nothing(in_order: Broker) -> None:
    def marts() -> dict[str, list[tuple[object, ...]]]:
        return {mart: in_order.rows(f"select * exclude (_run_id) from finance.{mart} order by all") for mart in MARTS}

    before = marts()
    nodes = in_order.dbt.run(["run", "--select", f"+{FINANCE}"])
    assert not [node.message for node in nodes if node.failed]
    assert marts() == before


def test_a_client_turned_out_to_be_a_test_is_taken_out_again(in_order: Broker) -> None:
    lines = in_order.rows(
        "select sign(sum(amount)), count(*) from finance.fct_postings where client_id = 'C9' group by account_code"
    )
    assert lines == [(0, 2), (0, 2)]
    assert in_order.rows("select reason from finance.unposted_events where client_id = 'C9'") == [("test",)]


def test_every_entry_of_generated_streams_balances_in_each_currency(in_order: Broker, upside_down: Broker) -> None:
    ledger_properties.every_entry_balances(in_order)
    ledger_properties.every_entry_balances(upside_down)


def test_generated_streams_sent_twice_leave_on_each_account_what_the_specification_says(in_order: Broker) -> None:
    ledger_properties.money_is_conserved(in_order, DRAWN)


def test_a_request_rejected_cancelled_or_failed_leaves_no_trace(in_order: Broker) -> None:
    ledger_properties.a_rejection_leaves_no_trace(in_order, DRAWN)
