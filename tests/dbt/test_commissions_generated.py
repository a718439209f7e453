"""The commission engine against the naive reading of its specification, on brokers drawn at random: to the last decimal, in any order of arrival."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.broker import Broker as Home
from tests.dbt.broker import new_broker
from tests.dbt.generated_brokers import feed_row, generate, market
from tests.dbt.naive_commissions import Broker, Line, Row, interpret

FIRST, BROKERS = 320, 70
IN_BATCHES = 20
FEEDS = {
    "trading_accounts": "accounts", "clients": "clients", "partners": "partners", "partner_links": "links", "commission_plans": "plans",
    "commission_rules": "rules", "symbols": "symbols", "fx_rates": "rates", "deals": "deals", "account_snapshots": "snapshots",
    "psp_transactions": "payments", "kyc_events": "kyc",
}  # fmt: skip
MODELS = ("fct_commission_accruals", "fct_commission_zero")
STANDING = """
    select platform, deal_id, partner_id, scheme, side, arg_max(level, revision), arg_max(plan_id, revision), arg_max(rule_id, revision),
        arg_max(rule_version, revision), sum(amount), arg_max(currency, revision)
    from partners.fct_commission_accruals where deal_id is not null group by all having sum(amount) <> 0
"""
ITEMS = """
    select regexp_replace(accrual_id, ':r[0-9]+(:reversal)?$', '') as item, arg_max(level, revision), arg_max(plan_id, revision),
        arg_max(rule_id, revision), arg_max(rule_version, revision), sum(amount), arg_max(currency, revision)
    from partners.fct_commission_accruals where deal_id is null group by all having sum(amount) <> 0
"""
WAITING = """
    select line_key, waits_for from intermediate.int_commission_periodic where waits_for is not null
    group by all having count(*) filter (where not is_reversal) > count(*) filter (where is_reversal)
"""
ZEROS = "select platform, deal_id, partner_id, reason from partners.fct_commission_zero"
SIDES = (STANDING, ZEROS, ITEMS, WAITING)
KNOWN_AT = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def brokers() -> list[Broker]:
    shared = market(1)
    return [generate(seed, shared) for seed in range(FIRST, FIRST + BROKERS)]


def all_rows(brokers: list[Broker]) -> dict[str, list[Row]]:
    """The rows of each feed; symbols and rates are shared, so they are taken once."""
    return {
        feed: [
            row
            for broker in (brokers[:1] if feed in {"symbols", "fx_rates"} else brokers)
            for row in getattr(broker, name)
        ]
        for feed, name in FEEDS.items()
    }


@pytest.fixture(scope="module")
def at_once(brokers: list[Broker], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Everything in one load."""
    return in_one_load(brokers, tmp_path_factory.mktemp("once"))


def in_one_load(brokers: list[Broker], root: Path) -> Home:
    home = new_broker(root)
    home.learn("2026-04-01", **{feed: [feed_row(row) for row in rows] for feed, rows in all_rows(brokers).items()})
    home.build(*MODELS, tests=False)  # the rows in batches are checked
    return home


