"""The worked examples of the specification and one deal for each rule that has a subtle reading, in one home of two loads."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker
from tests.dbt.test_commissions import SINCE, SYMBOL, chain, closing, net, partner, plan, rule, trader, zeros

MODELS = ("fct_commission_accruals", "fct_commission_zero")
RANKS = {"bronze": 1, "silver": 2, "gold": 3, "diamond": 4, "platinum": 5}
CHAIN = ("bronze", "gold", "gold", "diamond", "silver", "gold", "diamond", "platinum", "platinum")
STEPS = [{"from": 0, "rate": 5}, {"from": 100, "rate": 6}, {"from": 500, "rate": 7}]
DAY = "2026-02-10T{}:00:00"


def one_partner(partner_id: str, **settings: Any) -> tuple[list[Row], list[Row]]:
    """A partner on a plan of its own with these settings."""
    return [partner(partner_id, f"PL-{partner_id}")], [plan(f"PL-{partner_id}", "level", settings=json.dumps(settings))]


def ranked() -> tuple[list[Row], list[Row]]:
    members = [partner(f"K{place}", "PL-K", rank=rank) for place, rank in enumerate(CHAIN)]
    rates = [
        rule("PL-K", str(order), rank=rank, rule_id=f"K-{rank}", parameters=json.dumps({"rank_order": order}))
        for rank, order in RANKS.items()
    ]
    return members, rates


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    home = new_broker(tmp_path_factory.mktemp("examples"))
    accounts = {
        1: "K0",
        2: "S1",
        3: "U1",
        4: "TW",
        5: "TM",
        6: "H",
        7: "B",
        8: "C",
        9: "HC",
        10: "PM",
        11: "SP",
        12: "IO",
    }
    made = [trader(login, partner_id) for login, partner_id in accounts.items()]
    members, rank_rules = ranked()
    singles = [
        one_partner("TW", tier={"kpi": "lots", "window": "calendar_month", "mode": "whole", "steps": STEPS}),
        one_partner("TM", tier={"kpi": "lots", "window": "calendar_month", "mode": "marginal", "steps": STEPS}),
        one_partner("H", hedge="max_side"), one_partner("B", side="both"), one_partner("C", credit_coefficient=True),
        one_partner("HC", house_cap_pct="0.5"), one_partner("PM"), one_partner("SP"),
        one_partner("IO", rounding={"digits": 6, "mode": "down"}, caps={"per_day": 100}),
    ]  # fmt: skip
    home.learn(
        "2026-03-01",
        symbols=[{**SYMBOL, "contract_size": "100000", "base_currency": "USD", "pip_size": "0.0001"}],
        trading_accounts=[account for account, _ in made],
        partner_links=[
            *[row for _, links in made for row in links], *chain(*[f"K{place}" for place in range(len(CHAIN))]), *chain("S1", "S2", "S3"),
            *chain("U1", "U2", "U3"),
        ],
        partners=[
            *members, *[partner(one, "PL-S") for one in ("S1", "S2", "S3")], *[partner(one, "PL-U") for one in ("U1", "U2", "U3")],
            *[row for rows, _ in singles for row in rows],
        ],
        commission_plans=[
            plan("PL-K", "rank"), plan("PL-S", "share_of_child"), plan("PL-U", "pass_up"), *[row for _, rows in singles for row in rows],
        ],
        commission_rules=[
            *rank_rules, rule("PL-S", "5", 1), rule("PL-S", "0.2"),
            rule("PL-U", "10", parameters='{"pass_up": "4"}'), rule("PL-U", "10", 2, parameters='{"pass_up_pct": "0.25"}'),
            *[rule(f"PL-{one}", "4", 1) for one in ("TW", "TM", "H", "B", "C")], rule("PL-HC", "9", 1), rule("PL-PM", "30", 1, scheme="per_million"),
            rule("PL-SP", "0.5", 1, scheme="pct_spread", parameters='{"spread_at": "both", "max_points": 20}'),
            rule("PL-IO", "0.12", 1, scheme="pct_commission"),
        ],
        account_snapshots=[{
            "platform": "mt5", "login": 8, "captured_at": SINCE, "balance": "0", "credit": "250", "equity": "1000",
        }],
        deals=[
            closing(1, 1, lots="1"), closing(2, 2), closing(3, 3, lots="1"),
            closing(4, 41, lots="90", at=DAY.format("08")), closing(5, 51, lots="90", at=DAY.format("08")),
            closing(6, 61, lots="3", at=DAY.format("08")), closing(6, 62, lots="2", at=DAY.format("09"), action="buy"),
            closing(6, 63, lots="4", at=DAY.format("10"), action="buy"),
            closing(7, 70, lots="2", entry="in", action="buy", at=DAY.format("08"), position_id="T71"), closing(7, 71, lots="2"),
            closing(8, 8), closing(9, 9, lots="1", commission="-10", swap="2", bid="1.1", ask="1.10002"), closing(10, 10, lots="2"),
            closing(11, 110, lots="2", entry="in", action="buy", at=DAY.format("08"), position_id="T111", bid="1.1", ask="1.1003"),
            closing(11, 111, lots="1", position_id="T111", bid="1.1", ask="1.1001"),
            closing(12, 120, lots="2.54", entry="in", action="buy", at=DAY.format("08"), position_id="T121", commission="0"),
            closing(12, 121, lots="7.62", entry="inout", position_id="T121", commission="-18.04"),
        ],
    )  # fmt: skip
    home.learn(
        "2026-03-02", deals=[closing(4, 42, lots="210", at=DAY.format("13")), closing(5, 52, lots="210", at=DAY.format("13"))]
    )  # fmt: skip
    home.build(*MODELS)
    return home


def paid(broker: Broker, *deals: int) -> Decimal:
    return sum((amount for deal in deals for amount in net(broker, deal).values()), Decimal(0))


def test_rank_pays_the_rates_of_all_ranks_above_the_highest_paid_below(broker: Broker) -> None:
    expected = dict(enumerate((1, 5, 0, 4, 0, 0, 0, 5, 0)))
    assert net(broker, 1) == {f"K{place}": amount for place, amount in expected.items() if amount}
    assert paid(broker, 1) == 15
    assert zeros(broker, 1) == {f"K{place}": "rank_not_above" for place, amount in expected.items() if not amount}


def test_a_share_of_the_child_comes_on_top_of_it(broker: Broker) -> None:
    assert net(broker, 2) == {"S1": 50, "S2": 10, "S3": 2}


def test_passing_up_each_keeps_what_it_does_not_give_and_the_last_keeps_all(broker: Broker) -> None:
    assert net(broker, 3) == {"U1": 6, "U2": 3, "U3": 1}


def test_a_whole_tier_pays_all_of_the_month_at_the_step_reached(broker: Broker) -> None:
    assert paid(broker, 41, 42) == 1800


def test_reaching_a_step_re_prices_the_month_by_reversal_and_revision(broker: Broker) -> None:
    rows = broker.rows(
        """
        select revision, amount::integer, tier_from::integer, reason from partners.fct_commission_accruals
        where deal_id = 41 order by accrued_at, reverses_accrual_id is null
        """
    )
    assert rows == [(1, 450, 0, None), (1, -450, 0, "superseded"), (2, 540, 100, "tier_reached")]


def test_a_marginal_tier_pays_each_slice_at_its_own_step(broker: Broker) -> None:
    assert paid(broker, 51, 52) == 1700
    lines = broker.rows("select rate, tier_from::integer from partners.fct_commission_accruals where deal_id = 52")
    assert lines == [(Decimal("5.952380952381"), 100)]


def test_of_a_day_of_both_sides_only_the_larger_one_pays(broker: Broker) -> None:
    assert (net(broker, 61), net(broker, 62), net(broker, 63)) == ({"H": 12}, {}, {"H": 12})
    assert zeros(broker, 62) == {"H": "hedged"}


def test_with_both_sides_half_is_paid_at_the_opening_and_half_at_the_close(broker: Broker) -> None:
    sides = broker.rows(
        "select deal_id, side, amount::integer from partners.fct_commission_accruals where partner_id = 'B' order by 1"
    )
    assert sides == [(70, "open", 4), (71, "close", 4)]


def test_pay_shrinks_with_the_credit_in_the_clients_equity(broker: Broker) -> None:
    assert net(broker, 8) == {"C": 30}


def test_a_deal_costs_the_house_no_more_than_its_share_of_what_it_earned(broker: Broker) -> None:
    # half the spread of 2 points on 100 000 units is 1, with commission 10 and a swap of 2 paid to the client 9; half of that
    assert net(broker, 9) == {"HC": Decimal("4.5")}
    assert broker.rows("select limited_by from partners.fct_commission_accruals where deal_id = 9") == [("house_cap",)]


def test_a_million_of_notional_pays_its_rate(broker: Broker) -> None:
    assert net(broker, 10) == {"PM": 6}


def test_a_spread_is_cut_at_max_points_before_it_is_averaged(broker: Broker) -> None:
    # opened at 30 points, cut at 20, closed at 10: 15 points on 100 000 units, half of it
    assert net(broker, 111) == {"SP": Decimal("7.5")}


def test_a_third_of_a_commission_is_not_cut_before_it_is_rounded_down(broker: Broker) -> None:
    # 18.04 × 2.54 / 7.62 × 0.12 is 0.7216 to the end; the third, cut anywhere, gives less
    assert net(broker, 121) == {"IO": Decimal("0.7216")}


def test_every_reversal_is_the_line_it_takes_back(broker: Broker) -> None:
    rows = broker.rows("select accrual_id, reverses_accrual_id from partners.fct_commission_accruals where amount < 0")
    assert rows and all(taken == f"{line}:reversal" for taken, line in rows)
