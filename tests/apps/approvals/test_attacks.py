"""Somebody who wants money tries every way they can think of: by order, with the clock, with a policy, and with the database's own rights."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from apps.approvals import outbox, policies, tables
from apps.approvals.chain import Actor
from apps.approvals.decisions import bulk, decide
from apps.approvals.orders import Desk
from apps.approvals.proposing import ProposalRefused, propose, recorded
from apps.approvals.store import writing
from apps.approvals.verify import verify
from tests.apps.approvals.hand_made import NOW as PUBLISHED
from tests.apps.approvals.office import NOW, Office, Publish, Reader, office, staff, withdrawal
from tests.apps.approvals.test_bypass import by_hand
from tests.apps.approvals.test_subjects import seeded
from warehouse import reader as marts_reader
from warehouse.settings import Settings

LARGE = 20_000


@pytest.fixture
def desk(ops_store: sa.Engine) -> Office:
    made = office(ops_store)
    made.ask(withdrawal("large", amount=LARGE))
    return made


def faults(desk: Office) -> str:
    """What verification says is not founded."""
    found = verify(desk.engine).faults
    assert {one.kind for one in found} <= {"unfounded", "attested"}, found
    return " ".join(one.said for one in found)


# two pairs of eyes


def test_a_principal_whose_delegate_took_a_step_takes_no_other_and_neither_does_another_delegate(desk: Office):
    assert desk.give("approve", "pay1", "large", on_behalf_of="fin1").done
    for actor, principal in (("fin1", None), ("fin2", "fin1")):
        refused = desk.give("approve", actor, "large", on_behalf_of=principal)
        assert refused.code == "not_entitled" and "an earlier step of this round as fin1" in refused.said
    assert desk.refusals() == ["not_entitled"] * 2 and desk.give("approve", "fin2", "large").state == "approved"


def test_a_step_of_a_role_that_the_policy_no_longer_asks_is_asked_anew(desk: Office):
    assert desk.give("approve", "pay1", "large").done
    body = policies.shipped()[1]["body"] | {"steps": [{"roles": ["finance"]}, {"roles": ["finance"]}]}
    changed(desk, body, policy_id="withdrawal_large", min_amount_eur=10_000)
    again = desk.give("approve", "fin1", "large")
    assert again.done and again.state == "waiting", "the step of payments is void"
    assert desk.live("large")["round"] == 2 and desk.give("approve", "fin2", "large").state == "approved"


def changed(desk: Office, body: dict[str, Any], **more: Any) -> None:
    """Another policy takes force now."""
    change = {"policy_id": "withdrawal", "subject_type": "withdrawal", "valid_from": NOW, "body": body, **more}
    with writing(desk.engine) as connection:
        policies.append_version(connection, change, approval_id="d", actor=Actor("s"), now=NOW)


def test_a_policy_that_changed_between_look_and_click_decides(desk: Office):
    order = desk.order("approve", "pay1")
    shipped = policies.shipped()[0]["body"]
    changed(desk, shipped | {"steps": [{"roles": ["payments"]}, {"roles": ["mlro"], "limit": False}]})
    first = decide(desk.desk, order)
    assert first.done and first.state == "waiting" and first.waiting_for == ("mlro",)
    strict = desk.order("approve", "pay2")
    changed(desk, shipped | {"steps": [{"roles": ["finance"]}]})
    assert decide(desk.desk, strict).code == "not_entitled"


def test_a_newer_publish_that_came_while_the_order_waited_for_its_turn_is_what_it_is_decided_on(desk: Office):
    stale = Publish(8, NOW - timedelta(hours=30), NOW - timedelta(hours=30))
    publishes = iter([desk.publish, stale])
    waiting: Desk = replace(desk.desk, reader=lambda: Reader(next(publishes)))  # type: ignore[arg-type, return-value]
    assert decide(waiting, desk.order("approve", "pay1")).code == "stale_publish"


def test_a_request_that_its_source_changed_after_the_approval_is_not_paid_a_second_time(desk: Office):
    assert desk.give("approve", "pay1").state == "approved"
    desk.now = NOW + timedelta(seconds=5)
    desk.ask(withdrawal(amount=900, opened_at=NOW + timedelta(seconds=2)))
    refused = desk.give("approve", "pay2")
    assert refused.code == "closed" and desk.count("decisions") == 1


# words and signs


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason_code": "checks_pаssed"}, "reason"),  # a Cyrillic a
        ({"reason_code": "CHECKS_PASSED"}, "reason"),
        ({"action": "аpprove"}, "no_such_order"),
        ({"actor_id": "pаy1"}, "unknown_person"),
        ({"actor_id": "pay1\u200b"}, "unknown_person"),
        ({"subject_id": "ｗ1"}, "no_such_subject"),
        ({"reason_code": "other", "note": "\u200b\u2060\u3164 \u00ad."}, "reason"),
    ],
)
def test_what_only_looks_right_is_refused(desk: Office, change: dict[str, str], code: str):
    refused = decide(desk.desk, replace(desk.order("approve", "pay1"), **change))
    assert refused.code == code and desk.refusals() == [code] and desk.count("decisions") == 0


def test_an_override_says_why_with_letters(desk: Office):
    desk.failing = frozenset({"velocity"})
    refused = desk.give(
        "override", "mlro1", checks=("velocity",), note="\u200b" * 40, reason_code="justified_exception"
    )
    assert refused.code == "reason" and desk.count("decisions") == 0


# amounts


@pytest.mark.parametrize("amount", ["0", "-400"])
def test_nothing_and_less_than_nothing_are_never_paid(desk: Office, amount: str):
    desk.ask(replace(withdrawal(), amount=Decimal(amount), amount_eur=Decimal(amount)))
    refused = desk.give("approve", "pay1")
    assert refused.code == "amount" and desk.refusals() == ["amount"]
    assert desk.give("reject", "pay1").done


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-150", "0", "1E+18", "0.000000001"])
def test_what_is_no_amount_of_money_is_not_even_proposed(marts: marts_reader.Reader, ops_store: sa.Engine, amount: str):
    def make(connection: sa.Connection) -> Any:
        return seeded(connection, marts, "payout_run", amount=Decimal(amount))

    with pytest.raises(ProposalRefused, match="is no amount of money"):
        recorded(ops_store, "s-part", PUBLISHED, make)
    assert office(ops_store).count("events", "type = 'proposal.refused'") == 1


@pytest.mark.parametrize("line", ["NaN", "-50", "Infinity", "ten"])
def test_a_line_that_is_no_amount_fails_the_check_of_its_run(
    marts: marts_reader.Reader, ops_store: sa.Engine, line: str
):
    from tests.apps.approvals.test_checks import refused

    lines = [{"partner_id": "p-1", "amount": "100"}, {"partner_id": "p-2", "amount": line}]
    with writing(ops_store) as connection:
        one = seeded(connection, marts, "payout_run", payload={"lines": lines})
        assert set(refused(marts, connection, one)) == {"payout_totals"}


# the clock


@pytest.mark.parametrize("back", [timedelta(minutes=2), timedelta(days=3)])
def test_a_clock_that_was_moved_back_makes_no_data_fresh_and_ends_no_undo(desk: Office, back: timedelta):
    desk.undo = timedelta(seconds=10)
    assert desk.give("approve", "pay1").done
    desk.publish = Publish(8, NOW - timedelta(hours=25), NOW - timedelta(hours=25))
    desk.now = NOW - back
    for action, subject_id in (("approve", "large"), ("undo", "w1"), ("claim", "large")):
        refused = desk.give(action, "pay1", subject_id)
        assert refused.code == "clock" and "Set the clock right" in refused.said
    assert desk.refusals() == ["clock"] * 3 and desk.count("decisions") == 1


def test_data_loaded_after_now_are_no_fresh_data(desk: Office):
    desk.publish = Publish(8, NOW, NOW + timedelta(hours=2))
    assert desk.give("approve", "pay1").code == "clock"


def test_one_event_recorded_while_the_clock_ran_ahead_stops_nobody_for_ever(desk: Office):
    desk.now = NOW + timedelta(days=400)
    desk.give("approve", "ghost")
    desk.now = NOW
    assert desk.give("approve", "pay1").code == "clock"
    for _ in range(20):
        desk.give("approve", "ghost")
    assert desk.give("approve", "pay1").done


# many at once


def test_the_same_subject_twice_in_bulk_is_decided_once(desk: Office):
    answers = bulk(desk.desk, [desk.order("approve", "pay1"), desk.order("approve", "pay1")])
    assert [one.code or one.state for one in answers] == ["approved", "closed"] and desk.count("decisions") == 1


def test_subjects_of_two_kinds_are_not_decided_in_bulk(desk: Office):
    other = replace(desk.order("approve", "pay1", "large"), subject_type="refund")
    answers = bulk(desk.desk, [desk.order("approve", "pay1"), other])
    assert [one.code for one in answers] == ["bulk", "bulk"] and desk.refusals() == ["bulk", "bulk"]


# the database's own rights


def test_a_policy_that_nobody_approved_is_no_policy(desk: Office):
    """A version without checks and with one approver, written straight into the table, which takes inserts."""
    with writing(desk.engine) as connection:
        policies.seed(connection, NOW)
        row = {**policies.shipped()[1], "version": 2, "recorded_at": NOW, "event_seq": 1}
        row["body"] = row["body"] | {"steps": [{"roles": ["payments"]}], "checks": []}
        connection.execute(sa.insert(tables.policies), row)
    refused = desk.give("approve", "pay1", "large")
    assert refused.code == "tampered" and "policies holds" in refused.said and desk.count("decisions") == 0
    assert "policies holds" in faults(desk)


def test_a_policy_that_was_removed_or_softened_decides_nothing(desk: Office):
    with writing(desk.engine) as connection:
        policies.seed(connection, NOW)
    by_hand(desk, "delete from policies where policy_id = 'withdrawal_large'")
    assert desk.give("approve", "pay1", "large").code == "tampered"


def test_an_override_that_nobody_approved_sets_nothing_aside(desk: Office):
    """Every row of an approved override, put there by hand."""
    desk.failing = frozenset({"velocity"})
    desk.hire(staff("lead", "leadership", None))
    key = {"subject_type": "override", "subject_id": "withdrawal:w1"}
    checks = {"checks": ["velocity"], "target_type": "withdrawal", "target_id": "w1", "text": "x"}
    proposal = {"revision": 1, "maker_id": "fin1", "maker_person": "fin1", "payload": checks, "payload_hash": "h"}
    live = {"state": "approved", "version": 1, "round": 1, "step": 1, "opened_at": NOW, "updated_at": NOW}
    decision = {
        "decision_id": "o1", "round": 1, "step": 1, "decision": "approve", "final": True, "actor_id": "lead", "actor_role": "leadership",
        "person_key": "lead", "maker_person": "fin1", "reason_code": "x", "policy_id": "override", "policy_version": 1, "publish_id": 1,
        "publish_age_seconds": 1, "facts_hash": "f", "decided_at": NOW, "event_seq": 91,
    }  # fmt: skip
    with writing(desk.engine) as connection:
        connection.execute(sa.insert(tables.proposals), {**key, **proposal, "proposed_at": NOW, "event_seq": 90})
        connection.execute(sa.insert(tables.subjects), {**key, **live})
        connection.execute(sa.insert(tables.decisions), {**key, **decision})
    refused = desk.give("approve", "pay1")
    assert refused.code == "tampered" and desk.count("decisions", "subject_id = 'w1'") == 0


def test_an_override_of_a_subject_whose_id_looks_like_a_number_behind_ours_is_not_ours(
    marts: marts_reader.Reader, ops_store: sa.Engine
):
    made = office(ops_store)
    made.failing = frozenset({"velocity"})
    with writing(ops_store) as connection:
        payload = {
            "target_type": "withdrawal",
            "target_id": "w1#2",
            "checks": ["velocity"],
            "text": "told at length, and looked at",
        }
        one = propose(connection, marts, "override", "s-fin1", payload, now=NOW)
    made.subjects[("override", one.subject_id)] = one
    made.hire(staff("lead", "leadership", None))
    order = replace(made.order("approve", "lead"), subject_type="override", subject_id=one.subject_id, seen=one.shown())
    assert decide(made.desk, replace(order, reason_code="justified_exception", note="seen", version=0)).done
    assert made.give("approve", "pay1").code == "checks"


STATES: list[tuple[str, Callable[[Office], Any], str]] = [
    ("withdrawn", lambda desk: desk.give("withdraw", "m"), "delete from subjects"),
    ("info_requested", lambda desk: desk.give("request_information", "pay1"), "update subjects set state = 'open'"),
    ("info_requested", lambda desk: desk.give("request_information", "pay1"), "delete from subjects"),
    ("escalated", lambda desk: desk.give("escalate", "pay1"), "update subjects set state = 'open'"),
]


@pytest.mark.parametrize(("state", "before", "edit"), STATES)
def test_a_live_state_that_no_order_left_is_not_decided_on(
    desk: Office, state: str, before: Callable[[Office], Any], edit: str
):
    assert before(desk).state == state
    by_hand(desk, edit)
    refused = desk.give("approve", "pay2")
    assert refused.code == "tampered" and f"its last order left it {state}" in refused.said
    assert desk.refusals() == ["tampered"] and desk.count("decisions") == 0


def test_a_request_taken_off_every_list_by_hand_is_found(desk: Office):
    desk.give("claim", "pay1")
    by_hand(desk, "update subjects set state = 'withdrawn'")
    assert "withdrawal w1: its last order left it open, round 1, step 0; it is withdrawn" in faults(desk)
    desk.give("approve", "pay1", "large")
    by_hand(
        desk,
        "update subjects set state = 'open' where subject_id = 'w1'",
        "delete from subjects where subject_id = 'large'",
    )
    assert "withdrawal large: it was decided, and its live state is gone" in faults(desk)


def test_an_approval_of_other_facts_is_not_revived(desk: Office):
    assert desk.give("approve", "pay1", "large").done
    desk.subjects[("withdrawal", "large")] = replace(desk.subjects[("withdrawal", "large")], facts={"balance": "1"})
    now = desk.subjects[("withdrawal", "large")].facts_hash
    by_hand(desk, f"update subjects set facts_hash = '{now}' where subject_id = 'large'")
    refused = desk.give("approve", "fin1", "large")
    assert refused.code == "tampered" and "on other facts" in refused.said and desk.count("decisions") == 1


@pytest.fixture
def sent(desk: Office, ops_settings: Settings) -> Callable[..., list[str]]:
    """Approves the withdrawal, lets a statement loose on its message, and gives what became of the delivery."""
    decided = decide(replace(desk.desk, deliver=outbox.deliverer(ops_settings)), desk.order("approve", "pay1"))
    assert decided.done

    def deliver(*edits: str, at: datetime = NOW + timedelta(hours=1)) -> list[str]:
        by_hand(desk, *edits)
        return [f"{one.outcome}: {one.said}" for one in outbox.deliver_due(desk.engine, ops_settings, at)]

    return deliver


EDITS = {
    "amount": 'update outbox set payload = replace(payload, \'"amount":"400"\', \'"amount":"40000"\')',
    "client_id": 'update outbox set payload = replace(payload, \'"client_id":"c1"\', \'"client_id":"c2"\')',
    "instrument_id": 'update outbox set payload = replace(payload, \'{"amount"\', \'{"instrument_id":"mine","amount"\')',
    "idempotency_key": "update outbox set idempotency_key = 'again'",
    "kind": "update outbox set kind = 'withdrawal.rejected'",
    "subject_id": "update outbox set subject_id = 'large'",
}


@pytest.mark.parametrize("what", EDITS)
def test_a_message_that_was_changed_by_hand_is_not_sent_and_lies_among_the_dead_letters(
    desk: Office, sent: Callable[..., list[str]], ops_settings: Settings, what: str
):
    (outcome,) = sent(EDITS[what])
    assert outcome.startswith("dead: Not sent: it does not say what was decided") and what in outcome
    assert not ops_settings.outbox.exists() and what in faults(desk)
    (event,) = desk.events("outbox.dead_lettered")
    assert what in event["reason"]


FORGED = """
insert into outbox
    (outbox_id, idempotency_key, subject_type, subject_id, decision_id, kind, destination, payload, status, next_attempt_at, created_at)
