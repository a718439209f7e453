"""Explaining a deal: the sentence names what the line rests on, for paid and unpaid members alike."""

import re

import pytest

from apps.commissions.explain import NothingKnown, explain
from apps.dashboard.queries.partner_accounts import corrections
from warehouse.reader import Reader


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


def test_a_month_and_a_client_won_are_explained_by_what_they_were_paid_for(reader: Reader) -> None:
    (month,) = explain(reader, "revenue_share:RC:2026-01").sentences
    assert (
        "earned 2800 USD on what RC's own clients brought the house in 2026-01: 8000 USD × 0.35, by rule share" in month
    )
    above = explain(reader, "revenue_share:RD:2026-01", partner_id="RU").sentences
    assert "RU (level 2" in above[0] and "on what RD's own clients" in above[0] and "was taken back" in above[1]
    won = explain(reader, "cpa:C34:1:A1:r1").sentences
    assert len(won) == 1 and "earned 50 USD for client C34, won at 2026-01-15 12:00:00 UTC: 1 clients × 50" in won[0]
    assert not [one for one in [month, *above, *won] if "None" in one]


def test_an_unknown_deal_says_what_was_searched(reader: Reader) -> None:
    for asked in ("mt5:99", "99", "mt5:²", "9" * 40, "", ":", "mt5:1:' or true --"):
        with pytest.raises(NothingKnown, match=f"no commission line and no zero row of {re.escape(repr(asked))}"):
            explain(reader, asked)


def test_only_what_was_taken_back_is_computed_anew_not_what_has_two_lines(reader: Reader) -> None:
    rows = corrections(reader, None, "2026-01").to_dicts()
    # C34 reached a higher step and so has two lines; RD's month and A1's client were computed anew
    assert {(row["partner_id"], row["client_id"]) for row in rows} >= {("RD", None), ("A1", "C35")}
    assert ("A1", "C34") not in {(row["partner_id"], row["client_id"]) for row in rows}
    assert all(row["reversals"] < 0 for row in rows)


def test_a_deal_computed_anew_shows_its_first_line_the_reversal_the_new_line_and_the_difference(reader: Reader) -> None:
    (row,) = [one for one in corrections(reader, None, "2026-02").to_dicts() if one["partner_id"] == "D8"]
    assert (row["first_line"], row["reversals"], row["new_lines"], row["difference"]) == (80, -80, 40, -40)
