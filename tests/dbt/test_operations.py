"""Events of our own store in the marts: one row each, whatever else carries them, and the same in a rebuild."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from apps import pipeline
from tests.dbt.broker import Broker, new_broker
from tests.ingestion.connectors.sealed import decided, event, exported
from warehouse.selection import BACKGROUND, names, tagged, touched

MODELS = ("fct_audit_events", "fct_decisions", "fct_checks", "fct_approvals")
FINANCE = {"id": "F1", "type": "human", "role": "finance"}
MONEY = {"request_id": "W1", "client_id": "C1", "amount": "400", "currency": "EUR"}


def at(minute: int) -> dict[str, str]:
    return {"occurred_at": f"2026-11-20T10:{minute:02}:00.000000Z"}


def ordered(kind: str, minute: int, **more: Any) -> dict[str, Any]:
    """An order on W1 that decides nothing."""
    stands = {
        "round": 1,
        "step": 0,
        "state": "open",
        "opened_at": "2026-11-20T09:00:00.000000Z",
        "due_at": "2026-11-20T15:00:00.000000Z",
    }
    return event(f"approval.{kind}", subject_id="W1", after=stands, **at(minute), **more)


def undone(subject_id: str, decision_id: str, minute: int) -> dict[str, Any]:
    """Whoever decided takes it back, which begins another round."""
    stands = {"round": 2, "step": 0, "state": "open"}
    return event("approval.undone", subject_id=subject_id, after=stands, approval_id=decision_id, **at(minute))


def happened() -> list[dict[str, Any]]:
    """W1 is claimed, a decision on it refused, a check overridden, two approvers agree, and it goes out; and what else a day brings."""
    lines = [{"partner_id": "A", "amount": "10"}, {"partner_id": "B", "amount": "7"}]
    refused = event("approval.refused", subject_id="W1", reason="checks", after={"action": "approve"}, **at(11))
    return [
        ordered("claimed", 10),
        refused,
        decided(decision="override", final=False, subject_id="W1", event_id="over", **at(12)),
        decided(final=False, subject_id="W1", event_id="step", **at(13)),
        decided(subject_id="W1", event_id="last", actor=FINANCE, **at(14)),
        event("outbox.delivered", subject_id="W1", stream="outbox", after={"destination": "crm"}, approval_id="last", **at(15)),
        decided("kyc_case", "reject", subject_id="C2", client_id="C2", **at(16)),
        decided("payout_run", subject_id="CY:2026-10:EUR", event_id="run", facts={"period": "2026-10", "lines": lines}, **at(17)),
        decided("period_close", subject_id="CY:2026-10", facts={"period": "2026-10"}, **at(18)),
        decided("alert", "reject", subject_id="C1:A01", **at(19)),
        event("alert.proposed", "alert", subject_id="C1:A02", after={"proposals": [{"proposed_at": at(20)["occurred_at"]}]}, **at(20)),
        event("approval.refused", "queue", subject_id="next", reason="unknown_person", **at(21)),
        event("policy.changed", "policy", subject_id="withdrawal", **at(22)),
        event("page.viewed", "page", subject_id="payments", stream="access", after={"session_id": "s1"}, **at(23)),
        decided("override", subject_id="withdrawal:W1#2", **at(24)),
        decided(subject_id="W2", event_id="corrected", **at(25)),
        decided(subject_id="W3", event_id="rash", **at(26)),
        undone("W3", "rash", 26),
    ]  # fmt: skip


def learn_store(broker: Broker, recorded_at: str, *bodies: dict[str, Any]) -> None:
    path = broker.settings.landing / "operations" / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(exported(*bodies))
    outcomes = pipeline.load(
        broker.settings, pipeline.Source((path,), recorded_at=datetime.fromisoformat(recorded_at).replace(tzinfo=UTC))
    )
    assert {(one.status, one.rows_quarantined) for one in outcomes} == {("loaded", 0)}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A request and another system's check; then the store's events; then the payment, and a correction of our decision by the CRM."""
    made = new_broker(tmp_path_factory.mktemp("operations"))
    staff = {"changed_at": "2026-01-01", "approval_limit_eur": "5000", "is_active": True}
    made.learn(
        "2026-11-20T09:30:00",
        staff=[{"staff_id": "P1", "role": "payments"} | staff, {"staff_id": "F1", "role": "support"} | staff],
        clients=[{"client_id": "C1", "changed_at": "2026-01-01", "registered_at": "2026-01-01", "entity": "CY"}],
        cash_requests=[{"event_id": "asked", "request_kind": "withdrawal", "event": "requested", "occurred_at": "2026-11-20T09:00:00",
                        "actor_type": "client", "actor_id": "C1"} | MONEY],
        risk_checks=[{"system": "desk", "check_id": "k1", "subject_type": "withdrawal", "subject_id": "W1", "check_name": "sanctions",
                      "result": "pass", "version": "9", "ran_at": "2026-11-20T09:05:00"}],
    )  # fmt: skip
    made.build(*MODELS, tests=False)
    learn_store(made, "2026-11-20T10:30:00", *happened())
    sent = [{"event_id": f"crm-{word}", "event": word, "occurred_at": when, "actor_type": "system", "actor_id": "crm"} | MONEY
            for word, when in (("sent", "2026-11-20T10:40:00"), ("paid", "2026-11-20T10:50:00"))]  # fmt: skip
    corrected = {
        "event_id": "corrected",
        "request_id": "W2",
        "event": "rejected",
        "occurred_at": "2026-11-20T10:25:00",
        "actor_id": "P1",
    }
    made.learn("2026-11-20T11:00:00", cash_requests=[*sent, corrected])
    made.build(*MODELS)
    yield made


