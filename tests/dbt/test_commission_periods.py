"""Revenue shares and acquisitions: the worked examples, conditions, ladders, carried losses, late rows; one home of two loads."""

from decimal import Decimal

import pytest

from tests.dbt.broker import Broker


@pytest.fixture(scope="module")
def broker(partner_home: Broker) -> Broker:
    return partner_home


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


def test_a_statement_sets_a_share_of_revenue_against_the_clients_it_is_of(broker: Broker) -> None:
    rows = broker.rows(
        """
        select partner_id, lots::integer, clients_active from partners.fct_partner_statement
        where partner_id in ('RC', 'RD', 'RU') and period = '2026-01' order by 1
        """
    )
    assert rows == [("RC", 20, 1), ("RD", 10, 1), ("RU", 10, 1)]


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


def test_a_marginal_tier_pays_each_slice_of_the_month_at_its_own_step(broker: Broker) -> None:
    assert shares(broker, "RM") == {"01": 400, "02": 700}


def test_a_rolling_tier_counts_what_the_days_up_to_the_months_end_brought(broker: Broker) -> None:
    assert shares(broker, "RR") == {"01": 400, "02": 600}


def test_a_tier_by_lots_replaces_every_rate_of_the_partner_of_deals_and_months(broker: Broker) -> None:
    rows = broker.rows(
        "select scheme, rate::double, tier_from::integer, amount::integer from partners.fct_commission_accruals where partner_id = 'TL' order by 1"
    )
    assert rows == [("per_lot", 0.2, 10, 4), ("revenue_share", 0.2, 10, 200)]


def test_a_month_is_split_where_its_own_lots_cross_a_step_and_earlier_ones_of_the_window_come_first(
    broker: Broker,
) -> None:
    # twenty lots, half below and half above the step: 0.15 of 1 000; in February one lot on top of the twenty of January
    assert shares(broker, "TS") == {"01": 150, "02": 200}


def test_a_second_active_client_re_prices_the_one_won_before(broker: Broker) -> None:
    rows = broker.rows(
        "select accrual_id, amount::integer, tier_from::integer, reason from partners.fct_commission_accruals where partner_id = 'TA' order by all"
    )
    assert rows == [
        (f"cpa:{client}:1:TA:{line}", *figures)
        for client in ("C45", "C46")
        for line, *figures in (
            ("r1", 50, 1, None),
            ("r1:reversal", -50, 1, "superseded"),
            ("r2", 80, 2, "tier_reached"),
        )
    ]


@pytest.mark.parametrize(
    "partner_id",
    ["TX", "TB", "BC"],
    ids=("a step of money in place of a share", "a tier of no known scheme", "conditions that are no numbers"),
)
def test_what_cannot_be_read_waits_and_says_so(broker: Broker, partner_id: str) -> None:
    assert shares(broker, partner_id) == {}
    waits = broker.rows("select waits_for from intermediate.int_commission_periodic where partner_id = ?", partner_id)
    assert waits == [("not_yet_computed",)]


def test_a_cap_limits_deals_months_and_clients_won_together_in_their_order(broker: Broker) -> None:
    rows = broker.rows(
        """
        select scheme, amount::integer, limited_by from partners.fct_commission_accruals
        where partner_id = 'CAP' and executed_at < timestamp '2026-02-01' order by executed_at
        """
    )
    assert rows == [("cpa", 80, None), ("per_lot", 50, None), ("per_lot", 10, None), ("revenue_share", 10, "cap")]
    assert shares(broker, "CAP") == {"01": 150, "02": 50}


def test_two_rules_in_conflict_pay_nothing_and_say_so(broker: Broker) -> None:
    assert shares(broker, "CF") == {}
    assert broker.rows("select waits_for from intermediate.int_commission_periodic where partner_id = 'CF'") == [
        ("rule_conflict",)
    ]


def test_a_client_won_pays_once_and_a_higher_step_pays_the_difference(broker: Broker) -> None:
    rows = broker.rows(
        """
        select accrual_id, amount::integer, executed_at::date::varchar from partners.fct_commission_accruals
        where scheme = 'cpa' and client_id = 'C34' order by 1
        """
    )
    assert rows == [
        ("cpa:C34:1:A1:r1", 50, "2026-01-15"),
        ("cpa:C34:1:A2:r1", 7, "2026-01-15"),
        ("cpa:C34:2:A1:r1", 150, "2026-01-30"),
    ]


def test_a_chargeback_takes_an_acquisition_back(broker: Broker) -> None:
    rows = broker.rows(
        "select amount::integer from partners.fct_commission_accruals where client_id = 'C35' and partner_id = 'A1' order by accrued_at"
    )
    assert rows == [(200,), (-200,)]


def test_who_is_not_identified_or_came_too_late_is_not_won(broker: Broker) -> None:
    assert broker.rows("select count(*) from partners.fct_commission_accruals where client_id in ('C36', 'C39')") == [
        (0,)
    ]


def test_plans_with_periodic_schemes_alone_have_no_zero_rows_and_nothing_is_read_twice(broker: Broker) -> None:
    ids = broker.rows("select count(*) - count(distinct accrual_id) from partners.fct_commission_accruals")
    assert ids == [(0,)]
