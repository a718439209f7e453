"""The same orders on a published warehouse: real subjects, people, policies, checks, outbox."""

from dataclasses import replace

import pytest

from apps.approvals import queue
from apps.approvals.chain import new_id
from apps.approvals.claims import take_next
from apps.approvals.decisions import decide
from apps.approvals.desk import newest_reader, open_desk
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.people import person
from apps.approvals.store import reading, writing
from apps.approvals.subject import find
from apps.approvals.verify import verify
from tests.apps.approvals.hand_made import NOW, published
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    return published(Settings(home=tmp_path_factory.mktemp("marts")))


@pytest.fixture(scope="module")
def desk(broker) -> Desk:
    return replace(open_desk(broker), clock=lambda: NOW)


def give(desk: Desk, action: str, subject_id: str, actor: str, **more) -> Answer:
    with reading(desk.engine) as connection:
        seen = find(desk.reader(), connection, "withdrawal", subject_id, closed_too=True).shown()
    given = {"seen": seen, "reason_code": "checks_passed", "key": new_id(), **more}
    return decide(desk, Order(action, "withdrawal", subject_id, actor, **given))


def test_a_withdrawal_walks_from_the_queue_to_its_decision_and_is_gone_from_every_list(desk):
    refused = give(desk, "approve", "w-balance", "s-fin1")
    assert refused.code == "checks" and refused.reasons == ("balance: wallet has 500.00 EUR; 900.00 are asked.",)
    approved = give(desk, "approve", "w-good", "s-fin1")
    assert approved.done and approved.said == "Approved: Withdrawal of 400.00 EUR to card …good."
    third = give(desk, "approve", "w-good", "s-pay1")
    assert third.code == "closed" and "by s-fin1" in third.said
    with reading(desk.engine) as connection:
        viewer = person(desk.reader(), "s-pay1")
        assert "w-good" not in {row.subject.subject_id for row in queue.inbox(desk.reader(), connection, viewer, NOW)}
    assert verify(desk.engine).whole


def test_take_next_gives_each_of_two_people_another_subject(desk):
    first, second = (take_next(desk, actor, new_id()) for actor in ("s-pay1", "s-pay2"))
    assert first.done and second.done
    assert (first.subject_type, first.subject_id) != (second.subject_type, second.subject_id)
    key = new_id()
    assert take_next(desk, "s-pay3", key).subject_id == take_next(desk, "s-pay3", key).subject_id
    nobody = take_next(desk, "s-data", new_id())
    assert nobody.done and nobody.said == "The queue is clear: nothing waits for you."


def test_shipped_policies_are_attested(desk):
    from apps.approvals.policies import seed

    with writing(desk.engine) as connection:
        assert seed(connection, NOW) > 10
    assert verify(desk.engine).whole


def test_the_reader_is_kept_until_something_new_is_published(broker):
    from warehouse import lake

    newest = newest_reader(broker)
    first = newest()
    assert newest() is first
    lake.rollback(broker, first.publish.publish_id)
    assert newest().publish.publish_id == first.publish.publish_id
