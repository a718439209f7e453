"""Revenue shares and acquisitions: the worked examples, conditions, ladders, carried losses, late rows; one home of two loads."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker
from tests.dbt.test_commissions import SYMBOL, chain, closing, partner, plan, rule, trader
from tests.dbt.test_partner_payouts import deposit, identified, person

LADDER = json.dumps({"ladder": [[100, 50], [1000, 200]], "min_lots": 2, "within_days": 40})
PARTNERS = {1: "RC", 2: "RN", 3: "RD", 4: "A1", 5: "A1", 6: "A1", 7: "RT", 8: "CF", 9: "A1"}
RESULTS = {"01": "-8000", "02": "5000", "03": "-3000", "04": "-6000"}


def month(login: int, number: str, profit: str, **more: Any) -> Row:
    return closing(
        login, login * 100 + int(number), at=f"2026-{number}-15T12:00:00", profit=profit, commission="0", **more
    )


def paid_in(client: str, amount: str, at: str, **more: Any) -> Row:
    return {
        **deposit(client),
        "event_id": f"{client}-{at}",
        "psp_txn_id": f"{client}-{at}",
        "amount": amount,
        "occurred_at": at,
        **more,
    }


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    home = new_broker(tmp_path_factory.mktemp("periods"))
    made = [trader(login, partner_id) for login, partner_id in PARTNERS.items()]
    clients = [f"C{login}" for login in PARTNERS]
    tier = {"kpi": "net_revenue", "mode": "whole", "steps": [{"from": 0, "rate": "0.1"}, {"from": 5000, "rate": "0.2"}]}
    share: Row = {"scheme": "revenue_share", "rule_id": "share"}
    home.learn(
        "2026-05-02",
        symbols=[SYMBOL],
        clients=[person(one) for one in clients],
        kyc_events=[identified(one) for one in clients if one != "C6"],
        trading_accounts=[account for account, _ in made],
        partner_links=[*[row for _, links in made for row in links], *chain("RD", "RU"), *chain("A1", "A2")],
        partners=[
            *[partner(one, f"PL-{one}") for one in ("RC", "RN", "RT", "CF", "A1", "RD", "RU")], partner("A2", "PL-A1"),
        ],
        commission_plans=[
            plan("PL-RC", "level"), plan("PL-RN", "level", settings='{"negative_carry": false}'), plan("PL-RD", "difference"),
            plan("PL-RU", "difference"),
            plan("PL-RT", "level", settings=json.dumps({"tier": tier})), plan("PL-CF", "level"), plan("PL-A1", "level"),
        ],
        commission_rules=[
            rule("PL-RC", "0.35", 1, **share), rule("PL-RN", "0.35", 1, **share), rule("PL-RD", "0.2", **share), rule("PL-RU", "0.3", **share),
            rule("PL-RT", "0.5", 1, **share), rule("PL-CF", "0.3", 1, **share), rule("PL-CF", "0.4", 1, scheme="revenue_share", rule_id="share2"),
            rule("PL-A1", "0", 1, scheme="cpa", rule_id="won", parameters=LADDER), rule("PL-A1", "7", 2, scheme="cpa", rule_id="above"),
        ],
        psp_transactions=[
            paid_in("C4", "150", "2026-01-10T00:00:00"), paid_in("C4", "900", "2026-01-30T00:00:00"), paid_in("C4", "900", "2026-02-01T00:00:00"),
            paid_in("C5", "1000", "2026-01-10T00:00:00"), paid_in("C6", "1000", "2026-01-10T00:00:00"), paid_in("C9", "1000", "2026-03-10T00:00:00"),
            paid_in("C1", "500", "2026-01-04T00:00:00", fee_amount="2"),
            paid_in("C1", "4", "2026-01-05T00:00:00", kind="chargeback"),
        ],
        deals=[
            *[month(login, number, profit) for login in (1, 2) for number, profit in RESULTS.items()], month(3, "01", "-1000"),
            # what the house earns and pays beside the result adds up to nothing: commission 12, bonus 6, a fee of 2, a chargeback of 4
            closing(1, 8001, at="2026-01-20T12:00:00", profit="0", commission="-12"),
            closing(1, 8002, at="2026-01-20T12:00:00", action="bonus", entry=None, symbol=None, volume_lots=None, profit="6", commission="0"),
            month(7, "01", "-4000"), month(7, "02", "-6000"), month(8, "01", "-100"),
            *[month(login, "01", "0", volume_lots="3") for login in (4, 5, 6, 9)],
        ],
    )  # fmt: skip
    home.learn(
        "2026-05-05",
        deals=[month(3, "01", "-2000")],
        psp_transactions=[
            paid_in("C5", "1000", "2026-02-10T00:00:00", kind="chargeback", event_id="CB", psp_txn_id="CB")
        ],
    )
    home.build("fct_commission_accruals", tests=False)
    return home


def shares(broker: Broker, partner_id: str) -> dict[str, Decimal]:
    rows = broker.rows(
        "select strftime(executed_at, '%m'), sum(amount) from partners.fct_commission_accruals where partner_id = ? group by all "
        "having sum(amount) <> 0",
        partner_id,
    )
    return {name: amount.normalize() for name, amount in rows}


def test_a_loss_is_carried_into_the_months_after_it(broker: Broker) -> None:
    assert shares(broker, "RC") == {"01": 2800, "04": 1400}


def test_without_carry_each_month_stands_alone(broker: Broker) -> None:
    assert shares(broker, "RN") == {"01": 2800, "03": 1050, "04": 2100}


def test_a_revenue_share_goes_up_the_chain_by_the_plans_distribution(broker: Broker) -> None:
    assert (shares(broker, "RD"), shares(broker, "RU")) == ({"01": 400}, {"01": 200})


def test_a_late_deal_of_a_month_reverses_its_share_and_books_it_anew(broker: Broker) -> None:
    rows = broker.rows(
        """
        select accrual_id, amount::integer, reason, deal_id, client_id from partners.fct_commission_accruals where partner_id = 'RD'
        order by accrued_at, reverses_accrual_id is null
        """
    )
    key = "revenue_share:RD:2026-01:RD"
    assert rows == [
        (f"{key}:r1", 200, None, None, None),
        (f"{key}:r1:reversal", -200, "superseded", None, None),
        (f"{key}:r2", 400, "recomputed", None, None),
    ]


def test_each_part_of_net_revenue_stands_in_a_column_of_its_own(broker: Broker) -> None:
    parts = broker.rows(
        """
        select trading_result, commission, swap, bonus, psp_fees, chargebacks, write_offs, net_revenue, base
        from intermediate.int_commission_periodic_shares where item = 'revenue_share:RC:2026-01'
        """
    )
    assert parts == [(8000, 12, 0, 6, 2, 4, 0, 8000, 8000)]


def test_a_tier_of_net_revenue_gives_the_rate_of_the_step_reached(broker: Broker) -> None:
    assert shares(broker, "RT") == {"01": 400, "02": 1200}


def test_two_rules_in_conflict_pay_nothing_and_say_so(broker: Broker) -> None:
    assert shares(broker, "CF") == {}
    assert broker.rows("select waits_for from intermediate.int_commission_periodic where partner_id = 'CF'") == [
        ("rule_conflict",)
    ]


def test_a_client_won_pays_once_and_a_higher_step_pays_the_difference(broker: Broker) -> None:
    rows = broker.rows(
        """
        select accrual_id, amount::integer, executed_at::date::varchar from partners.fct_commission_accruals
        where scheme = 'cpa' and client_id = 'C4' order by 1
        """
    )
    assert rows == [
        ("cpa:C4:1:A1:r1", 50, "2026-01-15"),
        ("cpa:C4:1:A2:r1", 7, "2026-01-15"),
        ("cpa:C4:2:A1:r1", 150, "2026-01-30"),
    ]


def test_a_chargeback_takes_an_acquisition_back(broker: Broker) -> None:
    rows = broker.rows(
        "select amount::integer from partners.fct_commission_accruals where client_id = 'C5' and partner_id = 'A1' order by accrued_at"
    )
    assert rows == [(200,), (-200,)]


def test_who_is_not_identified_or_came_too_late_is_not_won(broker: Broker) -> None:
    assert broker.rows("select count(*) from partners.fct_commission_accruals where client_id in ('C6', 'C9')") == [
        (0,)
    ]


def test_plans_with_periodic_schemes_alone_have_no_zero_rows_and_nothing_is_read_twice(broker: Broker) -> None:
    ids = broker.rows("select count(*) - count(distinct accrual_id) from partners.fct_commission_accruals")
    assert ids == [(0,)]
