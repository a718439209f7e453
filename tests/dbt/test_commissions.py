"""Commission accruals by hand: the worked examples of the specification, late rows, refusals. One home, three loads, one build."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker

MODELS = ("fct_commission_accruals", "fct_commission_zero", "fct_refused_links")
SINCE = "2026-01-01T00:00:00"
AT = "2026-02-10T12:00:00"


def chain(*partners: str) -> list[Row]:
    """The partners one below the other, the lowest first."""
    return [link("partner", child, parent) for child, parent in pairwise(partners)]


def link(kind: str, child: str, parent: str | None, at: str = SINCE) -> Row:
    return {"child_kind": kind, "child_id": child, "valid_from": at, "parent_partner_id": parent}


def partner(partner_id: str, plan_id: str, **more: Any) -> Row:
    return {"partner_id": partner_id, "changed_at": SINCE, "status": "active", "plan_id": plan_id, **more}


def plan(plan_id: str, distribution: str, version: int = 1, settings: str = "{}", **more: Any) -> Row:
    return {
        "plan_id": plan_id, "version": version, "name": plan_id, "distribution": distribution, "currency": "USD", "settings": settings,
        "valid_from": SINCE, **more,
    }  # fmt: skip


def rule(plan_id: str, rate: str, level: int | None = None, **more: Any) -> Row:
    return {
        "plan_id": plan_id, "rule_id": f"{plan_id}-{level or 'own'}", "version": 1, "scheme": "per_lot", "level": level, "rate": rate,
        "currency": "USD", "valid_from": SINCE, **more,
    }  # fmt: skip


def trader(login: int, partner_id: str | None) -> tuple[Row, list[Row]]:
    """An account whose client is named after it, and the client's link."""
    account = {
        "platform": "mt5", "login": login, "changed_at": SINCE, "client_id": f"C{login}", "account_type": "standard", "currency": "USD",
        "entity": "CY", "is_demo": False,
    }  # fmt: skip
    return account, [link("client", f"C{login}", partner_id)] if partner_id else []


def closing(login: int, deal_id: int, lots: str = "10", at: str = AT, **more: Any) -> Row:
    return {
        "platform": "mt5", "deal_id": deal_id, "order_id": f"O{deal_id}", "position_id": f"T{deal_id}", "login": login, "executed_at": at,
        "action": "sell", "entry": "out", "symbol": "EURUSD", "volume_lots": lots, "price": "1.1", "profit": "0", "commission": "-7",
        "reason": "client", **more,
    }  # fmt: skip


SYMBOL = {
    "platform": "mt5",
    "symbol": "EURUSD",
    "valid_from": SINCE,
    "symbol_group": "fx",
    "asset_class": "fx",
    "quote_currency": "USD",
    "digits": 5,
}
TRADERS = {
    1: "D4", 2: "I8", 3: "L3", 4: "X", 5: "X", 6: "RK", 7: "CAP", 8: "M", 9: "M", 10: None, 11: "CY1", 12: "D4",
    13: "N", 14: "UP", 15: "UL", 16: "TWO", 17: "ONE", 18: "GB", 19: "YEN", 20: "MINUS", 21: "MORE",
}  # fmt: skip
RATES = {
    "D4": "4",
    "D7": "7",
    "D10": "10",
    "I8": "8",
    "I7": "7",
    "I10": "10",
    "X": "5",
    "Y": "6",
    "M": "2",
    "CY1": "1",
    "CY2": "2",
    "N": "2",
    "TWO": "1",
    "ONE": "1",
}