def decisions(broker: Broker, subject_id: str) -> list[tuple[Any, ...]]:
    return broker.rows(
        "select decision_id, decision, actor_id, actor_role, policy_version from compliance.fct_decisions where subject_id = ? order by decided_at",
        subject_id,
    )


def test_every_event_of_the_store_stands_in_the_audit_trail_once_with_its_seal(broker: Broker) -> None:
    assert broker.rows("select seq from compliance.fct_audit_events where seq is not null order by seq") == [
        (number,) for number in range(1, len(happened()) + 1)
    ]
    assert broker.rows(
        "select count(*) from compliance.fct_audit_events as trail inner join raw.operational_events as events using (seq, hash)"
    ) == [(len(happened()),)]


def test_from_request_to_payment_is_one_walk(broker: Broker) -> None:
    walk = broker.rows(
        """
        select stream, event_type from compliance.fct_audit_events where correlation_id = 'W1'
        order by occurred_at, seq nulls first
        """
    )
    assert walk == [
        ("payment", "withdrawal.requested"),
        ("payment", "risk_check.pass"),
        ("approval", "approval.claimed"),
        ("approval", "approval.refused"),
        ("payment", "risk_check.pass"),
        ("approval", "approval.overridden"),
        ("payment", "risk_check.pass"),
        ("approval", "approval.approved"),
        ("payment", "risk_check.pass"),
        ("payment", "withdrawal.approved"),
        ("outbox", "outbox.delivered"),
        ("approval", "approval.approved"),
        ("payment", "request.sent"),
        ("payment", "request.paid"),
    ], "the override that was proposed apart is of the same matter"


def test_a_decision_counts_once_under_the_key_of_the_feed_that_carries_it(broker: Broker) -> None:
    assert decisions(broker, "W1") == [
        ("operational_events:over", "overridden", "P1", "payments", "policy-1"),
        ("operational_events:step", "step_approved", "P1", "payments", "policy-1"),
        ("cash_requests:last", "approved", "F1", "finance", "policy-1"),
    ], "the role is the one they decided in, whatever the staff record says"
    assert [row[:2] for row in decisions(broker, "C2")] == [("kyc_events:daybook:approval.rejected-C2", "rejected")]
    assert [row[1] for row in decisions(broker, "CY:2026-10")] == ["closed"]
    assert [row[:2] for row in decisions(broker, "C1:A01")] == [
        ("operational_events:approval.rejected-C1:A01", "rejected")
    ]


