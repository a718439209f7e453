"""Explaining a deal: the sentence names what the line rests on, for paid and unpaid members alike."""

import pytest

from apps.commissions.explain import NothingKnown, explain
from tests.dbt.broker import Broker, new_broker
from tests.dbt.test_commissions import SYMBOL, chain, closing, partner, plan, rule, trader
from warehouse.reader import Reader


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    home: Broker = new_broker(tmp_path_factory.mktemp("explain"))
    account, links = trader(1, "D8")
    home.learn(
        "2026-03-01",
        symbols=[SYMBOL],
        trading_accounts=[account],
        partner_links=[*links, *chain("D8", "D7", "D10")],
        partners=[partner(one, f"PL-{one}") for one in ("D8", "D7", "D10")],
        commission_plans=[
            plan("PL-D8", "difference"), plan("PL-D7", "difference"),
            plan("PL-D10", "difference", settings='{"caps": {"per_day": 15}}'),
        ],
        commission_rules=[rule("PL-D8", "8"), rule("PL-D7", "7"), rule("PL-D10", "10")],
        deals=[closing(1, 1)],
    )  # fmt: skip
    home.learn("2026-03-02", deals=[closing(1, 1, lots="5")])
    home.build("fct_commission_accruals", "fct_commission_zero")
    home.publish()
    return Reader(home.settings)


def test_a_deal_is_explained_for_every_member_of_its_chain(reader: Reader) -> None:
    said = " ".join(explain(reader, "mt5:1").sentences)
    assert "D8 (level 1, plan PL-D8 version 1) earned 80 USD on deal mt5:1 of C1" in said
    assert "10 lots × 8, by rule PL-D8-own version 1 (per_lot, difference)" in said
    assert "D7 earned nothing on deal mt5:1: its rate is not above the highest one paid below" in said
    assert "whose rate of 10 is reduced by the highest rate paid below" in said


def test_what_was_taken_back_and_revised_is_said_in_its_order(reader: Reader) -> None:
    sentences = explain(reader, "1", partner_id="D8").sentences
    assert len(sentences) == 3
    assert "was taken back" in sentences[1] and "Revision 2" in sentences[2] and "earned 40 USD" in sentences[2]


def test_a_limit_is_named(reader: Reader) -> None:
    assert "Limited: the partner's cap left no more." in explain(reader, "mt5:1:per_lot:D10:r1").sentences[0]


def test_an_unknown_deal_says_what_was_searched(reader: Reader) -> None:
    with pytest.raises(NothingKnown, match="no commission line and no zero row of 'mt5:99'"):
        explain(reader, "mt5:99")