ODD = {"MINUS": '{"pass_up": "-4"}', "MORE": '{"pass_up_pct": "1.5"}'}
"""Partners who would give less than nothing, or more than they received."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """Everything on the first day; late rows on the second; corrections on the third."""
    home = new_broker(tmp_path_factory.mktemp("commissions"))
    made = [trader(login, partner_id) for login, partner_id in TRADERS.items()]
    home.learn(
        "2026-03-01",
        symbols=[SYMBOL],
        trading_accounts=[account for account, _ in made],
        partner_links=[
            *[row for _, links in made for row in links], *chain("D4", "D7", "D10"), *chain("I8", "I7", "I10"), *chain("L3", "L1", "L2"),
            *chain("CY1", "CY2"), link("partner", "CY2", "CY1", "2026-02-01T00:00:00"),
        ],
        partners=[*[partner(one, f"PL-{one}") for one in (*RATES, "RK", "CAP")], *[partner(one, "PL-L") for one in ("L3", "L1", "L2")],
            partner("UP", "PL-NONE"), partner("UL", "PL-LATE"), partner("GB", "PL-GB"), partner("YEN", "PL-YEN"),
            *[partner(one, f"PL-{one}") for one in ODD],
        ],
        commission_plans=[
            *[plan(f"PL-{one}", "difference") for one in RATES], plan("PL-L", "level"), plan("PL-RK", "pool"),
            plan("PL-CAP", "difference", settings='{"caps": {"per_day": 5}}'), plan("PL-GB", "difference"), plan("PL-YEN", "difference"),
            *[plan(f"PL-{one}", "pass_up") for one in ODD],
        ],
        commission_rules=[
            *[rule(f"PL-{one}", rate) for one, rate in RATES.items()], rule("PL-L", "3", 1), rule("PL-L", "1", 2), rule("PL-L", "2", 3),
            rule("PL-RK", "1"), rule("PL-CAP", "9"), *[rule(f"PL-{one}", "2", rule_id="second") for one in ("TWO", "ONE")],
            rule("PL-GB", "1", currency="GBP"), rule("PL-YEN", "300", currency="JPY"),
            *[rule(f"PL-{one}", "1", parameters=parameters) for one, parameters in ODD.items()],
        ],
        deals=[
            *[closing(login, login) for login in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21)],
            closing(8, 81, at="2026-01-20T00:00:00"), closing(8, 82), closing(13, 131, at="2026-01-20T00:00:00"), closing(13, 132),
        ],
    )  # fmt: skip
    home.learn(
        "2026-03-02",
        partner_links=[
            link("client", "C4", "Y", "2026-02-01T00:00:00"),
            link("client", "C10", "X", "2026-02-20T00:00:00"),
        ],
        commission_plans=[
            plan(
                "PL-M",
                "difference",
                2,
                '{"exclude_reasons": ["client"]}',
                valid_from="2026-01-15T00:00:00",
                valid_to="2026-02-01T00:00:00",
            ),
            plan("PL-N", "difference", 2, '{"caps": {"per_deal": 5}}', valid_to="2026-02-01T00:00:00"),
        ],
    )
    home.learn(
        "2026-03-03",
        deals=[closing(5, 5, lots="4"), closing(12, 12, is_cancelled=True)],
        commission_plans=[plan("PL-LATE", "difference")],
        commission_rules=[
            rule("PL-I8", "9", version=2, valid_to=AT),
            rule("PL-LATE", "3"),
            rule("PL-ONE", "2", rule_id="second", valid_to="2026-02-01T00:00:00"),
        ],
        fx_rates=[{"base_currency": "USD", "quote_currency": "JPY", "quoted_at": SINCE, "rate": "150"}],
    )
    home.build(*MODELS)
    return home


def net(broker: Broker, deal_id: int) -> dict[str, Decimal]:
    rows = broker.rows(
        "select partner_id, sum(amount) from partners.fct_commission_accruals where deal_id = ? group by all", deal_id
    )
    return {partner_id: amount.normalize() for partner_id, amount in rows if amount}


def history(broker: Broker, deal_id: int) -> list[tuple[Any, ...]]:
    """(partner, revision, amount, is a reversal, day it was known) in the order written."""
    return broker.rows(
        """
        select partner_id, revision, amount::integer, reverses_accrual_id is not null, day(accrued_at)
        from partners.fct_commission_accruals where deal_id = ? order by accrued_at, reverses_accrual_id is null, partner_id
        """,
        deal_id,
    )


def zeros(broker: Broker, deal_id: int) -> dict[str, str]:
    return dict(broker.rows("select partner_id, reason from partners.fct_commission_zero where deal_id = ?", deal_id))


def test_difference_pays_each_partner_what_its_rate_is_above_those_below(broker: Broker) -> None:
    assert net(broker, 1) == {"D4": 40, "D7": 30, "D10": 30}


def test_difference_with_an_inverted_middle_pays_it_nothing_and_says_so(broker: Broker) -> None:
    assert net(broker, 2) == {"I8": 80, "I10": 20}
    assert zeros(broker, 2) == {"I7": "not_above_paid"}


def test_levels_are_paid_on_top_of_each_other(broker: Broker) -> None:
    assert net(broker, 3) == {"L3": 30, "L1": 10, "L2": 20}


def test_a_late_link_reverses_the_old_partners_line_and_pays_the_new_one(broker: Broker) -> None:
    assert history(broker, 4) == [("X", 1, 50, False, 1), ("X", 1, -50, True, 2), ("Y", 1, 60, False, 2)]


def test_a_corrected_deal_is_reversed_and_accrues_as_a_new_revision(broker: Broker) -> None:
    assert history(broker, 5) == [("X", 1, 50, False, 1), ("X", 1, -50, True, 3), ("X", 2, 20, False, 3)]


def test_a_cancelled_deal_keeps_its_history_and_nets_to_zero(broker: Broker) -> None:
    assert net(broker, 12) == {}
    assert len(history(broker, 12)) == 6


def test_a_late_plan_version_touches_only_the_deals_of_its_time(broker: Broker) -> None:
    assert history(broker, 81) == [("M", 1, 20, False, 1), ("M", 1, -20, True, 2)]
    assert zeros(broker, 81) == {"M": "excluded_reason"}
    assert history(broker, 82) == [("M", 1, 20, False, 1)]
    assert history(broker, 9) == [("M", 1, 20, False, 1)]


def test_a_plan_changed_for_one_past_month_shows_reversal_new_line_and_difference(broker: Broker) -> None:
    assert history(broker, 131) == [("N", 1, 20, False, 1), ("N", 1, -20, True, 2), ("N", 2, 5, False, 2)]
    assert net(broker, 131) == {"N": 5}
    assert history(broker, 132) == [("N", 1, 20, False, 1)]


def test_what_a_load_changed_for_past_times_is_all_that_it_wrote(broker: Broker) -> None:
    written = "select distinct deal_id from partners.fct_commission_accruals where day(accrued_at) = ? order by 1"
    # the second load moved a client (4) and changed two plans for January (81, 131); the third corrected two deals and let three be computed
    assert broker.rows(written, 2) == [(4,), (81,), (131,)]
    assert broker.rows(written, 3) == [(5,), (12,), (15,), (17,), (19,)]


@pytest.mark.parametrize(
    ("deal_id", "partner_id", "reason", "detail"),
    [
        (14, "UP", "unknown_plan", "plan of UP: PL-NONE"),
        (16, "TWO", "rule_conflict", "per_lot: PL-TWO-own and another rule of PL-TWO"),
        (18, "GB", "no_rate", "PL-GB-own"),
    ],
    ids=("an unknown plan", "two rules in conflict", "a missing exchange rate"),
)
def test_what_stands_in_the_way_is_named(
    broker: Broker, deal_id: int, partner_id: str, reason: str, detail: str
) -> None:
    listed = broker.rows(
        "select partner_id, reason, detail from partners.fct_commission_zero where deal_id = ?", deal_id
    )
    assert listed == [(partner_id, reason, detail)]
    assert net(broker, deal_id) == {}


@pytest.mark.parametrize(
    ("deal_id", "paid"),
    [(15, {"UL": 30}), (17, {"ONE": 10}), (19, {"YEN": 20})],
    ids=("an unknown plan", "two rules in conflict", "a missing exchange rate"),
)
def test_what_stood_in_the_way_accrues_once_it_is_resolved(broker: Broker, deal_id: int, paid: dict[str, int]) -> None:
    assert [(row[1], row[4]) for row in history(broker, deal_id)] == [(1, 3)]
    assert (net(broker, deal_id), zeros(broker, deal_id)) == (paid, {})


def test_what_cannot_be_read_pays_nothing_and_is_listed_never_silent(broker: Broker) -> None:
    for deal_id, partner_id in ((6, "RK"), (20, "MINUS"), (21, "MORE")):
        assert (net(broker, deal_id), zeros(broker, deal_id)) == ({}, {partner_id: "not_yet_computed"})


def test_a_deal_that_crosses_a_cap_is_paid_up_to_it_and_says_so(broker: Broker) -> None:
    assert net(broker, 7) == {"CAP": 5}
    assert broker.rows("select limited_by from partners.fct_commission_accruals where deal_id = 7") == [("cap",)]


def test_a_deal_before_its_clients_first_partner_is_listed_once_the_link_is_known(broker: Broker) -> None:
    assert zeros(broker, 10) == {"X": "no_partner"}


def test_a_link_that_closes_a_cycle_is_refused_and_listed_with_its_members(broker: Broker) -> None:
    refused = broker.rows("select child_id, parent_partner_id, members from partners.fct_refused_links")
    assert refused == [("CY2", "CY1", ["CY2", "CY1"])]
    assert net(broker, 11) == {"CY1": 10, "CY2": 10}


def test_a_line_names_its_deal_plan_rule_and_versions(broker: Broker) -> None:
    line = broker.rows(
        """
        select accrual_id, client_id, level, plan_id, plan_version, rule_id, rule_version, basis_amount::integer, basis_unit, own_rate::integer,
            rate::integer, fx_rate::integer, currency, amount_usd::integer, status
        from partners.fct_commission_accruals where deal_id = 1 and partner_id = 'D7'
        """
    )
    assert line == [
        ("mt5:1:per_lot:D7:r1", "C1", 2, "PL-D7", 1, "PL-D7-own", 1, 10, "lots", 7, 3, 1, "USD", 30, "accrued")
    ]


def test_running_again_after_a_crash_between_the_models_adds_nothing(broker: Broker) -> None:
    before = broker.rows("select count(*), sum(hash(accrual_id, amount)) from partners.fct_commission_accruals")
    unpaid = broker.rows("from partners.fct_commission_zero order by all")
    broker.rows("update control.models set high_water = 1 where model = 'fct_commission_zero'")
    measured = [
        "int_commission_deals",
        "int_commission_parts",
        "int_commission_tiers",
        "int_commission_shares",
        "int_commission_staged",
        "int_commission_caps",
        "int_commission_limited",
    ]
    nodes = broker.dbt.run(["run", "--select", *measured, "fct_commission_accruals", "fct_commission_zero"])
    assert [node.status for node in nodes] == ["success"] * 9
    assert broker.rows("select count(*), sum(hash(accrual_id, amount)) from partners.fct_commission_accruals") == before
    assert broker.rows("from partners.fct_commission_zero order by all") == unpaid
