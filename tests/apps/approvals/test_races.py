"""Fifty who decide at once make one decision; two who take at once take two; nothing is doubled, lost or left unsaid."""

import time
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import cycle

import pytest

from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.verify import verify
from tests.apps.approvals.office import office, staff, withdrawal
from tests.apps.approvals.racing import DECIDERS, apart, at_once, crowded, in_processes

ROUNDS = [pytest.param(20, id="20"), pytest.param(1_000, id="1000", marks=pytest.mark.soak)]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_fifty_deciders_at_once_yield_exactly_one_decision(ops_store, rounds):
    made, engines = office(ops_store), apart(ops_store)
    desks = [replace(made.desk, engine=engine) for engine in engines]
    for number in range(rounds):
        orders = crowded(made, f"w{number}")
        work = [partial(decide, desk, order) for desk, order in zip(cycle(desks), orders, strict=False)]
        answers = at_once(work)
        assert Counter(answer.status for answer in answers) == {"done": 1, "refused": DECIDERS - 1}
        assert {answer.code for answer in answers if not answer.done} <= {"closed", "version"}
        (winner,) = (answer for answer in answers if answer.done)
        (row,) = made.rows("select * from decisions where subject_id = :id", id=f"w{number}")
        assert row["decision_id"] == winner.decision_id and made.live(f"w{number}")["state"] == winner.state
    assert made.count("events", "type = 'approval.refused'") == rounds * (DECIDERS - 1)
    assert made.count("events", "type in ('approval.approved', 'approval.rejected')") == rounds
    assert verify(ops_store).whole
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("rounds", [pytest.param(2, id="2"), pytest.param(100, id="100", marks=pytest.mark.soak)])
def test_deciders_in_processes_of_their_own_yield_exactly_one_decision(ops_settings, ops_store, rounds):
    made = office(ops_store)
    subjects = [f"w{number}" for number in range(rounds)]
    for subject, codes in zip(subjects, in_processes(ops_settings, subjects, processes=2), strict=True):
        assert len(codes) == DECIDERS and codes.count("done") == 1
        assert made.count("decisions", f"subject_id = '{subject}'") == 1
    assert verify(ops_store).whole


def test_two_steps_raced_by_fifty_are_two_people(ops_store):
    made = office(ops_store)
    made.hire(*(staff(f"f{number}", "finance") for number in range(25)))
    for number in range(2):
        crowded(made, f"w{number}", amount=20_000)
        people = [f"p{n}" for n in range(25)] + [f"f{n}" for n in range(25)]
        orders = [made.order("approve", actor, f"w{number}", version=None) for actor in people]
        answers = at_once([lambda order=order: decide(made.desk, order) for order in orders])
        assert sum(answer.done for answer in answers) == 2
        rows = made.rows("select * from decisions where subject_id = :id order by step", id=f"w{number}")
        assert [row["step"] for row in rows] == [1, 2] and rows[0]["person_key"] != rows[1]["person_key"]
        assert rows[1]["actor_role"] == "finance" and made.live(f"w{number}")["state"] == "approved"


def test_one_order_sent_fifty_times_at_once_is_carried_out_once_and_answered_fifty_times_alike(ops_store):
    made = office(ops_store)
    order = made.order("approve", "pay1")
    answers = at_once([lambda: decide(made.desk, order)] * DECIDERS)
    assert {answer.decision_id for answer in answers} == {answers[0].decision_id} and answers[0].decision_id
    assert sum(not answer.replayed for answer in answers) == 1
    assert made.count("decisions") == made.count("events") == 1


def test_claims_at_once_leave_one_holder(ops_store):
    made = office(ops_store)
    orders = crowded(made, "w1")
    claims = [made.order("claim", order.actor_id, "w1", version=None) for order in orders]
    answers = at_once([lambda order=order: decide(made.desk, order) for order in claims])
    assert sum(answer.done for answer in answers) == 1
    assert {answer.code for answer in answers if not answer.done} == {"claimed"}


def test_an_order_among_fifty_others_is_answered_within_a_second_of_its_own_work(ops_store):
    """Writers wait for each other, but only for each other's work: no order starves behind the crowd."""
    made = office(ops_store)
    made.ask(*(withdrawal(f"w{number}") for number in range(DECIDERS)))
    alone = time.monotonic()
    made.give("claim", "pay1", "w0", key=new_id())
    alone = time.monotonic() - alone
    orders = [made.order("claim", "pay1", f"w{number}", version=None) for number in range(DECIDERS)]
    started = time.monotonic()
    answers = at_once([lambda order=order: decide(made.desk, order) for order in orders])
    assert all(answer.done for answer in answers)
    assert time.monotonic() - started < 10 + 20 * DECIDERS * alone
