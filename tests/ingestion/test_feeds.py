"""The contracts: complete against feeds.md, and each rule catches the row that breaks it."""

import re
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest
from pandera.config import ValidationDepth, config_context

from ingestion.connectors.base import Batch
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.landing import deal, payment
from warehouse.settings import PROJECT

OURS = {"operational_events", "crm_events", "source_totals"}
"""Feeds beyond feeds.md: what our own store sends, what a CRM does to its own objects, and what sources say that they hold."""
ADDED = {"bank_statement_lines": {"is_interim"}}
"""Columns of ours beyond feeds.md, which allows adding one."""
SPEC = PROJECT.parent / "shared" / "spec" / "feeds.md"


ASKED = {"event_id": "1", "request_id": "W", "occurred_at": "2026-01-01"}
NOTED = {"provider": "x", "event_id": "1", "event": "note", "occurred_at": "2026-01-01"}


def rules(feed: str, row: dict) -> list[str]:
    """What the contract says of one row; empty when it is good."""
    rows = pl.DataFrame({name: [value] for name, value in (row | {"_row_number": 1}).items()})
    return [rule for bad in judge(FEEDS[feed], Batch(feed, rows)).bad for rule in bad.rules]


@pytest.mark.skipif(not SPEC.is_file(), reason="the specification is not beside the project")
@pytest.mark.parametrize("feed", [feed for feed in FEEDS if feed not in OURS])
def test_the_contract_has_the_columns_and_the_key_that_the_specification_lists(feed: str) -> None:
    text = SPEC.read_text().split("## The canonical feeds")[1].split("## Connectors")[0]
    entry = re.search(rf"\*\*`{feed}`\*\*(.*?)(?=\n\n|\n\*\*`|\Z)", text, re.S)
    assert entry
    assert tuple(re.findall(r"\*\*(\w+)\*\*", entry.group(1))) == FEEDS[feed].key
    missing = [
        name
        for name in FEEDS[feed].columns
        if name not in {"source_version", *ADDED.get(feed, ())} and not re.search(rf"\b{name}\b", entry.group(1))
    ]
    assert missing == []


def test_every_feed_of_the_specification_has_a_contract() -> None:
    if SPEC.is_file():
        listed = re.findall(r"^\*\*`(\w+)`\*\*", SPEC.read_text(), re.M)
        assert sorted(listed) == sorted(FEEDS.keys() - OURS)


@pytest.mark.parametrize("feed", FEEDS)
def test_each_feed_is_a_module_of_its_name_and_says_what_a_row_is(feed: str) -> None:
    assert (Path(__file__).parents[2] / "ingestion" / "feeds" / f"{feed}.py").is_file()
    assert len(FEEDS[feed].description) > 15
    assert FEEDS[feed].event_time in FEEDS[feed].columns


def test_data_checks_run_on_a_lazy_frame_too() -> None:
    bad = pl.LazyFrame(
        {
            "base_currency": ["EUR"],
            "quote_currency": ["USD"],
            "quoted_at": [None],
            "rate": ["-1"],
            "source_version": [None],
        }
    )
    typed = bad.cast({"quoted_at": pl.Datetime("us", "UTC"), "rate": pl.Decimal(18, 8), "source_version": pl.Int64})
    with config_context(validation_depth=ValidationDepth.SCHEMA_AND_DATA), pytest.raises(pa.errors.SchemaErrors):
        FEEDS["fx_rates"].schema.validate(typed, lazy=True)


