"""Each check passes on a good subject, and alone refuses one that is wrong in its respect only."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from apps.approvals import checks, people, policies, subject, tables
from apps.approvals.checks import CheckResult, registry
from apps.approvals.policies import Policy, RequiredCheck
from apps.approvals.store import reading, writing
from apps.approvals.subject import Subject
from tests.apps.approvals.hand_made import NOW, WRONG
from tests.apps.approvals.test_subjects import SEEDED, live, seeded
from warehouse.reader import Reader


def run(
    reader: Reader, connection: sa.Connection, one: Subject, approver: str = "s-fin2", now: Any = NOW
) -> list[CheckResult]:
    policy = policies.policy_for(connection, one, now)
    decider = people.person(reader, approver)
    return checks.run_checks(policy, one, reader, connection, now, approver=decider, step=policy.steps[0])


def refused(*said: Any, **more: Any) -> dict[str, str]:
    return {one.name: one.result for one in checks.refused(run(*said, **more))}


def found(marts: Reader, connection: sa.Connection, kind: str, name: str, **changed: Any) -> Subject:
    return replace(subject.find(marts, connection, kind, name), **changed)


ALONE = [name for name in WRONG if name not in ("good", "open_alerts", "decided", "nothing_known")]


@pytest.mark.parametrize("wrong", ALONE)
def test_each_check_of_a_withdrawal_alone_refuses(marts: Reader, quiet_store: sa.Engine, wrong: str) -> None:
    approver = "s-pay1" if wrong == "approver_limit" else "s-fin2"
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", f"w-{wrong}")
        assert refused(marts, connection, one, approver) == {wrong: "fail"}


def test_a_good_withdrawal_passes_every_check_with_name_version_inputs_and_a_sentence(
    marts: Reader, quiet_store: sa.Engine
) -> None:
    with reading(quiet_store) as connection:
        results = run(marts, connection, found(marts, connection, "withdrawal", "w-good"))
    assert [one.result for one in results] == ["pass"] * 11
    assert {*ALONE, "open_alerts"} == {one.name for one in results}
    assert all(one.said and one.version == "1" and one.ran_at == NOW for one in results)
    assert next(one for one in results if one.name == "balance").inputs["funds"] == "500.00000000"


def test_an_open_alert_alone_refuses_until_it_is_closed(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        alert = seeded(connection, marts, "alert", client_id="c-open_alerts")
        one = found(marts, connection, "withdrawal", "w-open_alerts")
        assert refused(marts, connection, one) == {"open_alerts": "fail"}
        connection.execute(sa.insert(tables.subjects), live(alert, state="rejected"))
        assert refused(marts, connection, one) == {}


def test_what_is_not_known_refuses_as_an_error(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        wrong = refused(marts, connection, found(marts, connection, "withdrawal", "w-nothing_known"))
    assert {name for name, result in wrong.items() if result == "error"} == {
        "balance",
        "kyc_status",
        "documents",
        "sanctions",
    }
    assert wrong["return_to_source"] == "fail"


def with_checks(policy: Policy, *names: str) -> Policy:
    return replace(policy, checks=tuple(RequiredCheck(name, {}) for name in names))


def test_a_check_that_does_not_exist_or_breaks_refuses_as_an_error(
    marts: Reader, quiet_store: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(context: Any) -> Any:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setitem(registry._registry, "breaks_in_this_test", ("1", breaks))
    with reading(quiet_store) as connection:
        one = found(marts, connection, "break", "b-small")
        policy = with_checks(
            policies.policy_for(connection, one, NOW), "breaks_in_this_test", "was_switched_off", "break_open"
        )
        results = checks.run_checks(policy, one, marts, connection, NOW, approver=people.person(marts, "s-fin2"))
    assert {one.name: one.result for one in checks.refused(results)} == {
        "breaks_in_this_test": "error",
        "was_switched_off": "error",
    }
    assert "by nothing" in results[0].said


def test_a_check_whose_question_to_the_store_fails_leaves_the_order_its_transaction(
    marts: Reader, ops_store: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asks_nonsense(context: Any) -> Any:
        return context.connection.execute(sa.text("select nothing from nowhere"))

    monkeypatch.setitem(registry._registry, "asks_nonsense", ("1", asks_nonsense))
    with writing(ops_store) as connection:
        one = found(marts, connection, "break", "b-small")
        policy = with_checks(policies.policy_for(connection, one, NOW), "asks_nonsense", "break_open")
        results = checks.run_checks(policy, one, marts, connection, NOW, approver=people.person(marts, "s-fin2"))
        connection.execute(sa.insert(tables.subjects), live(one, state="rejected"))
    assert [one.result for one in results][:2] == ["error", "pass"]
    with reading(ops_store) as connection:
        assert connection.execute(sa.select(tables.subjects.c.state)).scalar_one() == "rejected"


def test_a_check_taken_out_of_a_policy_runs_all_the_same_when_it_may_not_be_dropped(
    marts: Reader, quiet_store: sa.Engine
) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-kyc_status")
        bare = with_checks(policies.policy_for(connection, one, NOW))
        results = checks.run_checks(bare, one, marts, connection, NOW, approver=people.person(marts, "s-fin2"))
    assert {one.name for one in results} == set(subject.subject_types()["withdrawal"].always)
    assert "kyc_status" in {one.name for one in checks.refused(results)}


def test_grace_of_a_renewed_identification_ends_to_the_day(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-kyc_status")
        day_30 = NOW.replace(month=10, day=31, hour=0)
        for moment, result in ((day_30, True), (day_30 + timedelta(seconds=1), False)):
            names = {name for name in refused(marts, connection, one, now=moment)}
            assert ("kyc_status" not in names) is result


def test_a_screening_grows_stale(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-good")
        assert "sanctions" not in refused(marts, connection, one, now=NOW + timedelta(days=4))
        assert refused(marts, connection, one, now=NOW + timedelta(days=5))["sanctions"] == "fail"


def test_a_snapshot_too_old_leaves_the_margin_unjudged(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-good")
        assert refused(marts, connection, one, now=NOW + timedelta(days=5))["margin"] == "error"


def test_what_was_approved_here_and_no_publish_shows_yet_holds_the_money(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = found(marts, connection, "withdrawal", "w-good")
        other = found(marts, connection, "refund", "r-strange")
        connection.execute(sa.insert(tables.subjects), live(other, state="approved", step=1))
        connection.execute(sa.insert(tables.decisions), decision(other, Decimal(101)))
        assert refused(marts, connection, one) == {"balance": "fail"}
    with writing(store) as connection:
        connection.execute(sa.update(tables.subjects).values(state="rejected"))
        assert refused(marts, connection, one) == {}


def decision(one: Subject, amount: Decimal | None = None, **said: Any) -> dict[str, Any]:
    return {
        "decision_id": f"d-{one.subject_id}", "subject_type": one.subject_type, "subject_id": one.subject_id, "round": 1, "step": 1,
        "decision": "approve", "final": True, "actor_id": "s-fin2", "actor_role": "finance", "person_key": "s-fin2",
        "maker_person": one.maker_person, "reason_code": "checks_passed", "client_id": one.client_id, "amount": amount or one.amount,
        "currency": one.currency, "policy_id": "x", "policy_version": 1, "publish_id": 1, "publish_age_seconds": 1, "facts_hash": "x",
        "decided_at": NOW, "event_seq": 1, **said,
    }  # fmt: skip


def test_an_instrument_of_another_client_is_refused(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-good")
        facts = {**one.facts, "instrument_id": "card-old", "method": "bank_wire"}
        assert refused(marts, connection, replace(one, facts=facts))["instrument_owner"] == "fail"


def test_cards_are_paid_back_before_a_bank_account(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "withdrawal", "w-good")
        wire = replace(one, facts={**one.facts, "instrument_id": "iban-1", "method": "bank_wire"})
        results = {result.name: result for result in run(marts, connection, wire)}
    assert results["return_to_source"].result == "fail"
    assert "EUR 5,000.00 must go back to card …good first" in results["return_to_source"].said


def test_a_limit_is_asked_of_every_step_that_pays(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "break", "b-large")
        policy = policies.policy_for(connection, one, NOW)
        for approver, step, result in (("s-com1", 1, "fail"), ("s-com1", 2, "pass"), ("s-fin2", 1, "pass")):
            decider = people.person(marts, approver)
            ran = checks.run_checks(policy, one, marts, connection, NOW, approver=decider, step=policy.steps[step - 1])
            assert {one.name: one.result for one in ran}["approver_limit"] == result
        assert "approver_limit" not in {one.name for one in checks.run_checks(policy, one, marts, connection, NOW)}


LARGE_RUN = {"period": "2026-08", "lines": [{"partner_id": "p-4", "amount": "12500"}]}
WRONG_SEEDED = [
    ("alert", "alert_evidence", {"client_id": "c-nobody"}),
    ("payout_run", "approver_limit", {"amount": Decimal(12500), "payload": LARGE_RUN}),
    ("payout_run", "payout_totals", {"payload": {"lines": [{"partner_id": "p-1", "amount": "100"}, {"partner_id": "p-2", "amount": "49"}]}}),
    ("payout_run", "payout_totals", {"payload": {"lines": [{"partner_id": "p-1", "amount": "75"}, {"partner_id": "p-2", "amount": "75"}]}}),
    ("payout_run", "payout_totals", {"payload": {"lines": [{"partner_id": "p-1", "amount": "75"}, {"partner_id": "p-1", "amount": "75"}]}}),
    ("payout_run", "payout_totals", {"payload": {"period": "2026-09"}}),
    ("payout_run", "payout_totals", {"payload": {"lines": [{"partner_id": "p-1", "amount": 109, "release": 41}]}}),
    ("payout_run", "payout_partners", {"payload": {"lines": [{"partner_id": "p-1", "amount": "100"}, {"partner_id": "p-3", "amount": "50"}]}}),
    ("commission_adjustment", "adjustment_within_accruals", {"amount": Decimal(-51)}),
    ("commission_adjustment", "payout_partners", {"payload": {"partner_id": "p-3"}}),
    ("client_money_sign_off", "client_money_agrees", {"payload": {"resource": "1000.51"}}),
    ("client_money_sign_off", "client_money_agrees", {"payload": {"day": "2026-11-20", "resource": "800.25"}}),
    ("published_figure", "figure_agrees", {"payload": {"value": "1234.6"}}),
    ("published_figure", "figure_agrees", {"payload": {"kpi": "loss_percentage", "day": "2026-10-01", "value": "0.41"}}),
    ("published_figure", "figure_agrees", {"entity": "UK", "payload": {"kpi": "loss_percentage", "day": "2026-10-01", "value": "0.4"}}),
    ("parameter_change", "change_is_current", {"payload": {"valid_from": "2026-11-01"}}),
    ("rule_change", "change_was_replayed", {"payload": {"replay": {"from": "2026-01-01"}}}),
    ("policy_change", "policy_stands", {"payload": {"subject_type": "withdrawal"}}),
    ("erasure", "retention_over", {"payload": {"legal_hold": True}}),
    ("period_close", "period_state", {"payload": {"period": "2026-09"}}),
    ("period_close", "period_over", {"entity": "AU", "payload": {"period": "2026-11-22"}}),
    ("period_close", "everything_posted", {"payload": {"period": "2026-07"}}),
    ("period_reopening", "period_state", {"payload": {"period": "2026-08"}}),
    ("quarantine_repair", "quarantined_row_open", {"payload": {"row_number": 13}}),
    ("override", "override_target", {"payload": {"checks": ["sanctions"]}}),
    ("override", "override_target", {"payload": {"text": "because"}}),
]  # fmt: skip
APPROVER = {"erasure": "s-com1", "alert": "s-com1", "override": "s-mlro", "kyc_case": "s-com1"}


@pytest.mark.parametrize("subject_type", SEEDED)
def test_a_seeded_subject_in_order_passes_all_its_checks(marts: Reader, store: sa.Engine, subject_type: str) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, subject_type)
        wrong = refused(marts, connection, one, APPROVER.get(subject_type, "s-fin2"))
    assert wrong == {}


@pytest.mark.parametrize(("subject_type", "name", "said"), WRONG_SEEDED)
def test_each_check_of_a_seeded_subject_alone_refuses(
    marts: Reader, store: sa.Engine, subject_type: str, name: str, said: dict[str, Any]
) -> None:
    approver = "s-pay1" if name == "approver_limit" else APPROVER.get(subject_type, "s-fin2")
    with writing(store) as connection:
        one = seeded(connection, marts, subject_type, **said)
        assert refused(marts, connection, one, approver) == {name: "fail"}


@pytest.mark.parametrize(
    ("amount", "lines", "wrong"),
    [
        ("107", {"2026-10": "100", "2026-11": "7"}, {}),
        ("100.01", {"2026-10": "100.01"}, {"clawback_within_accruals": "fail"}),  # more than was earned
        ("100", {"2026-10": "100", "2026-11": "7"}, {"clawback_within_accruals": "fail"}),  # another sum
        ("93", {"2026-10": "100", "2026-11": "-7"}, {"clawback_within_accruals": "fail"}),  # a month that gives
        ("1", {"2026-09": "1"}, {"clawback_within_accruals": "fail"}),  # a month that earned nothing
        ("1", {}, {"clawback_within_accruals": "error"}),
        ("1", {"2026-10": "NaN"}, {"clawback_within_accruals": "fail"}),
    ],
)
def test_a_clawback_takes_no_more_than_the_client_earned_the_partner(
    marts: Reader, quiet_store: sa.Engine, amount: str, lines: dict[str, str], wrong: dict[str, str]
) -> None:
    parts = [{"period": period, "amount": part} for period, part in lines.items()]
    one = Subject(
        "commission_clawback", "p-1:c-good:USD", "CY", Decimal(amount), "USD", Decimal(amount), "c-good", None, "system:system", NOW,
        "Clawback", {"partner_id": "p-1", "lines": parts}, "partners.fct_commission_flags",
    )  # fmt: skip
    with reading(quiet_store) as connection:
        assert refused(marts, connection, one) == wrong


def test_every_check_has_a_test_in_which_it_alone_refuses() -> None:
    own = {
        "open_alerts", "break_open", "no_open_breaks", "refund_of_deposit", "own_accounts", "kyc_evidence", "kyc_transition", "nothing_owed",
        "clawback_within_accruals",
    }  # fmt: skip
    assert {*ALONE, *(name for _, name, _ in WRONG_SEEDED), *own} == set(registry.registered())


def test_a_loss_percentage_is_signed_as_it_is_published(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(
            connection,
            marts,
            "published_figure",
            payload={"kpi": "loss_percentage", "day": "2026-10-01", "value": "0.40"},
        )
        assert refused(marts, connection, one) == {}


def test_client_money_that_was_short_can_be_signed_once_it_is_topped_up(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, "client_money_sign_off", payload={"day": "2026-11-19", "resource": "800.25"})
        assert refused(marts, connection, one) == {}


def test_an_open_break_alone_refuses_to_close_the_period_it_began_in(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, "period_close", payload={"period": "2026-11-21"})
        assert refused(marts, connection, one) == {"no_open_breaks": "fail"}


def test_a_break_with_another_difference_than_shown_is_refused(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        one = found(marts, connection, "break", "b-small")
        assert refused(marts, connection, one) == {}
        changed = replace(one, facts={**one.facts, "difference": "-12.35"})
        assert refused(marts, connection, changed) == {"break_open": "fail"}


def test_a_refund_goes_back_to_where_the_deposit_came_from(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        assert refused(marts, connection, found(marts, connection, "refund", "r-good")) == {}
        assert refused(marts, connection, found(marts, connection, "refund", "r-strange")) == {
            "refund_of_deposit": "fail"
        }


def test_a_transfer_stays_with_its_client(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        assert refused(marts, connection, found(marts, connection, "transfer", "t-good")) == {}
        assert refused(marts, connection, found(marts, connection, "transfer", "t-foreign")) == {"own_accounts": "fail"}


def test_an_identification_case_lacks_what_an_approval_rests_on(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        wrong = refused(marts, connection, found(marts, connection, "kyc_case", "c-case"), "s-com1")
        assert wrong == {"kyc_evidence": "fail", "documents": "error", "sanctions": "error"}
        edd = found(marts, connection, "kyc_case", "c-twin")
        assert refused(marts, connection, edd, "s-com1")["kyc_transition"] == "fail"
        assert "kyc_transition" not in refused(marts, connection, edd, "s-mlro")


@pytest.mark.parametrize(
    ("client", "approver", "wrong"),
    [
        ("c-ready", "s-com1", {}),
        ("c-unrated", "s-com1", {"kyc_evidence": "fail"}),
        ("c-edd", "s-com1", {"kyc_transition": "fail"}),
        ("c-edd", "s-mlro", {}),
    ],
)
def test_an_identification_case_in_order_passes_and_one_thing_wrong_refuses(
    marts: Reader, quiet_store: sa.Engine, client: str, approver: str, wrong: dict[str, str]
) -> None:
    with reading(quiet_store) as connection:
        assert refused(marts, connection, found(marts, connection, "kyc_case", client), approver) == wrong


def test_a_cent_that_is_owed_alone_keeps_a_client_from_being_erased(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        assert refused(marts, connection, seeded(connection, marts, "erasure", client_id="c-debt"), "s-com1") == {
            "nothing_owed": "fail"
        }


def test_nothing_is_erased_of_a_client_with_money_or_a_recent_past(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, "erasure", client_id="c-good")
        assert refused(marts, connection, one, "s-com1") == {"nothing_owed": "fail", "retention_over": "fail"}


def test_a_change_overtaken_by_an_approved_one_is_refused(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, "parameter_change")
        other = seeded(connection, marts, "rule_change", payload={"parameter": "A01.theta"})
        assert refused(marts, connection, one, "s-com2") == {}
        connection.execute(sa.insert(tables.decisions), decision(other, decided_at=NOW + timedelta(minutes=1)))
        assert refused(marts, connection, one, "s-com2") == {"change_is_current": "fail"}


def test_an_override_of_what_is_closed_is_refused(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        one = seeded(connection, marts, "override")
        target = found(marts, connection, "withdrawal", "w-velocity")
        connection.execute(sa.insert(tables.subjects), live(target, state="rejected"))
        assert refused(marts, connection, one, "s-mlro") == {"override_target": "fail"}


def test_the_same_question_is_asked_once_a_publish_so_the_decision_holds_the_store_briefly(
    marts: Reader, quiet_store: sa.Engine
) -> None:
    asked: list[str] = []
    broker_marts = marts

    class Counted:
        publish, marts = broker_marts.publish, broker_marts.marts

        def query(self, sql: str, parameters: Any = ()) -> Any:
            asked.append(sql)
            return broker_marts.query(sql, parameters)

    reader: Any = Counted()
    with reading(quiet_store) as connection:
        one = subject.find(reader, connection, "withdrawal", "w-good")
        run(reader, connection, one)
        asked.clear()
        again = run(reader, connection, one, now=NOW + timedelta(minutes=1))
    assert len(again) == 11
    assert asked == []
