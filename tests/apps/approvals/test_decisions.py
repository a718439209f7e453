"""Every order: what it changes, what it refuses, and that a refusal is on record."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from apps.approvals.decisions import bulk, decide
from apps.approvals.verify import verify
from tests.apps.approvals.office import NOW, Office, Publish, office, staff, withdrawal


@pytest.fixture
def desk(ops_store) -> Office:
    return office(ops_store)


def test_an_approval_writes_decision_checks_event_and_state_together(desk):
    given = desk.give("approve", "pay1")
    assert given.done and given.state == "approved" and given.said == "Approved: Withdrawal of 400.00 EUR."
    (row,) = desk.rows("select * from decisions")
    assert (row["decision_id"], row["actor_id"], row["actor_role"]) == (given.decision_id, "pay1", "payments")
    assert (row["publish_id"], row["publish_age_seconds"], row["policy_id"]) == (7, 7200, "withdrawal")
    assert Decimal(row["actor_limit_eur"]) == 100_000 and Decimal(row["amount"]) == 400
    assert desk.count("check_results", f"event_seq = {row['event_seq']}") == len(given.checks) == 11
    (event,) = desk.events("approval.approved")
    assert event["event_id"] == given.decision_id == event["approval_id"]
    assert event["after"]["facts"]["facts.balance"] == "1000" and event["before"]["state"] == "open"
    assert verify(desk.engine).whole


def test_what_was_decided_is_closed_and_says_by_whom(desk):
    desk.give("approve", "pay1")
    again = desk.give("approve", "pay2")
    assert again.code == "closed" and "approved already by pay1 on 2026-11-20 10:00" in again.said
    assert desk.count("decisions") == 1 and desk.refusals() == ["closed"]


def test_a_large_amount_needs_two_people_and_says_who_is_next(desk):
    desk.ask(withdrawal(amount=20_000))
    first = desk.give("approve", "pay1")
    assert first.done and first.state == "waiting" and first.waiting_for == ("finance",)
    assert "Waiting for finance, due 2026-11-2" in first.said
    for actor in ("pay1", "pay2"):
        assert desk.give("approve", actor).code == "not_entitled"
    second = desk.give("approve", "fin1")
    assert second.state == "approved"
    assert [row["step"] for row in desk.rows("select step from decisions order by step")] == [1, 2]


def test_nobody_takes_two_steps_under_two_accounts(desk):
    desk.ask(withdrawal(amount=20_000))
    desk.hire(staff("fin3", "finance", person="pay1"))
    desk.give("approve", "pay1")
    again = desk.give("approve", "fin3")
    assert again.code == "not_entitled" and "You took an earlier step of this round as pay1" in again.said


def test_the_maker_never_decides_under_any_account_or_delegation(desk):
    desk.hire(staff("m2", "payments", person="m"))
    assert desk.give("approve", "m").code == "not_entitled"
    assert desk.give("approve", "m2").code == "not_entitled"
    delegated = desk.give("approve", "pay1", on_behalf_of="m2")
    assert (
        delegated.code == "not_entitled"
        and "m2, for whom you act, may not: You asked for this yourself" in delegated.said
    )
    assert desk.give("reject", "m").code == "not_entitled"
    assert desk.count("decisions") == 0 and desk.refusals() == ["not_entitled"] * 4


def test_a_delegate_lends_no_rights_and_none_are_lent(desk):
    assert desk.give("approve", "sup1", on_behalf_of="pay1").code == "not_entitled"
    assert desk.give("approve", "pay1", on_behalf_of="sup1").code == "not_entitled"
    assert desk.give("approve", "pay1", on_behalf_of="nobody").code == "delegation"
    given = desk.give("approve", "pay1", on_behalf_of="pay2")
    assert given.done and desk.rows("select on_behalf_of from decisions")[0]["on_behalf_of"] == "pay2"


def test_the_constraint_refuses_the_maker_even_where_the_rules_were_deaf(desk, monkeypatch):
    monkeypatch.setattr("apps.approvals.tasks.refusals", lambda *_: ())
    refused = desk.give("approve", "m")
    assert refused.code == "constraint" and "nobody decides what they asked for" in refused.said
    desk.ask(withdrawal("w2", amount=20_000))
    assert desk.give("approve", "pay1", "w2").done
    twice = desk.give("approve", "pay1", "w2")
    assert twice.code == "constraint" and "another person's" in twice.said
    assert desk.refusals() == ["constraint", "constraint"] and desk.count("decisions") == 1
    assert verify(desk.engine).whole


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (staff("x", "payments", active=False), "is not active"),
        (staff("x", "support"), "your role is support"),
        (staff("x", "payments", limit=399), "your limit is EUR 399.00"),
        (staff("x", "payments", limit=None), "you have no limit for money"),
    ],
)
def test_a_role_or_limit_that_ended_since_the_page_was_opened_refuses(desk, person, said):
    desk.hire(staff("x", "payments"))
    order = desk.order("approve", "x")
    desk.hire(person)
    refused = decide(desk.desk, order)
    assert not refused.done and said in refused.said and len(desk.refusals()) == 1


def test_somebody_unknown_and_something_unknown_are_refused_on_record(desk):
    assert desk.give("approve", "ghost").code == "unknown_person"
    assert desk.give("approve", "pay1", "w9").code == "no_such_subject"
    assert desk.give("destroy", "pay1").code == "no_such_order"
    assert desk.refusals() == ["unknown_person", "no_such_subject", "no_such_order"]


def test_a_check_that_fails_now_refuses_and_its_result_is_on_record(desk):
    desk.failing = frozenset({"balance"})
    refused = desk.give("approve", "pay1")
    assert refused.code == "checks" and refused.reasons == ("balance: balance said so",)
    (event,) = desk.events("approval.refused")
    assert {one["check_name"]: one["result"] for one in event["after"]["checks"]}["balance"] == "fail"
    assert desk.count("decisions") == 0 and desk.live() == {}


def test_a_check_that_was_switched_off_refuses(desk):
    desk.silent = frozenset({"sanctions"})
    refused = desk.give("approve", "pay1")
    assert refused.code == "check_missing" and "sanctions gave no result" in refused.said
    assert desk.count("decisions") == 0


def test_facts_that_changed_since_they_were_seen_are_shown_instead_of_deciding(desk):
    order = desk.order("approve", "pay1")
    desk.change(balance="100")
    changed = decide(desk.desk, order)
    assert changed.status == "changed" and changed.code == "facts_changed"
    assert changed.difference == {"facts.balance": {"seen": "1000", "now": "100"}}
    assert desk.count("decisions") == 0 and desk.refusals() == ["facts_changed"]
    assert desk.give("approve", "pay1").done


def test_a_direct_call_that_names_no_facts_decides_nothing(desk):
    assert desk.give("approve", "pay1", seen=None).code == "unseen"
    assert desk.give("approve", "pay1", seen=None, facts_hash="0" * 64).code == "facts_changed"
    assert desk.give("approve", "pay1", reason_code=None).code == "reason"
    assert desk.give("approve", "pay1", reason_code="other").code == "reason"
    assert desk.count("decisions") == 0 and len(desk.refusals()) == 4


def test_data_too_old_refuse_naming_age_limit_and_command(desk):
    desk.publish = Publish(7, NOW - timedelta(hours=30), NOW - timedelta(hours=30))
    refused = desk.give("approve", "pay1")
    assert refused.code == "stale_publish"
    assert "30" in refused.said and "24 h" in refused.said and "daybook run" in refused.said
    assert desk.give("reject", "pay1").code == "stale_publish"


def test_a_request_nobody_decided_in_time_expires_to_not_executed(desk):
    desk.ask(withdrawal(opened_at=NOW - timedelta(days=31)))
    assert desk.give("approve", "pay1").code == "expired"


def test_approvals_of_one_round_stand_on_the_same_facts(desk):
    desk.ask(withdrawal(amount=20_000))
    assert desk.give("approve", "pay1").state == "waiting"
    desk.change(balance="900")
    after = desk.give("approve", "fin1")
    assert after.state == "waiting" and after.waiting_for == ("finance",)
    assert [(row["round"], row["step"]) for row in desk.rows("select round, step from decisions order by round")] == [
        (1, 1),
        (2, 1),
    ]
    assert desk.give("approve", "fin2").state == "approved"


def test_a_version_seen_by_nobody_any_more_is_refused(desk):
    order = desk.order("approve", "pay1")
    desk.give("claim", "pay1")
    stale = decide(desk.desk, order)
    assert stale.code == "version" and "you saw version 0, it is at 1" in stale.said


def test_the_same_order_sent_twice_is_carried_out_once_and_answered_alike(desk):
    order = desk.order("approve", "pay1")
    first, second = decide(desk.desk, order), decide(desk.desk, order)
    assert first.done and replace(second, replayed=False) == first and second.replayed
    assert desk.count("decisions") == 1 and len(desk.events("approval.approved")) == 1
    refused = desk.order("approve", "sup1", version=1)
    assert decide(desk.desk, refused).event_id == decide(desk.desk, refused).event_id


@pytest.mark.parametrize("change", [{"actor_id": "pay2"}, {"action": "reject"}, {"subject_id": "w2"}, {"note": "x"}])
def test_a_key_used_for_another_order_is_refused_and_recorded(desk, change):
    desk.ask(withdrawal("w2"))
    order = desk.order("claim", "pay1")
    decide(desk.desk, order)
    refused = decide(desk.desk, replace(order, **change))
    assert refused.code == "replayed_key" and desk.refusals() == ["replayed_key"]
    assert decide(desk.desk, order).done


def test_rejecting_closes_and_removes_nothing(desk):
    desk.failing = frozenset({"balance"})
    given = desk.give("reject", "pay1")
    assert given.state == "rejected" and desk.count("decisions", "final") == 1
    assert desk.count("check_results", "result = 'fail'") == 1


def test_no_limit_is_needed_to_say_no(desk):
    desk.hire(staff("low", "payments", limit=1))
    assert desk.give("approve", "low").code == "not_entitled"
    assert desk.give("reject", "low").done


def test_an_override_is_a_decision_of_a_second_role_with_a_text_and_does_not_approve(desk):
    desk.failing = frozenset({"velocity", "balance"})
    over = {"checks": ("velocity",), "note": "Known to us for years"}
    assert desk.give("override", "pay1", **over).code == "not_entitled"
    assert desk.give("override", "mlro1", checks=("velocity",)).code == "reason"
    assert desk.give("override", "mlro1", checks=("balance",), note="x").code == "override"
    assert desk.give("override", "mlro1", checks=("duplicate",), note="x").code == "override"
    assert desk.give("override", "mlro1", note="x").code == "override"
    given = desk.give("override", "mlro1", **over)
    assert given.done and given.state == "open" and given.waiting_for == ("payments", "finance")
    assert desk.give("approve", "pay1").reasons == ("balance: balance said so",)
    desk.failing = frozenset({"velocity"})
    assert desk.give("approve", "pay1").state == "approved"
    (row,) = desk.rows("select * from decisions where decision = 'override'")
    assert (row["step"], row["overridden"], row["actor_role"]) == (-1, '["velocity"]', "mlro")


def test_whoever_overrode_does_not_approve_and_other_facts_void_the_override(desk):
    desk.failing = frozenset({"velocity"})
    desk.hire(staff("both", "payments", person="mlro1"))
    desk.give("override", "mlro1", checks=("velocity",), note="Known to us")
    assert desk.give("approve", "both").code == "not_entitled"
    desk.change(balance="999")
    assert desk.give("approve", "pay1").code == "checks"


def test_a_claim_keeps_others_off_until_its_time_is_over(desk):
    claimed = desk.give("claim", "pay1")
    assert claimed.done and "Yours until 10:15 UTC" in claimed.said
    for action in ("claim", "approve", "reject", "snooze", "escalate", "request_information"):
        assert desk.give(action, "pay2", until=NOW + timedelta(days=1)).code == "claimed"
    assert desk.give("claim", "pay1").done
    desk.now = NOW + timedelta(minutes=16)
    assert desk.give("claim", "pay2").done
    assert desk.give("approve", "pay2").done and desk.live()["claimed_by"] is None


def test_who_may_not_decide_may_not_claim(desk):
    assert desk.give("claim", "sup1").code == "not_entitled"
    assert desk.give("claim", "m").code == "not_entitled"


def test_a_claim_is_given_back_by_its_holder_or_a_supervisor(desk):
    assert desk.give("release", "pay1").code == "claimed"
    desk.give("claim", "pay1")
    assert desk.give("release", "pay2").code == "claimed"
    assert desk.give("release", "fin1").done
    desk.give("claim", "pay1")
    assert desk.give("release", "pay1").done and desk.live()["claimed_by"] is None


def test_a_claim_is_handed_only_to_somebody_who_may_decide(desk):
    desk.give("claim", "pay1")
    assert desk.give("hand_over", "pay1", to="m").code == "not_entitled"
    assert desk.give("hand_over", "pay1", to="sup1").code == "not_entitled"
    assert desk.give("hand_over", "pay1", to="ghost").code == "unknown_person"
    assert desk.give("hand_over", "pay2", to="pay2").code == "claimed"
    assert desk.give("hand_over", "pay1", to="pay2").done
    assert desk.give("approve", "pay1").code == "claimed" and desk.give("approve", "pay2").done


def test_while_information_is_awaited_nobody_approves(desk):
    assert desk.give("request_information", "pay1").state == "info_requested"
    assert desk.give("approve", "pay2").code == "state"
    assert desk.give("give_information", "m").code == "reason"
    given = desk.give("give_information", "m", note="The statement is attached")
    assert given.state == "open" and given.waiting_for == ("payments", "finance")
    assert desk.give("give_information", "m", note="again").code == "state"
    assert desk.give("approve", "pay2").done


def test_what_was_escalated_is_decided_by_the_roles_of_the_policy(desk):
    escalated = desk.give("escalate", "pay1")
    assert escalated.state == "escalated" and escalated.waiting_for == ("finance", "compliance", "mlro")
    assert desk.give("approve", "pay2").code == "not_entitled"
    assert desk.give("approve", "fin1").state == "approved"
    assert desk.give("escalate", "pay1").code == "closed"


def test_snoozing_needs_a_reason_and_a_time_ahead(desk):
    assert desk.give("snooze", "pay1", until=NOW).code == "until"
    assert desk.give("snooze", "pay1", until=NOW + timedelta(days=31)).code == "until"
    assert desk.give("snooze", "pay1", until=NOW + timedelta(days=1), reason_code=None).code == "reason"
    due = desk.live().get("due_at")
    snoozed = desk.give("snooze", "pay1", until=NOW + timedelta(days=1))
    assert snoozed.done and due is None and snoozed.due_at is not None
    assert str(desk.live()["snoozed_until"]).startswith("2026-11-21 10:00")


def test_only_whoever_asked_withdraws(desk):
    assert desk.give("withdraw", "pay1").code == "not_entitled"
    withdrawn = desk.give("withdraw", "m")
    assert withdrawn.state == "withdrawn" and desk.count("decisions") == 0
    assert desk.give("approve", "pay1").code == "closed"


def test_a_subject_that_its_source_opened_anew_is_decided_in_another_round(desk):
    desk.give("reject", "pay1")
    desk.now = NOW + timedelta(days=1)
    desk.publish = Publish(8, desk.now, desk.now)
    desk.ask(withdrawal(opened_at=NOW + timedelta(hours=20)))
    assert desk.give("approve", "pay1", version=0).state == "approved"
    assert [row["round"] for row in desk.rows("select round from decisions order by round")] == [1, 2]


def test_in_bulk_each_row_has_its_own_answer(desk):
    desk.ask(
        withdrawal("w2"),
        withdrawal("w3", amount=5_000),
        withdrawal("w4", maker="pay1"),
        withdrawal("w5", unusual=("x",)),
    )
    orders = [desk.order("approve", "pay1", one) for one in ("w1", "w2", "w3", "w4", "w5")]
    answers = bulk(desk.desk, orders)
    assert [one.code or one.state for one in answers] == ["approved", "approved", "bulk", "not_entitled", "bulk"]
    assert [one.subject_id for one in answers] == ["w1", "w2", "w3", "w4", "w5"]
    assert desk.count("decisions") == 2


def test_in_bulk_only_equal_orders_are_given(desk):
    desk.ask(withdrawal("w2"))
    answers = bulk(desk.desk, [desk.order("approve", "pay1"), desk.order("reject", "pay1", "w2")])
    assert [one.code for one in answers] == ["bulk", "bulk"] and desk.count("decisions") == 0


def test_a_delivery_that_cannot_be_written_undoes_the_decision(desk):
    def fail(*_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        decide(replace(desk.desk, deliver=fail), desk.order("approve", "pay1"))
    assert desk.count("decisions") == desk.count("events") == desk.count("idempotency") == 0
    assert desk.give("approve", "pay1").done


def test_effects_and_delivery_happen_once_and_only_for_what_was_closed(desk):
    happened = []
    given = replace(
        desk.desk,
        deliver=lambda connection, subject, row: happened.append(("deliver", row["decision"])),
        effects={"withdrawal": lambda connection, subject, row, actor: happened.append(("effect", actor.id))},
    )
    desk.ask(withdrawal("w2", amount=20_000), withdrawal("w3"))
    decide(given, desk.order("approve", "pay1", "w2"))
    assert happened == []
    order = desk.order("approve", "fin1", "w2")
    decide(given, order)
    decide(given, order)
    decide(given, desk.order("reject", "pay1", "w3"))
    assert happened == [("deliver", "approve"), ("effect", "fin1"), ("deliver", "reject")]
