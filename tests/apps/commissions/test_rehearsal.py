"""All of history computed anew beside what stands, and proposals tried on it; the home itself never changes."""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from apps.commissions.rehearsal import Rehearsal, rehearse
from apps.commissions.what_if import Effect, ProposalUnreadable, read_proposal, what_if
from tests.dbt.broker import Broker
from warehouse.engine import WarehouseError, connect

FEBRUARY = datetime(2026, 2, 1), datetime(2026, 3, 1)
BEFORE = datetime(2026, 1, 1), datetime(2026, 2, 1)
EVER = datetime(2026, 1, 1), datetime(2026, 5, 1)


@pytest.fixture(scope="module")
def anew(home: Broker) -> Iterator[Rehearsal]:
    with rehearse(home.settings) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def effect(home: Broker) -> Effect:
    proposal = read_proposal("rules: [{plan_id: PL-D8, rule_id: PL-D8-own, rate: 9}]")
    return what_if(home.settings, proposal, *FEBRUARY)


def test_computed_anew_in_one_pass_nothing_differs_from_what_many_steps_left(anew: Rehearsal) -> None:
    assert anew.differences(*EVER).is_empty()
    assert anew.zero_differences(*EVER).is_empty()


def test_a_line_that_was_tampered_with_is_in_the_report_with_its_difference(anew: Rehearsal) -> None:
    with contextlib.closing(connect(anew.stood, anew.settings)) as connection:
        connection.execute(
            "update partners.fct_commission_accruals set amount = amount + 1 where accrual_id = 'mt5:1:per_lot:D8:r2'"
        )
    (row,) = anew.differences(*FEBRUARY).to_dicts()
    assert (row["deal"], row["partner_id"], row["stands"], row["would_stand"], row["difference"]) == (
        "mt5:1",
        "D8",
        41,
        40,
        -1,
    )
    assert anew.differences(*BEFORE).is_empty()
    with contextlib.closing(connect(anew.stood, anew.settings)) as connection:
        connection.execute(
            "update partners.fct_commission_accruals set amount = amount - 1 where accrual_id = 'mt5:1:per_lot:D8:r2'"
        )


def test_a_proposed_rate_shows_cost_margin_winners_and_losers_before_it_is_approved(
    effect: Effect, home: Broker
) -> None:
    # five lots at 9 and not 8: D8 wins 5, of which D10, paid the difference up to its own 10, loses 5
    changed = {row["partner_id"]: row["change_usd"] for row in effect.partners.to_dicts() if row["change_usd"]}
    assert changed == {"D8": 5, "D10": -5}
    said = effect.summary()
    assert (said["winners"], said["losers"], said["lines_changed"]) == (1, 1, 2)
    assert Decimal(said["change_usd"]) == 0
    assert home.rows("select max(rule_version) from partners.fct_commission_accruals") == [(1,)]


def test_a_negative_rate_is_refused_at_the_door(home: Broker) -> None:
    proposal = read_proposal("rules: [{plan_id: PL-D8, rule_id: PL-D8-own, rate: -1}]")
    with pytest.raises(WarehouseError, match="refused: 1 rows of commission_rules break the rules"):
        what_if(home.settings, proposal, *FEBRUARY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: 5: 6", "no YAML"),
        ("rates: []", "holds `plans` or `rules`"),
        ("rules: [{plan_id: PL-D8}]", "lacks rule_id"),
        ("rules: 5", "each a list"),
        ("plans: {plan_id: PL-D8}", "each a list"),
        ("plans: [PL-D8]", "lacks plan_id"),
        ("plans: [{plan_id: PL-D8, settings: fast}]", "settings of PL-D8 must be names with values"),
        (
            "rules: [{plan_id: PL-D8, rule_id: PL-D8-own, parameters: [1]}]",
            "parameters of PL-D8 must be names with values",
        ),
    ],
)
def test_a_proposal_that_says_nothing_is_refused_with_an_example(text: str, said: str) -> None:
    with pytest.raises(ProposalUnreadable, match=said):
        read_proposal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plans: [{plan_id: NONE}]", "no plan NONE"),
        ("rules: [{plan_id: PL-D8, rule_id: new}]", "must state its scheme and rate"),
    ],
)
def test_a_proposal_of_what_is_not_known_is_refused(home: Broker, text: str, said: str) -> None:
    with pytest.raises(ProposalUnreadable, match=said):
        what_if(home.settings, read_proposal(text), *FEBRUARY)