def test_a_decision_that_was_undone_is_retracted_and_no_request_was_decided_by_it(broker: Broker) -> None:
    assert [row[:2] for row in decisions(broker, "W3")] == [("operational_events:rash", "retracted")]
    assert broker.rows("select count(*) from raw.cash_requests where request_id = 'W3'") == [(0,)]
    rounds = "select round, state, outcome from compliance.fct_approvals where subject_id = 'W3' order by round"
    assert broker.rows(rounds) == [(1, "undone", None), (2, "open", None)]


def test_a_payout_run_is_one_decision_and_one_for_each_partner_it_pays(broker: Broker) -> None:
    found = broker.rows(
        "select subject_type, subject_id, decision from compliance.fct_decisions where subject_type like '%payout%' order by all"
    )
    assert found == [
        ("commission_payout", "A:2026-10", "approved"),
        ("commission_payout", "B:2026-10", "approved"),
        ("payout_run", "CY:2026-10:EUR", "approved"),
    ]


def test_a_check_of_ours_informed_its_own_decision_and_anothers_the_one_that_followed(broker: Broker) -> None:
    found = broker.rows(
        "select system, decision_id from compliance.fct_checks where subject_id = 'W1' order by ran_at, check_id"
    )
    assert found == [
        ("desk", "cash_requests:last"),
        ("daybook", "operational_events:over"),
        ("daybook", "operational_events:step"),
        ("daybook", "cash_requests:last"),
    ]


def test_the_queues_history_counts_orders_and_tells_the_turn_around(broker: Broker) -> None:
    columns = (
        "state, outcome, closed_by, claims, refusals, overrides, approvals, breached, claim_seconds, decision_seconds"
    )
    rows = broker.rows(f"select {columns} from compliance.fct_approvals where subject_id = 'W1'")
    assert rows == [("approved", "approved", "F1", 1, 1, 1, 2, False, 4200, 4440)]
    assert broker.rows("select state, closed_at from compliance.fct_approvals where subject_id = 'C1:A02'") == [
        ("open", None)
    ]
    assert broker.rows("select count(*) from compliance.fct_approvals where subject_type = 'queue'") == [(0,)]


def test_a_view_is_an_event_of_whoever_looked(broker: Broker) -> None:
    found = broker.rows(
        "select stream, stream_id, actor_type, actor_role, correlation_id from compliance.fct_audit_events where event_type = 'page.viewed'"
    )
    assert found == [("access", "P1", "staff", "payments", "s1")]


def test_views_alone_touch_a_dozen_relations(broker: Broker) -> None:
    manifest = broker.dbt.parsed()
    reached = touched(manifest, ["operational_events", "loads", "quarantine"], lambda *_: True)
    tables = names(manifest, reached - tagged(manifest, BACKGROUND))
    assert len(tables) <= 12, sorted(tables)


def test_a_correction_by_another_system_is_an_event_of_its_own_and_bears_no_seal(broker: Broker) -> None:
    found = broker.rows(
        "select version, event_type, seq from compliance.fct_audit_events where source_key = 'corrected' order by version"
    )
    assert found == [(1, "withdrawal.approved", 16), (2, "request.rejected", None)]
    assert [row[:3] for row in decisions(broker, "W2")] == [("cash_requests:corrected", "rejected", "P1")]


# the last: it changes the broker
def test_a_rebuild_gives_what_the_increments_gave(broker: Broker) -> None:
    before = states(broker)
    broker.rebuild(*MODELS)
    assert states(broker) == before


def states(broker: Broker) -> dict[str, list[tuple[Any, ...]]]:
    return {
        model: sorted(broker.rows(f"select * exclude (_run_id) from {schema}.{model}"), key=str)
        for schema, model in broker.rows("select schema_name, model from control.models where model = any(?)", list(MODELS))
    }  # fmt: skip
