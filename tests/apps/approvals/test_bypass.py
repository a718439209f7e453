"""Every way around the machinery is refused and on record, also for somebody who writes to the database by hand."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from apps.approvals.attested import attest
from apps.approvals.chain import Actor, Event
from apps.approvals.store import writing
from apps.approvals.verify import verify
from tests.apps.approvals.office import NOW, Office, office, withdrawal
from tests.apps.approvals.tampering import unguarded


@pytest.fixture
def desk(ops_store) -> Office:
    made = office(ops_store)
    made.ask(withdrawal(amount=20_000))
    return made


def by_hand(desk: Office, *statements: str) -> None:
    with unguarded(desk.engine) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def test_a_step_said_to_be_taken_that_nobody_took_refuses(desk):
    desk.give("claim", "pay1")
    by_hand(desk, "update subjects set step = 1, claimed_by = null")
    refused = desk.give("approve", "fin1")
    assert refused.code == "tampered" and "1 steps are said to be taken, 0 are on record" in refused.said
    assert desk.count("decisions") == 0 and desk.refusals() == ["tampered"]


def test_a_decided_subject_opened_by_hand_is_not_decided_again(desk):
    desk.ask(withdrawal("small"))
    desk.give("approve", "pay1", "small")
    by_hand(desk, "update subjects set state = 'open', step = 0, round = 2")
    refused = desk.give("approve", "pay2", "small")
    assert refused.code == "tampered" and "its final decision is on record" in refused.said
    assert desk.count("decisions") == 1


@pytest.mark.parametrize(
    "edit",
    [
        "update decisions set actor_id = 'fin2', person_key = 'fin2'",
        "update decisions set facts_hash = 'x'",
        "delete from check_results where check_name = 'balance'",
        "update check_results set result = 'review'",
        "update events set body = replace(body, 'pay1', 'pay9') where type = 'approval.approved'",
    ],
)
def test_an_earlier_step_that_was_edited_stops_the_next_one(desk, edit):
    desk.give("approve", "pay1")
    by_hand(desk, edit)
    refused = desk.give("approve", "fin1")
    assert refused.code == "tampered" and "daybook audit verify" in refused.said
    assert desk.refusals() == ["tampered"] and not verify(desk.engine).whole


def test_a_proposal_that_was_edited_stops_its_decision(desk):
    row = {"subject_type": "withdrawal", "subject_id": "w1", "revision": 1, "maker_id": "m", "maker_person": "m"}
    row |= {"payload": {"amount": "1"}, "payload_hash": "h", "proposed_at": NOW}
    with writing(desk.engine) as connection:
        attest(connection, Event("x.proposed", Actor("m"), "withdrawal", "w1"), {"proposals": [row]}, NOW)
    assert desk.give("claim", "pay1").done
    by_hand(desk, 'update proposals set payload = \'{"amount":"9"}\'')
    assert desk.give("approve", "pay1").code == "tampered"


def test_approved_by_hand_is_found(desk):
    desk.give("claim", "pay1")
    by_hand(desk, "update subjects set state = 'approved'")
    assert [fault.kind for fault in verify(desk.engine).faults] == ["unfounded"]
    assert desk.give("approve", "pay1").code == "closed"


def test_a_delivery_of_a_decision_nobody_took_is_found(desk):
    columns = "outbox_id, idempotency_key, subject_type, subject_id, decision_id, kind, destination, payload, status, created_at"
    by_hand(
        desk,
        f"insert into outbox ({columns}) values ('o', 'o', 'withdrawal', 'w1', 'forged', 'x', 'psp', '{{}}', 'pending', '2026-01-01')",
    )
    (fault,) = verify(desk.engine).faults
    assert fault.kind == "unfounded" and "forged" in fault.said


def test_the_constraints_hold_for_rows_that_no_order_wrote(desk):
    """Four eyes is the database's rule: a decision written straight into the table meets it too."""
    desk.give("approve", "pay1")
    (row,) = desk.rows("select * from decisions")
    others = {"decision_id": "forged", "event_seq": 99}
    for change, constraint in (
        ({"step": 2}, "person"),  # the same person's second step
        ({"person_key": "fin1"}, "step"),  # the same step by another person
        ({"step": 2, "person_key": "m"}, "maker"),
    ):
        values = {**row, **others, **change}
        names = ", ".join(values)
        bound = ", ".join(f":{name}" for name in values)
        with pytest.raises(IntegrityError, match=constraint), writing(desk.engine) as connection:
            connection.execute(sa.text(f"insert into decisions ({names}) values ({bound})"), values)
    assert desk.count("decisions") == 1
