"""Explaining a deal: the sentence names what the line rests on, for paid and unpaid members alike."""

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


def test_an_unknown_deal_says_what_was_searched(reader: Reader) -> None:
    with pytest.raises(NothingKnown, match="no commission line and no zero row of 'mt5:99'"):
        explain(reader, "mt5:99")


def test_a_deal_computed_anew_shows_its_first_line_the_reversal_the_new_line_and_the_difference(reader: Reader) -> None:
    (row,) = [one for one in corrections(reader, None, "2026-02").to_dicts() if one["partner_id"] == "D8"]
    assert (row["first_line"], row["reversals"], row["new_lines"], row["difference"]) == (80, -80, 40, -40)