values ('f', 'f', 'withdrawal', 'large', {decision}, 'withdrawal.approved', 'files', '{{"amount":"20000"}}', 'pending', '2026-11-20', '2026-11-20')
"""


@pytest.mark.parametrize(
    ("decision", "said"), [("null", "names no decision"), ("'forged'", "nobody took the decision forged")]
)
def test_a_message_that_nobody_decided_is_not_sent(
    desk: Office, sent: Callable[..., list[str]], decision: str, said: str
):
    outcomes = sent(FORGED.format(decision=decision))
    assert sorted(one[:4] for one in outcomes) == ["dead", "deli"]
    assert (any(said in one for one in outcomes) and "message f" in faults(desk)) or "delivery f" in faults(desk)


def test_a_message_that_was_taken_out_of_the_outbox_is_found(desk: Office, sent: Callable[..., list[str]]):
    assert verify(desk.engine).whole
    assert sent("delete from outbox") == []
    assert "the message of withdrawal w1 to files is gone from the outbox" in faults(desk)


def test_a_message_put_back_after_its_decision_was_undone_is_not_sent(
    desk: Office, sent: Callable[..., list[str]], ops_settings: Settings
):
    desk.undo = timedelta(seconds=10)
    (row,) = desk.rows("select * from outbox")
    assert desk.give("undo", "pay1", reason_code=None).done
    with writing(desk.engine) as connection:
        names = ", ".join(row)
        connection.execute(
            sa.text(f"insert into outbox ({names}) values ({', '.join(f':{name}' for name in row)})"), row
        )
    (outcome,) = sent()
    assert "was undone" in outcome and not ops_settings.outbox.exists()
