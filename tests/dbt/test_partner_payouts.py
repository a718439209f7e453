"""From a line to the money paid: approvals, holdback, holds, clawback, failed payouts; statement, lines, ledger and payouts agree to the cent."""

from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker
from tests.dbt.test_commissions import SINCE, SYMBOL, closing, partner, plan, rule, trader

MODELS = ("fct_partner_statement", "fct_payouts", "int_accrual_states", "fct_postings")
JANUARY = "2026-01-20T12:00:00"
PARTNERS = {1: "W", 2: "H", 3: "K", 4: "L", 5: "F", 6: "S"}
"""By login: the worked example, held by decision, not identified, late correction, failed payout, its own client's brother."""


def decided(event_id: str, partner_id: str, event: str, at: str, amount: str | None = None, **more: Any) -> Row:
    return {
        "event_id": event_id, "partner_id": partner_id, "period": "2026-01", "event": event, "amount": amount, "currency": "USD",
        "reason": "review", "actor_id": "ST-05", "occurred_at": at, **more,
    }  # fmt: skip


def person(client_id: str, **more: Any) -> Row:
    return {
        "client_id": client_id, "changed_at": SINCE, "registered_at": SINCE, "entity": "CY", "client_type": "individual", "is_test": False, **more,
    }  # fmt: skip


def identified(client_id: str) -> Row:
    return {
        "provider": "crm", "event_id": f"K-{client_id}", "client_id": client_id, "event": "status_changed", "from_status": "IN_REVIEW",
        "to_status": "APPROVED", "actor_type": "staff", "actor_id": "ST-01", "occurred_at": "2026-01-02T00:00:00",
    }  # fmt: skip


def deposit(client_id: str) -> Row:
    return {
        "psp": "adyen", "event_id": f"D-{client_id}", "psp_txn_id": f"D-{client_id}", "kind": "deposit", "status": "completed", "method": "card",
        "amount": "5000", "currency": "USD", "client_id": client_id, "occurred_at": "2026-01-03T00:00:00",
    }  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """January's lines with February's decisions; then a late correction, a chargeback and the approval of the difference."""
    home = new_broker(tmp_path_factory.mktemp("payouts"))
    made = [trader(login, partner_id) for login, partner_id in PARTNERS.items()]
    clients = [f"C{login}" for login in PARTNERS]
    home.learn(
        "2026-02-05",
        symbols=[SYMBOL],
        clients=[
            *[person(one) for one in clients[:5]], person("C6", last_name="Doe", email="Doe@mail.example"),
            person("CS", last_name="Roe", email="doe@mail.example"),
        ],
        kyc_events=[identified(one) for one in clients if one != "C3"],
        psp_transactions=[deposit(one) for one in clients],
        trading_accounts=[account for account, _ in made],
        partner_links=[row for _, links in made for row in links],
        partners=[
            *[partner(one, "PL", entity="CY", payout_method="bank") for one in "WHKLF"],
            partner("S", "PL", entity="CY", client_id="CS"),
        ],
        commission_plans=[plan("PL", "level", settings='{"holdback_pct": 0.1}')],
        commission_rules=[rule("PL", "10", 1)],
        deals=[closing(login, login, lots="120", at=JANUARY) for login in PARTNERS],
        commission_decisions=[
            *[decided(f"A-{one}", one, "approved", "2026-02-04T10:00:00") for one in "WLF"],
            decided("B-W", "W", "clawed_back", "2026-02-04T11:00:00", "200"),
            *[decided(f"P-{one}", one, "paid", "2026-02-04T12:00:00") for one in "WLF"],
            decided("X-F", "F", "failed", "2026-02-04T13:00:00", "1080"),
            decided("H-H", "H", "held", "2026-02-04T10:00:00"),
        ],
    )  # fmt: skip
    home.learn(
        "2026-02-10",
        deals=[closing(4, 4, lots="130", at=JANUARY), closing(1, 11, lots="0.0005", at=JANUARY)],
        kyc_events=[identified("C3")],
        psp_transactions=[
            {**deposit("C2"), "event_id": "CB", "psp_txn_id": "CB", "kind": "chargeback", "occurred_at": "2026-02-08T00:00:00"}
        ],
        commission_decisions=[decided("A2-L", "L", "approved", "2026-02-09T10:00:00", "100")],
    )  # fmt: skip
    home.build(*MODELS, tests=False)
    return home


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


def test_what_is_less_than_a_cent_stays_accrued_and_waits(broker: Broker) -> None:
    assert broker.rows(
        "select status from partners.fct_commission_accruals where partner_id = 'W' order by deal_id"
    ) == [
        ("paid",),
        ("accrued",),
    ]


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
        "select partner_id, client_id, flag, amount::integer from partners.fct_commission_flags order by 1"
    )
    assert flags == [("H", "C2", "chargeback", 1200), ("S", "C6", "self_referral", 1200)]
    assert states(broker, "S") == [(1, 1200, "held", None, None)]


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
    assert len(sides) == 9
    assert [row for row in sides if row[2] or row[3]] == []
    broker.check("statements_agree_with_lines_ledger_and_payouts")


def test_a_statement_that_is_off_by_the_last_decimal_is_found(broker: Broker) -> None:
    broker.rows("update partners.fct_partner_statement set closing = closing + 0.00000001 where partner_id = 'H'")
    with pytest.raises(AssertionError, match="statements_agree"):
        broker.check("statements_agree_with_lines_ledger_and_payouts")
    broker.rows("update partners.fct_partner_statement set closing = closing - 0.00000001 where partner_id = 'H'")
