"""Policies as data: which one holds, what may never be one, and reasons and hours beside them."""

import csv
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from apps.approvals import chain, policies, reasons, tables
from apps.approvals.calendars import add_business_hours, is_business_time
from apps.approvals.checks import registered
from apps.approvals.store import reading, writing
from apps.approvals.subject import subject_types
from tests.apps.approvals.hand_made import NOW
from warehouse.reader import Reader, access
from warehouse.settings import PROJECT


@dataclass(frozen=True)
class Asked:
    subject_type: str = "withdrawal"
    entity: str | None = "CY"
    amount: Decimal | None = Decimal(100)
    amount_eur: Decimal | None = Decimal(100)

    @classmethod
    def of(cls, euros: int, **said: Any) -> "Asked":
        return cls(amount=Decimal(euros), amount_eur=Decimal(euros), **said)


CHANGE = {
    "policy_id": "withdrawal_uk",
    "subject_type": "withdrawal",
    "entity": "UK",
    "valid_from": NOW + timedelta(days=1),
    "body": next(row["body"] for row in policies.shipped() if row["policy_id"] == "withdrawal_large"),
}


def test_every_subject_has_a_policy_and_reasons_for_every_action(quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        book = policies.book(connection, NOW)
    for name in subject_types():
        policy = book.policy_for(Asked.of(20_000, subject_type=name))
        assert policy.steps, name
        assert policy.sla_hours > 0
        for action in ("approve", "reject", "override", "escalate", "request_information", "snooze", "withdraw"):
            assert reasons.reasons(name, action, NOW), (name, action)


def test_every_shipped_policy_could_be_approved_as_a_change(quiet_store: sa.Engine) -> None:
    for row in policies.shipped():
        wrong = policies.faults({**row, "valid_from": NOW}, NOW, roles=access()["roles"])
        assert not wrong, (row["policy_id"], wrong)


def test_the_withdrawal_policy_agrees_with_the_seed_that_control_failures_are_judged_by() -> None:
    seeds = PROJECT / "dbt_project" / "seeds" / "compliance"

    def seed(name: str) -> list[dict[str, str]]:
        rows = csv.DictReader((seeds / f"{name}.csv").open(encoding="utf-8"))
        return [row for row in rows if row.get("policy_version") == "withdrawal-1"]

    body = next(row["body"] for row in policies.shipped() if row["policy_id"] == "withdrawal")
    checks = {one["check"]: one for one in body["checks"]}
    assert {row["check_name"] for row in seed("approval_policy_checks")} <= set(checks)
    assert {row["role"] for row in seed("approval_policy_roles")} == set(body["steps"][0]["roles"])
    assert len(body["steps"]) == int(seed("approval_policies")[0]["approvers"])
    days = {row["status"]: int(row["grace_days"]) if row["grace_days"] else None for row in seed("approval_policy_kyc")}
    assert checks["kyc_status"]["statuses"] == days
    assert Decimal(checks["instrument_owner"]["likeness"]) == Decimal(seed("approval_policies")[0]["holder_similarity"])


@pytest.mark.parametrize(
    ("euros", "policy", "steps"),
    [
        (9_999, "withdrawal", 1),
        (10_000, "withdrawal_large", 2),
        (99_999, "withdrawal_large", 2),
        (100_000, "withdrawal_very_large", 2),
    ],
)
def test_the_band_of_the_amount_decides_how_many_must_approve(
    quiet_store: sa.Engine, euros: int, policy: str, steps: int
) -> None:
    with reading(quiet_store) as connection:
        found = policies.policy_for(connection, Asked.of(euros), NOW)
    assert (found.policy_id, len(found.steps)) == (policy, steps)


def test_an_amount_without_a_rate_has_no_policy(quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection, pytest.raises(policies.NoPolicy, match="daybook run"):
        policies.policy_for(connection, replace(Asked(), amount_eur=None), NOW)


def test_shipped_policies_are_written_once_each_with_its_event(ops_store: sa.Engine) -> None:
    with writing(ops_store) as connection:
        assert policies.seed(connection, NOW) == len(policies.shipped())
    with writing(ops_store) as connection:
        assert policies.seed(connection, NOW) == 0
        events = connection.execute(sa.select(tables.events.c.type)).scalars().all()
        before = policies.book(connection, NOW)
    assert events == ["policy.shipped"] * len(policies.shipped())
    assert before.policy_for(Asked.of(5)).label == "withdrawal-1"


def test_an_approved_change_holds_from_its_day_for_its_entity_alone(ops_store: sa.Engine) -> None:
    with writing(ops_store) as connection:
        policies.seed(connection, NOW)
        new = policies.append_version(connection, CHANGE, approval_id="d1", actor=chain.Actor("s-mlro"), now=NOW)
        assert new.label == "withdrawal_uk-1"
    with reading(ops_store) as connection:
        uk = Asked.of(5, entity="UK")
        assert policies.policy_for(connection, uk, NOW).policy_id == "withdrawal"
        assert policies.policy_for(connection, uk, NOW + timedelta(days=2)).policy_id == "withdrawal_uk"
        assert policies.policy_for(connection, Asked.of(5), NOW + timedelta(days=2)).policy_id == "withdrawal"


def test_the_newest_version_in_force_holds_and_earlier_decisions_still_find_theirs(ops_store: sa.Engine) -> None:
    change = {**CHANGE, "policy_id": "withdrawal", "entity": None, "body": {**CHANGE["body"], "sla_hours": 1}}
    with writing(ops_store) as connection:
        policies.seed(connection, NOW)
        new = policies.append_version(connection, change, approval_id="d1", actor=chain.Actor("s-mlro"), now=NOW)
        assert new.version == 2
        assert policies.policy_for(connection, Asked.of(5), NOW).version == 1
        assert policies.policy_for(connection, Asked.of(5), NOW + timedelta(days=2)).sla_hours == 1


BAD = {
    "asks nobody": {"steps": []},
    "role auditor never approves": {"steps": [{"roles": ["auditor"]}]},
    "no role wizard": {"steps": [{"roles": ["wizard"]}]},
    "names no role": {"steps": [{"roles": []}]},
    "without anybody's limit": {"steps": [{"roles": ["finance"], "limit": False}]},
    "no check crystal_ball": {"checks": [*CHANGE["body"]["checks"], {"check": "crystal_ball"}]},
    "sanctions cannot be dropped": {"checks": [one for one in CHANGE["body"]["checks"] if one["check"] != "sanctions"]},
    "kyc_status can never be overridden": {"overridable": ["velocity", "kyc_status"]},
    "cannot be read": {"sla_hours": "soon"},
}


@pytest.mark.parametrize("words", BAD)
def test_what_no_policy_may_be_is_refused_in_words(ops_store: sa.Engine, words: str) -> None:
    change = {**CHANGE, "body": {**CHANGE["body"], **BAD[words]}}
    with writing(ops_store) as connection, pytest.raises(policies.PolicyRefused, match=words):
        policies.append_version(
            connection, change, approval_id="d", actor=chain.Actor("s"), now=NOW, roles=access()["roles"]
        )


def test_no_policy_takes_force_in_the_past() -> None:
    assert "in the past" in policies.faults({**CHANGE, "valid_from": NOW - timedelta(days=1)}, NOW)[0]


def test_data_older_than_the_policy_allows_name_age_limit_and_command(quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        policy = policies.policy_for(connection, Asked(), NOW)
    publish = SimpleNamespace(publish_id=7, loaded_at=NOW - timedelta(hours=30), published_at=NOW)
    said = policies.too_old(policy, publish, NOW) or ""
    assert "30 h" in said
    assert "24 h" in said
    assert "daybook run" in said
    fresh = SimpleNamespace(publish_id=7, loaded_at=NOW - timedelta(hours=24), published_at=NOW)
    assert policies.too_old(policy, fresh, NOW) is None


def test_a_reason_must_be_one_of_the_action_and_say_more_where_the_code_says_too_little() -> None:
    assert reasons.require_reason("withdrawal", "reject", "third_party", None, NOW).code == "third_party"
    for code, note in ((None, None), ("forged_document", None), ("other", " ")):
        with pytest.raises(reasons.BadReason):
            reasons.require_reason("withdrawal", "reject", code, note, NOW)
    with pytest.raises(reasons.BadReason, match="none"):
        reasons.require_reason("withdrawal", "reject", "third_party", None, datetime(2014, 1, 1))


@pytest.mark.parametrize(
    ("entity", "start", "hours", "due"),
    [
        ("UK", datetime(2026, 11, 20, 16), 4, datetime(2026, 11, 23, 11)),  # over the weekend
        ("UK", datetime(2026, 12, 24, 17), 2, datetime(2026, 12, 29, 10)),  # over Christmas and its Monday
        ("CY", datetime(2026, 11, 22, 3), 9, datetime(2026, 11, 23, 16)),  # asked on a Sunday, due at the end of Monday
        (
            "AU",
            datetime(2026, 10, 2, 7),
            2,
            datetime(2026, 10, 5, 23),
        ),  # clocks go forward in Sydney, Monday is a holiday
        (None, datetime(2026, 11, 23, 9), 1, datetime(2026, 11, 23, 10)),
    ],
)
def test_deadlines_count_the_entitys_business_hours(
    entity: str | None, start: datetime, hours: float, due: datetime
) -> None:
    assert add_business_hours(entity, start, hours) == due


def test_nobody_works_on_a_bank_holiday() -> None:
    assert is_business_time("UK", datetime(2026, 11, 23, 12))
    assert not is_business_time("UK", datetime(2026, 12, 25, 12))


def test_every_check_a_policy_names_exists() -> None:
    named = {one["check"] for row in policies.shipped() for one in row["body"]["checks"]}
    always = {name for kind in subject_types().values() for name in kind.always}
    assert named | always == set(registered())


def test_an_approved_policy_change_takes_force_by_itself_once_every_step_is_taken(
    marts: Reader, ops_store: sa.Engine
) -> None:
    from apps.approvals.decisions import decide
    from apps.approvals.effects import EFFECTS
    from apps.approvals.orders import Desk, Order
    from apps.approvals.subject import find
    from tests.apps.approvals.test_subjects import seeded

    desk = Desk(ops_store, reader=lambda: marts, clock=lambda: NOW, effects=EFFECTS)
    with writing(ops_store) as connection:
        policies.seed(connection, NOW)
        one = seeded(connection, marts, "policy_change")
    for number, actor in enumerate(("s-com2", "s-lead"), start=1):
        with reading(ops_store) as connection:
            seen = find(marts, connection, "policy_change", one.subject_id)
            before = policies.policy_for(connection, Asked(subject_type="period_close"), datetime(2026, 12, 2))
        assert before.version == 1
        order = Order(
            "approve",
            "policy_change",
            one.subject_id,
            actor,
            f"key-{number}",
            reason_code="change_justified",
            seen=seen.shown(),
        )
        answer = decide(desk, order)
        assert answer.done, answer
    with reading(ops_store) as connection:
        after = policies.policy_for(connection, Asked(subject_type="period_close"), datetime(2026, 12, 2))
        assert policies.policy_for(connection, Asked(subject_type="period_close"), NOW).version == 1
    assert after.version == 2
