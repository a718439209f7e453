"""Control failures: for each control one approval that fails it and one that comes near, on what was known then and now."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.dbt.broker import Broker, Row, new_broker

REQUESTED, DECIDED = "2026-03-10T10:00:00", "2026-03-10T11:00:00"
FIRST, SECOND = "2026-03-11T06:00:00", "2026-03-20T06:00:00"
CHECKS = ("balance", "sanctions", "return_to_source")


@dataclass
class Batch:
    """Rows by feed, to be learned together."""

    feeds: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, feed: str, **row: Any) -> None:
        self.feeds.setdefault(feed, []).append(row)


def withdrawal(batch: Batch, name: str, **but: Any) -> None:
    """A withdrawal in perfect order of a client of its own; `but` says what is not."""
    client, request = f"C-{name}", name
    batch.add("clients", client_id=client, changed_at="2026-01-01", registered_at="2026-01-01", entity="CY", category="retail",
              first_name="Zoë", last_name="Müller", email=but.get("email", f"{name}@mail.test"))  # fmt: skip
    for number, (status, at) in enumerate(but.get("kyc", [("IN_PROGRESS", "2026-01-02"), ("APPROVED", "2026-01-03")])):
        batch.add(
            "kyc_events",
            provider="p",
            event_id=f"{name}-{number}",
            client_id=client,
            event="status_changed",
            to_status=status,
            occurred_at=at,
        )
    batch.add("kyc_events", provider="p", event_id=f"{name}-doc", client_id=client, event="document_received", check="identity",
              document_type="passport", document_expires_on=but.get("expires", "2030-01-01"), occurred_at="2026-01-02")  # fmt: skip
    money = {
        "request_id": request,
        "client_id": client,
        "amount": but.get("amount", "100"),
        "currency": but.get("currency", "EUR"),
    }
    batch.add("cash_requests", event_id=f"{name}-1", event="requested", request_kind="withdrawal", occurred_at=REQUESTED,
              actor_type=but.get("maker_type", "client"), actor_id=but.get("maker", client),
              destination_holder=but.get("holder", "MUELLER, Zoe" if but.get("reordered") else "Zoe Muller"), **money)  # fmt: skip
    batch.add("cash_requests", event_id=f"{name}-2", event="approved", occurred_at=DECIDED,
              actor_type=but.get("actor_type", "staff"), actor_id=but.get("approver", "S-pay"), **money)  # fmt: skip
    for check in but.get("checks", CHECKS):
        run_check(batch, request, check, but.get("ran_at", "2026-03-10T10:30:00"), but.get("result", "pass"))


def run_check(batch: Batch, request: str, check: str, ran_at: str, result: str = "pass", number: int = 1) -> None:
    batch.add("risk_checks", system="desk", check_id=f"{request}-{check}-{number}", subject_type="withdrawal", subject_id=request,
              check_name=check, result=result, version="1", ran_at=ran_at)  # fmt: skip


def staff(batch: Batch, staff_id: str, role: str, **but: Any) -> None:
    batch.add("staff", staff_id=staff_id, changed_at=but.pop("changed_at", "2026-01-01"), name=staff_id, role=role,
              approval_limit_eur=but.pop("limit", "5000"), is_active=but.pop("is_active", True), **but)  # fmt: skip


def first_batch() -> Batch:
    batch = Batch()
    staff(batch, "S-pay", "payments")
    staff(batch, "S-support", "support")
    staff(batch, "S-was-support", "support")
    staff(batch, "S-was-support", "finance", changed_at="2026-03-10T11:00:00")
    staff(batch, "S-left", "payments", is_active=False, changed_at=DECIDED)
    staff(batch, "S-leaves", "payments")
    staff(batch, "S-leaves", "payments", is_active=False, changed_at="2026-03-10T11:00:01")
    staff(batch, "S-client", "payments", client_id="C-own_record")
    staff(batch, "S-mail", "payments", email=" Same@Mail.Test ")
    staff(batch, "S-partner", "payments", client_id="C-partner_person")
    batch.add("fx_rates", base_currency="EUR", quote_currency="USD", quoted_at="2026-03-10T09:00:00", rate="1.25")
    batch.add("partners", partner_id="P1", changed_at="2026-01-01", client_id="C-partner_person", name="P1")
    batch.add(
        "partner_links",
        child_kind="client",
        child_id="C-partners_client",
        valid_from="2026-01-01",
        parent_partner_id="P1",
    )

    withdrawal(batch, "in_order")
    withdrawal(batch, "late_checks", ran_at="2026-03-10T11:00:00.000001")
    withdrawal(batch, "checks_at_the_decision", ran_at=DECIDED)
    withdrawal(batch, "no_sanctions", checks=("balance", "return_to_source"))
    withdrawal(batch, "failed_check", result="fail")
    withdrawal(batch, "other_names", checks=("available_balance", "Screening", "rts"))
    withdrawal(batch, "own_request", maker="S-pay", maker_type="staff")
    withdrawal(batch, "colleague_asked", maker="S-support", maker_type="staff")
    withdrawal(batch, "own_record", approver="S-client")
    withdrawal(batch, "same_mail", approver="S-mail", email="same@mail.test")
    withdrawal(batch, "partners_client", approver="S-partner")
    withdrawal(batch, "inactive", approver="S-left")
    withdrawal(batch, "leaves_later", approver="S-leaves")
    withdrawal(batch, "no_role", approver="S-support")
    withdrawal(batch, "role_from_the_moment", approver="S-was-support")
    withdrawal(batch, "by_rule", approver="payout-rules", actor_type="system", amount="900000")
    withdrawal(batch, "nobody", approver="S-unheard-of")
    withdrawal(batch, "over_limit", amount="6250.01", currency="USD")
    withdrawal(batch, "at_limit", amount="6250.00", currency="USD")
    approved = [("APPROVED", "2026-01-03")]
    withdrawal(batch, "suspended", kyc=[*approved, ("SUSPENDED", DECIDED)])
    withdrawal(batch, "suspended_after", kyc=[*approved, ("SUSPENDED", "2026-03-10T11:00:01")])
    withdrawal(batch, "renewal_too_long", kyc=[*approved, ("RE_KYC", "2026-02-08T10:59:59"), ("RE_KYC", "2026-03-01")])
    withdrawal(batch, "renewal_within_grace", kyc=[*approved, ("RE_KYC", "2026-02-08T11:00:00")])
    withdrawal(batch, "never_started", kyc=[])
    withdrawal(batch, "passport_ran_out", expires="2026-03-09")
    withdrawal(batch, "passport_last_day", expires="2026-03-10")
    withdrawal(batch, "someone_else", holder="Ivan Petrov")
    withdrawal(batch, "name_reordered", holder="MULLER, Zoe")
    withdrawal(batch, "hit_comes_to_light")
    withdrawal(batch, "approval_withdrawn_by_correction", approver="S-support")
    for name in LATER:
        staff(batch, f"S-{name}", "payments")
        withdrawal(batch, name, approver=f"S-{name}")
        staff(batch, f"S-still-{name}", "payments")
        withdrawal(batch, f"still_{name}", approver=f"S-still-{name}")
    return batch


LATER = {
    "later_check": {"approved_before_check"}, "later_fail": {"check_missing"}, "later_own": {"self_approval"}, "later_left": {"approver_inactive"},
    "later_role": {"approver_without_role"}, "later_limit": {"limit_exceeded"}, "later_passport": {"expired_document"},
    "later_name": {"third_party_payout"},
}  # fmt: skip
"""Approvals in order by what was known then, and the control that what came to light afterwards shows to have failed."""


def later_facts(batch: Batch, name: str, prefix: str = "", before: str = "2026-03-01") -> None:
    """What comes to light of the approval; of a decoy (`prefix`) it is of the day after, or comes just short."""
    request, approver = f"{prefix}{name}", f"S-{prefix.replace('_', '-')}{name}"
    known = {"changed_at": before}
    if name == "later_check":
        run_check(batch, request, "sanctions", "2026-03-10T11:00:00.000001" if not prefix else "2026-03-10T10:59:59")
    elif name == "later_fail":
        run_check(batch, request, "sanctions", "2026-03-10T10:30:00", "pass" if prefix else "fail")
    elif name == "later_own":
        staff(batch, approver, "payments", client_id=f"C-{request}", **known)
    elif name == "later_left":
        staff(batch, approver, "payments", is_active=False, **known)
    elif name == "later_role":
        staff(batch, approver, "support", **known)
    elif name == "later_limit":
        staff(batch, approver, "payments", limit="100" if prefix else "99.99", **known)
    elif name == "later_passport":
        batch.add("kyc_events", provider="p", event_id=f"{request}-doc", client_id=f"C-{request}", event="document_received", check="identity",
                  document_type="passport", document_expires_on="2026-03-10" if prefix else "2026-03-09", occurred_at="2026-01-02")  # fmt: skip
    else:
        batch.add("clients", client_id=f"C-{request}", changed_at="2026-01-01", registered_at="2026-01-01", entity="CY", category="retail",
                  first_name="Zoe" if prefix else "Ivan", last_name="Muller" if prefix else "Petrov", email=f"{request}@mail.test")  # fmt: skip


def second_batch() -> Batch:
    """What comes to light later: a suspension before the decision, and an approval that was none."""
    batch = Batch()
    batch.add(
        "kyc_events",
        provider="p",
        event_id="late",
        client_id="C-hit_comes_to_light",
        event="status_changed",
        to_status="SUSPENDED",
        occurred_at="2026-03-09",
    )
    name = "approval_withdrawn_by_correction"
    batch.add(
        "cash_requests",
        event_id=f"{name}-2",
        event="info_requested",
        occurred_at=DECIDED,
        request_id=name,
        client_id=f"C-{name}",
    )
    for name, paid_at in (("in_order", "2026-03-11T16:00:00"), ("at_limit", "2026-03-12T09:00:00")):
        batch.add("cash_requests", event_id=f"{name}-3", event="paid", request_id=name, client_id=f"C-{name}", occurred_at=paid_at,
                  actor_type="system", actor_id="psp")  # fmt: skip
    for name, opened, acknowledged in (
        ("acknowledged", "2026-03-06T10:00:00", "2026-03-13T23:59:59"),
        ("acknowledged_late", "2026-03-06T10:00:00", "2026-03-14T00:00:01"),
        ("unanswered", "2026-01-01", None),
    ):
        said = {"ticket_id": name, "client_id": "C-in_order", "is_complaint": True}
        batch.add("tickets", event_id=f"{name}-1", event="created", occurred_at=opened, actor_type="client", **said)
        if acknowledged:
            batch.add(
                "tickets",
                event_id=f"{name}-2",
                event="agent_replied",
                occurred_at=acknowledged,
                actor_type="staff",
                **said,
            )
    for name in LATER:
        later_facts(batch, name)
        later_facts(batch, name, "still_", before="2026-03-10T11:00:01")
    return batch


MODELS = (
    "fct_control_failures", "fct_decisions", "fct_checks", "fct_withdrawals", "fct_withdrawal_turnaround", "fct_complaints",
)  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = new_broker(tmp_path_factory.mktemp("controls"))
    made.learn(FIRST, **first_batch().feeds)
    made.learn(SECOND, **second_batch().feeds)
    made.build(*MODELS)
    yield made


def failed(broker: Broker, request: str) -> set[str]:
    return {
        row[0]
        for row in broker.rows("select control from compliance.fct_control_failures where subject_id = ?", request)
    }


@pytest.mark.parametrize(
    ("request_id", "controls"),
    [
        ("late_checks", {"approved_before_check"}),
        ("no_sanctions", {"check_missing"}),
        ("failed_check", {"check_missing"}),
        ("own_request", {"self_approval"}),
        ("own_record", {"self_approval"}),
        ("same_mail", {"self_approval"}),
        ("partners_client", {"self_approval"}),
        ("inactive", {"approver_inactive"}),
        ("no_role", {"approver_without_role"}),
        ("nobody", {"approver_without_role"}),
        ("over_limit", {"limit_exceeded"}),
        ("suspended", {"stale_kyc"}),
        ("renewal_too_long", {"stale_kyc"}),
        ("never_started", {"stale_kyc"}),
        ("passport_ran_out", {"expired_document"}),
        ("someone_else", {"third_party_payout"}),
        ("hit_comes_to_light", {"stale_kyc"}),
    ],
)
def test_an_approval_that_fails_a_control_is_found_under_that_control_alone(
    broker: Broker, request_id: str, controls: set[str]
) -> None:
    assert failed(broker, request_id) == controls


@pytest.mark.parametrize(
    "request_id",
    [
        "in_order", "checks_at_the_decision", "other_names", "colleague_asked", "leaves_later", "role_from_the_moment", "by_rule", "at_limit",
        "suspended_after", "renewal_within_grace", "passport_last_day", "name_reordered", "approval_withdrawn_by_correction",
    ],
)  # fmt: skip
def test_an_approval_that_only_comes_near_is_left_alone(broker: Broker, request_id: str) -> None:
    assert failed(broker, request_id) == set()


def test_only_what_came_to_light_afterwards_is_discovered_later(broker: Broker) -> None:
    later = broker.rows("select subject_id from compliance.fct_control_failures where discovered_later")
    assert {row[0] for row in later} == {"hit_comes_to_light", *LATER}


def test_each_control_is_judged_on_both_clocks(broker: Broker) -> None:
    shown = broker.rows(
        "select subject_id, control from compliance.fct_control_failures where subject_id like '%later_%' order by all"
    )
    assert shown == sorted((name, control) for name, controls in LATER.items() for control in controls)


def test_a_withdrawal_shows_the_status_as_it_was_and_as_it_was_known_then(broker: Broker) -> None:
    shown = "select kyc_status_at_decision, kyc_status_known_at_decision from operations.fct_withdrawals where request_id = ?"
    assert broker.rows(shown, "hit_comes_to_light") == [("SUSPENDED", "APPROVED")]
    assert broker.rows(shown, "in_order") == [("APPROVED", "APPROVED")]
    assert broker.rows(shown, "never_started") == [("NOT_STARTED", "NOT_STARTED")]


def test_checks_passed_means_that_every_required_check_passed_before_the_decision(broker: Broker) -> None:
    wanted = ["at_limit", "checks_at_the_decision", "failed_check", "late_checks", "no_sanctions", "other_names"]
    shown = broker.rows(
        "select request_id, checks_passed from operations.fct_withdrawals where list_contains(?, request_id) order by 1",
        wanted,
    )
    assert dict(shown) == {
        "at_limit": True,
        "checks_at_the_decision": True,
        "failed_check": False,
        "late_checks": False,
        "no_sanctions": False,
        "other_names": True,
    }


def test_a_check_informs_the_decision_it_did_not_come_after(broker: Broker) -> None:
    informed = broker.rows(
        """
        select subject_id, count(decision_id) from compliance.fct_checks
        where subject_id in ('late_checks', 'checks_at_the_decision') group by 1 order by 1
        """
    )
    assert informed == [("checks_at_the_decision", 3), ("late_checks", 0)]


def test_a_corrected_approval_stays_in_sight_as_retracted(broker: Broker) -> None:
    shown = broker.rows(
        "select decision from compliance.fct_decisions where subject_id = 'approval_withdrawn_by_correction'"
    )
    assert shown == [("retracted",)]
    assert broker.rows(
        "select decision from operations.fct_withdrawals where request_id = 'approval_withdrawn_by_correction'"
    ) == [(None,)]


def test_a_withdrawal_is_late_on_the_second_business_day_and_while_it_is_not_paid(broker: Broker) -> None:
    shown = broker.rows(
        """
        select request_id, business_days, is_late from operations.fct_withdrawal_turnaround
        where request_id in ('in_order', 'at_limit', 'suspended') order by 1
        """
    )
    assert shown == [("at_limit", 2, True), ("in_order", 1, False), ("suspended", 8, True)]


def test_a_complaint_has_business_days_to_its_acknowledgement_and_calendar_days_to_its_answer(broker: Broker) -> None:
    shown = broker.rows(
        "select ticket_id, is_acknowledged_late, is_answered_late, answer_due_at::date::varchar from operations.fct_complaints order by 1"
    )
    assert shown == [
        ("acknowledged", False, False, "2026-05-05"), ("acknowledged_late", True, False, "2026-05-05"), ("unanswered", True, True, "2026-03-02"),
    ]  # fmt: skip


def test_two_increments_give_what_one_pass_over_everything_gives(broker: Broker) -> None:
    tables = (
        "compliance.fct_control_failures",
        "compliance.fct_decisions",
        "compliance.fct_checks",
        "operations.fct_withdrawals",
    )
    dumps = [f"select * exclude (_run_id) from {table} order by all" for table in tables]
    increments = [broker.rows(dump) for dump in dumps]
    broker.rebuild(*MODELS)
    assert [broker.rows(dump) for dump in dumps] == increments