@pytest.fixture(scope="module")
def in_batches(brokers: list[Broker], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Every row of some of them in one of three loads at random, some first wrong and then corrected."""
    home = new_broker(tmp_path_factory.mktemp("batches"))
    chance = random.Random(7)
    batches: list[dict[str, list[Row]]] = [{feed: [] for feed in FEEDS} for _ in range(3)]
    for feed, rows in all_rows(brokers[:IN_BATCHES]).items():
        for row in rows:
            number = chance.randrange(3)
            if number and chance.random() < 0.3:
                batches[chance.randrange(number)][feed].append(feed_row(wrong(feed, row)))
            batches[number][feed].append(feed_row(row))
    for number, batch in enumerate(batches):
        home.learn(f"2026-04-0{number + 1}", **{feed: rows for feed, rows in batch.items() if rows})
    home.build(*MODELS)
    return home


def wrong(feed: str, row: Row) -> Row:
    """The row as it was before its correction."""
    changes: dict[str, Row] = {
        "deals": {"commission": Decimal("-3.33"), "volume_lots": row.get("volume_lots") and row["volume_lots"] + 1},
        "commission_rules": {"rate": Decimal("0.07")}, "partners": {"status": "suspended"}, "partner_links": {"parent_partner_id": None},
        "commission_plans": {"settings": {"min_hold_seconds": 3600}}, "trading_accounts": {"currency": "GBP"}, "fx_rates": {"rate": Decimal(2)},
        "symbols": {"symbol_group": "crypto", "digits": 3}, "clients": {"is_test": True}, "account_snapshots": {"equity": Decimal(1)},
        "psp_transactions": {"amount": Decimal(1), "fee_amount": None},
    }  # fmt: skip
    return {**row, **changes.get(feed, {})}


def naive(brokers: list[Broker]) -> tuple[set[Any], ...]:
    """Lines, zeros, lines of months and clients won, and which of these wait: as SIDES asks the engine for them."""
    lines, zeros, items, waiting = set(), set(), set(), set()
    for broker in brokers:
        reading = interpret(broker, KNOWN_AT)
        lines |= {(*key, *figures(one)) for key, one in reading.lines.items()}
        zeros |= {(*key, reason) for key, reason in reading.zeros.items()}
        items |= {(key, *figures(one)) for key, one in reading.items.items()}
        waiting |= set(reading.waiting.items())
    return lines, zeros, items, waiting


def figures(line: Line) -> tuple[Any, ...]:
    return line.level, line.plan_id, line.rule_id, line.rule_version, line.amount, line.currency


@pytest.fixture(scope="module")
def read(brokers: list[Broker]) -> tuple[set[Any], ...]:
    return naive(brokers)


@pytest.mark.parametrize("side", range(len(SIDES)), ids=("lines", "zeros", "months and clients won", "waiting"))
def test_the_engine_pays_what_the_naive_reading_pays_to_the_last_decimal(
    read: tuple[set[Any], ...], at_once: Home, side: int
) -> None:
    found, expected = set(at_once.rows(SIDES[side])), read[side]
    assert len(expected) > (300, 300, 40, 5)[side]
    assert (sorted(found - expected), sorted(expected - found)) == ([], [])


def test_every_reason_in_scope_occurs_so_that_the_comparison_means_something(
    brokers: list[Broker], at_once: Home
) -> None:
    found = {reason for (reason,) in at_once.rows("select distinct reason from partners.fct_commission_zero")}
    known = {reason for (reason,) in at_once.rows("select reason from seeds.commission_zero_reasons")}
    assert known - found == {"not_yet_computed"}
    schemes = {scheme for (scheme,) in at_once.rows("select distinct scheme from partners.fct_commission_accruals")}
    assert schemes == {
        "per_lot",
        "per_million",
        "pct_commission",
        "pct_spread",
        "points",
        "pct_profit",
        "revenue_share",
        "cpa",
    }
    limits = {limit for (limit,) in at_once.rows("select distinct limited_by from partners.fct_commission_accruals")}
    named = {name for limit in limits if limit for name in limit.split(", ")}
    assert named == {"hedge", "credit", "house_cap", "cap"}


def test_rows_in_any_batches_with_corrections_give_the_same_net_lines_and_zeros(
    brokers: list[Broker], in_batches: Home
) -> None:
    for side, expected in zip(SIDES, naive(brokers[:IN_BATCHES]), strict=True):
        found = set(in_batches.rows(side))
        assert (sorted(found - expected), sorted(expected - found)) == ([], [])
    reversals = in_batches.rows(
        "select count(*) from partners.fct_commission_accruals where reverses_accrual_id is not null"
    )[0][0]
    assert reversals > 3


def test_every_reversal_takes_back_exactly_one_line_of_the_same_deal_and_partner(in_batches: Home) -> None:
    wrong_ones = in_batches.rows("""
        select reversals.accrual_id
        from partners.fct_commission_accruals as reversals
        left join partners.fct_commission_accruals as lines
            on reversals.reverses_accrual_id = lines.accrual_id and lines.reverses_accrual_id is null
            and (reversals.platform, reversals.deal_id, reversals.partner_id, reversals.scheme, reversals.side)
            is not distinct from (lines.platform, lines.deal_id, lines.partner_id, lines.scheme, lines.side)
            and reversals.amount = -lines.amount and reversals.revision = lines.revision
        where reversals.reverses_accrual_id is not null and lines.accrual_id is null
    """)
    assert wrong_ones == []


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_001, 4_001, 200))
def test_thousands_of_brokers_are_paid_what_the_naive_reading_pays(first: int, tmp_path: Path) -> None:
    shared = market(first)
    many = [generate(seed, shared) for seed in range(first, first + 200)]
    home = in_one_load(many, tmp_path)
    for side, expected in zip(SIDES, naive(many), strict=True):
        assert set(home.rows(side)) ^ expected == set()
