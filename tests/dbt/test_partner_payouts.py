"""From a line to the money paid: approvals, holdback, holds, clawback, failed payouts; statement, lines, ledger and payouts agree to the cent."""

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.broker import Broker
from warehouse.dbt import Dbt
from warehouse.engine import make_home
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def broker(partner_home: Broker) -> Broker:
    return partner_home


def states(broker: Broker, partner_id: str) -> list[tuple[Any, ...]]:
    return broker.rows(
        """
        select revision, amount::integer, status, approval_id, payout_id from partners.fct_commission_accruals
        where partner_id = ? and abs(amount) >= 1 order by accrued_at, reverses_accrual_id is null
        """,
        partner_id,
    )


def test_a_payout_run_of_1200_with_holdback_120_and_clawback_200_pays_880(broker: Broker) -> None:
    row = broker.rows(
        "select accrued::decimal(18, 3), approved, paid, adjustments, held_back, closing::decimal(18, 3) "
        "from partners.fct_partner_statement where partner_id = 'W' order by period"
    )
    assert row == [
        (Decimal("1200.005"), 0, 0, 0, 0, Decimal("1200.005")),
        (0, 1200, 880, -200, 120, Decimal("120.005")),
    ]
    paid = broker.rows(
        "select payout_id, amount, status, approved_by, entry_id is not null from partners.fct_payouts where partner_id = 'W'"
    )
    assert paid == [("P-W", 880, "paid", "ST-05", True)]


def test_commission_is_accrued_in_the_ledger_as_its_lines_say(broker: Broker) -> None:
    posted = broker.rows(
        """
        select account_code, sum(amount)::decimal(18, 3) from finance.fct_postings
        where starts_with(entry_id, 'commission_accruals:') and partner_id = 'W' group by 1 order by 1
        """
    )
    assert posted == [("2060", Decimal("-1200.005")), ("5020", Decimal("1200.005"))]


def test_what_is_less_than_a_cent_stays_accrued_and_waits(broker: Broker) -> None:
    assert broker.rows(
        "select status from partners.fct_commission_accruals where partner_id = 'W' order by accrued_at"
    ) == [
        ("paid",),
        ("accrued",),
    ]


def test_a_line_that_ends_on_a_tie_is_one_though_its_commission_was_divided(broker: Broker) -> None:
    paid = broker.rows("select amount, basis_amount from partners.fct_commission_accruals where partner_id = 'TIE'")
    assert paid == [(Decimal("0.90452862"), Decimal("2.38333333"))]


def test_a_decision_holds_a_period_and_names_what_it_holds(broker: Broker) -> None:
    assert states(broker, "H") == [(1, 1200, "held", None, None)]
    assert broker.rows("select held from partners.fct_partner_statement where partner_id = 'H'") == [(1200,)]


def test_a_line_of_a_client_not_identified_is_held_until_he_is(broker: Broker) -> None:
    assert states(broker, "K") == [(1, 1200, "accrued", None, None)]
    steps = broker.rows("select status from intermediate.int_accrual_states where partner_id = 'K' order by known_at")
    assert steps == [("held",), ("accrued",)]


def test_a_difference_after_the_approval_waits_and_is_approved_as_an_adjustment(broker: Broker) -> None:
    assert states(broker, "L") == [
        (1, 1200, "paid", "A-L", "P-L"),
        (1, -1200, "adjusted", "A2-L", None),
        (2, 1300, "adjusted", "A2-L", None),
    ]


def test_a_failed_payout_is_payable_again(broker: Broker) -> None:
    assert states(broker, "F") == [(1, 1200, "payable", "A-F", None)]
    assert broker.rows("select status from partners.fct_payouts where partner_id = 'F' order by 1") == [
        ("approved",),
        ("failed",),
    ]
    assert broker.rows(
        "select payable from partners.fct_partner_statement where partner_id = 'F' order by period desc limit 1"
    ) == [(1080,)]


def test_a_client_who_shares_the_partners_address_is_flagged_and_held(broker: Broker) -> None:
    flags = broker.rows(
        "select partner_id, client_id, flag, amount::integer from partners.fct_commission_flags where partner_id in ('H', 'S') order by 1"
    )
    assert flags == [("H", "C12", "chargeback", 1200), ("S", "C16", "self_referral", 1200)]
    assert states(broker, "S") == [(1, 1200, "held", None, None)]


@pytest.mark.parametrize(
    ("partner_id", "client_id", "flag", "evidence"),
    [
        ("H", "C12", "chargeback", "adyen:CB"),
        ("RF", "C21", "refund", "adyen:RF"),
        ("S", "C16", "self_referral", "the same address of mail as CS"),
        ("FR", "C20", "fraud", "alert AL-C20"),
    ],
)
def test_each_trigger_of_a_clawback_holds_the_line_and_proposes_all_that_the_client_earned(
    broker: Broker, partner_id: str, client_id: str, flag: str, evidence: str
) -> None:
    flags = broker.rows(
        "select client_id, flag, evidence, amount::integer, take_back::integer, take_back_lines from partners.fct_commission_flags "
        "where partner_id = ?",
        partner_id,
    )
    assert flags == [(client_id, flag, evidence, 1200, 1200, '[{"period":"2026-01","amount":"1200"}]')]
    assert states(broker, partner_id) == [(1, 1200, "held", None, None)]


def test_statement_lines_ledger_and_payouts_agree_for_every_partner_and_month(broker: Broker) -> None:
    sides = broker.rows(
        """
        with ledger as (
            select partner_id, strftime(occurred_at, '%Y-%m') as period, -sum(amount) as moved from finance.fct_postings
            where account_code in ('2060', '2061', '2065', '1070') group by all
        ), lines as (
            select partner_id, strftime(executed_at, '%Y-%m') as period, sum(amount) as amount from partners.fct_commission_accruals group by all
        )
        select partner_id, period, closing - opening - moved, accrued - coalesce(amount, 0)
        from partners.fct_partner_statement left join ledger using (partner_id, period) left join lines using (partner_id, period)
        """
    )
    assert len(sides) > 30
    assert [row for row in sides if row[2] or row[3]] == []
    broker.check("statements_agree_with_lines_ledger_and_payouts")


def test_a_statement_that_is_off_by_the_last_decimal_is_found(broker: Broker, tmp_path: Path) -> None:
    changed = Broker(Settings(home=tmp_path), Dbt(Settings(home=tmp_path)))
    make_home(changed.settings)
    shutil.copy(broker.settings.build_file, changed.settings.build_file)
    changed.rows("update partners.fct_partner_statement set closing = closing + 0.00000001 where partner_id = 'H'")
    with pytest.raises(AssertionError, match="statements_agree"):
        changed.check("statements_agree_with_lines_ledger_and_payouts")