@pytest.mark.parametrize(
    ("feed", "row", "said"),
    [
        ("deals", deal(price=""), "volume_lots, price: a trade (buy or sell) must state its volume and its price"),
        ("deals", deal(volume_lots="-1"), "volume_lots: must not be below 0"),
        ("deals", deal(deal_id="1.5"), "deal_id: must be an integer"),
        ("deals", deal(deal_id="9223372036854775808"), "deal_id: must be an integer"),
        ("deals", deal(executed_at="1969-12-31T23:59:59Z"), "executed_at: must lie between 1970 and 2100"),
        ("deals", deal(executed_at="2026-02-30T00:00:00Z"), "executed_at: must be an ISO-8601 time"),
        ("deals", deal(executed_at="2026-02-03T00:00:00.1234567Z"), "executed_at: must be an ISO-8601 time"),
        ("deals", deal(executed_at="1767225600"), "executed_at: must be an ISO-8601 time"),
        ("deals", deal(is_cancelled="maybe"), "is_cancelled: must be true or false"),
        ("deals", deal(entry="sideways"), "entry: must be one of in, out, inout, out_by"),
        ("psp_transactions", payment(amount="-0.01"), "amount: must not be below 0"),
        ("psp_transactions", payment(currency="eur"), "currency: must be an upper-case currency code"),
        ("psp_transactions", payment(fee_amount="100.01"), "fee_amount: a fee never exceeds the deposit"),
        ("psp_transactions", payment(instrument_id="5500-0000-0000-0004"), "instrument_id: must be a token or fingerprint"),
        ("commission_rules", {"plan_id": "P", "rule_id": "R", "version": "1", "rate": "-0.1"}, "rate: must not be below 0"),
        ("commission_rules", {"plan_id": "P", "rule_id": "R", "version": "1", "scheme": "pct_spread", "rate": "30"}, "rate: a share is a fraction"),
        ("commission_rules", {"plan_id": "P", "rule_id": "R", "version": "1", "parameters": "{a:1}"}, "parameters: must be valid JSON"),
        ("commission_plans", {"plan_id": "P", "version": "1", "settings": '{"holdback_pct": 10}'}, "settings: holdback_pct is a fraction"),
        ("commission_plans", {"plan_id": "P", "version": "1", "settings": '{"holdback_pct": "-0.1"}'}, "settings: holdback_pct is a fraction"),
        ("commission_plans", {"plan_id": "P", "version": "1", "settings": '{"holdback_pct": 0.1'}, "settings: must be valid JSON"),
        ("fx_rates", {"base_currency": "EUR", "quote_currency": "USD", "quoted_at": "2026-01-01", "rate": "0"}, "rate: must be above 0"),
        ("period_events", {"event_id": "1", "period": "2026-13", "event": "closed", "occurred_at": "2026-01-01"}, "period: must be a month"),
        ("cash_requests", ASKED | {"event": "requested"}, "request_kind, amount, currency: a request must state"),
        ("cash_requests", ASKED | {"event": "sent", "amount": "1"}, "currency: an amount must state its currency"),
        ("clients", {"client_id": "1", "changed_at": "2026-01-01", "birth_date": "1850-01-01"}, "birth_date: must lie between 1900 and 2100"),
        ("kyc_events", NOTED | {"reason_codes": "[1"}, "reason_codes: must be a JSON list"),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_told_so_in_a_sentence(feed: str, row: dict, said: str) -> None:
    told = rules(feed, row)
    assert len(told) == 1, told
    assert told[0].startswith(said)


@pytest.mark.parametrize(
    ("feed", "row"),
    [
        ("deals", deal(action="balance", price="", volume_lots="", symbol="", entry="")),
        ("deals", deal(price="-37.63", symbol="WTI")),
        ("psp_transactions", payment(fee_amount="15", amount="10", kind="chargeback")),
        ("psp_transactions", payment(fee_amount="150", fee_currency="JPY")),
        ("psp_transactions", payment(instrument_id="4111111111111112", currency="USDT")),
        ("commission_rules", {"plan_id": "P", "rule_id": "R", "version": "1", "scheme": "per_lot", "rate": "8"}),
        ("risk_lists", {"list_name": "x", "entry_id": "1", "valid_from": "2026-01-01", "valid_to": "9999-12-31", "aliases": '["a","b"]'}),
        ("period_events", {"event_id": "1", "period": "2026-12-31", "event": "closed", "occurred_at": "2026-01-01"}),
        ("partner_links", {"child_kind": "client", "child_id": "C", "valid_from": "2026-01-01", "parent_partner_id": ""}),
        ("cash_requests", ASKED | {"event": "approved"}),
    ],
)  # fmt: skip
def test_a_row_that_only_looks_odd_is_good(feed: str, row: dict) -> None:
    assert rules(feed, row) == []


def test_a_pandas_export_with_gaps_keeps_its_integers_and_a_fraction_is_not_one() -> None:
    rows = pl.DataFrame(
        {**{name: [value] * 2 for name, value in deal().items()}, "login": [7001.0, 7001.5], "_row_number": [1, 2]}
    )
    judged = judge(FEEDS["deals"], Batch("deals", rows))
    assert judged.good["login"].to_list() == [7001]
    assert judged.bad[0].rules == ["login: must be an integer"]


def test_one_source_row_that_gives_a_key_twice_with_other_content_is_told_so() -> None:
    rows = pl.DataFrame([deal(), deal(profit="9"), deal()]).with_columns(_row_number=pl.Series([1, 1, 1]))
    judged = judge(FEEDS["deals"], Batch("deals", rows))
    assert (judged.good.height, len(judged.bad)) == (2, 1)
    assert "gives this key twice" in judged.bad[0].rules[0]
