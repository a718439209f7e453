"""Subjects: from the marts or from a proposal, and who may raise one."""

import json
import string
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from apps.approvals import subject, tables
from apps.approvals.decisions import decide
from apps.approvals.orders import Answer
from apps.approvals.policies import shipped
from apps.approvals.proposing import ProposalRefused, propose, recorded
from apps.approvals.store import reading, writing
from tests.apps.approvals.hand_made import NOW
from tests.apps.approvals.office import office, staff, withdrawal
from warehouse.reader import Reader

SEEDED: dict[str, dict[str, Any]] = {
    "alert": {"maker": "s-sup", "client_id": "c-good", "payload": {"scenario": "A02", "evidence": ["dep-good"]}},
    "payout_run": {
        "maker": "s-part", "entity": "CY", "amount": Decimal(150), "currency": "USD",
        "payload": {"period": "2026-10", "lines": [{"partner_id": "p-1", "amount": "100"}, {"partner_id": "p-2", "amount": "50"}]},
    },
    "commission_adjustment": {
        "maker": "s-part", "entity": "CY", "amount": Decimal(-20), "currency": "USD",
        "payload": {"partner_id": "p-2", "period": "2026-10", "explanation": "a deal was cancelled"},
    },
    "client_money_sign_off": {
        "maker": "s-fin1", "entity": "AU", "currency": "EUR",
        "payload": {"day": "2026-11-21", "requirement": "900.25", "resource": "1000.5"},
    },
    "published_figure": {"maker": "s-fin1", "entity": "CY", "payload": {"kpi": "net_deposits", "day": "2026-11-20", "value": "1234.5"}},
    "parameter_change": {"maker": "s-com1", "payload": {"parameter": "A01.theta", "before": "2000", "after": "1500", "valid_from": "2026-12-01"}},
    "rule_change": {
        "maker": "s-com1",
        "payload": {"parameter": "A02", "before": "1", "after": "2", "valid_from": "2026-12-01",
            "replay": {"from": "2026-01-01", "until": "2026-11-01", "hits_before": 4, "hits_after": 6}},
    },
    "policy_change": {
        "maker": "s-com1",
        "payload": {"policy_id": "period_close", "subject_type": "period_close", "valid_from": "2026-12-01", "body": "as shipped"},
    },
    "erasure": {"maker": "s-sup", "client_id": "c-gone", "payload": {"legal_basis": "Art. 17 GDPR"}},
    "period_close": {"maker": "s-fin1", "entity": "CY", "payload": {"period": "2026-10"}},
    "period_reopening": {"maker": "s-fin1", "entity": "CY", "payload": {"period": "2026-09", "explanation": "late invoice"}},
    "quarantine_repair": {"maker": "s-data", "payload": {"load_id": 7, "row_number": 12, "row": {"amount": "5"}}},
    "override": {
        "maker": "s-fin1",
        "payload": {"target_type": "withdrawal", "target_id": "w-velocity", "checks": ["velocity"], "text": "salary paid out in instalments, seen"},
    },
}  # fmt: skip


def seeded(connection: sa.Connection, reader: Reader, subject_type: str, **other: Any) -> subject.Subject:
    """Proposes the seeded subject of that type; `payload` fields and arguments may be told differently."""
    said = dict(SEEDED[subject_type])
    payload = {**said.pop("payload"), **other.pop("payload", {})}
    if subject_type == "policy_change" and payload["body"] == "as shipped":
        from apps.approvals.policies import shipped

        payload["body"] = next(row["body"] for row in shipped() if row["policy_id"] == "period_close")
    maker = other.pop("maker", said.pop("maker"))
    return propose(connection, reader, subject_type, maker, payload, now=NOW, **{**said, **other} | {})


def test_every_type_comes_from_a_mart_or_from_proposals_by_somebody_and_an_alert_from_both() -> None:
    for name, kind in subject.subject_types().items():
        assert bool(kind.sql) + bool(kind.proposed_by) == (2 if name == "alert" else 1), name
    assert set(SEEDED) == {name for name, kind in subject.subject_types().items() if kind.proposed_by}


@pytest.mark.parametrize(
    ("subject_type", "subject_id", "amount", "title"),
    [
        ("withdrawal", "w-good", "400", "Withdrawal of 400.00 EUR to card …good"),
        ("refund", "r-good", "50", "Refund of 50.00 EUR to card …good"),
        ("transfer", "t-good", "11000", "Internal transfer of 11,000.00 EUR from wallet to mt5:1012"),
        ("kyc_case", "c-case", None, "Identification case of client c-case, IN_REVIEW"),
        (
            "break",
            "b-small",
            "12.34",
            "Reconciliation break of 12.34 EUR with the platform: balance differs, account mt5:1001, since 20 Nov 2026",
        ),
    ],
)
def test_what_awaits_a_decision_in_the_marts_is_found_and_listed(
    marts: Reader, quiet_store: sa.Engine, subject_type: str, subject_id: str, amount: str | None, title: str
) -> None:
    with reading(quiet_store) as connection:
        found = subject.find(marts, connection, subject_type, subject_id)
        listed = subject.open_subjects(marts, connection, [subject_type])
    assert found.title == title
    assert found.amount == (Decimal(amount) if amount else None)
    assert subject_id in [one.subject_id for one in listed]
    assert found.maker_person


def test_what_was_decided_elsewhere_is_not_listed_and_not_found_open(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        listed = {one.subject_id for one in subject.open_subjects(marts, connection)}
        for kind, name in (
            ("withdrawal", "w-decided"),
            ("refund", "r-done"),
            ("break", "b-gone"),
            ("kyc_case", "c-good"),
        ):
            assert name not in listed
            with pytest.raises(subject.SubjectClosed):
                subject.find(marts, connection, kind, name)
            assert not subject.find(marts, connection, kind, name, closed_too=True).is_open


def test_an_unknown_subject_is_refused_with_the_publish_and_the_command(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection, pytest.raises(subject.NoSuchSubject, match="daybook run"):
        subject.find(marts, connection, "withdrawal", "w-never")


def test_an_amount_is_compared_in_euros_at_the_newest_quote_and_not_at_a_stale_one(marts: Reader) -> None:
    from apps.approvals.euros import in_euros

    assert in_euros(marts, Decimal(187_500), "JPY") == Decimal("1000.00000000")
    assert in_euros(marts, Decimal(5), "EUR") == Decimal(5)
    assert in_euros(marts, Decimal(5), "GBP") is None  # last quoted three weeks before the others
    assert in_euros(marts, Decimal(5), "XAU") is None


def test_the_fingerprint_follows_what_the_decider_was_shown(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        found = subject.find(marts, connection, "withdrawal", "w-good")
    assert "2010 EUR 100" in found.facts["wallet"]
    richer = replace(found, facts={**found.facts, "wallet": "2010 EUR 90"})
    assert richer.facts_hash != found.facts_hash
    assert subject.differences(found.shown(), richer) == {"facts.wallet": (found.facts["wallet"], "2010 EUR 90")}
    assert replace(found, amount_eur=Decimal(1)).facts_hash == found.facts_hash


def test_facts_are_masked_as_the_marts_are(marts: Reader, quiet_store: sa.Engine) -> None:
    with reading(quiet_store) as connection:
        facts = subject.find(marts, connection, "withdrawal", "w-good").facts
    assert subject.masked_facts(facts, "payments")["destination_holder"] == "Ann Lee good"
    assert subject.masked_facts(facts, "finance")["destination_holder"] == "A…"


@pytest.mark.parametrize("subject_type", SEEDED)
def test_a_proposal_is_a_subject_with_its_maker_and_its_event(
    marts: Reader, ops_store: sa.Engine, subject_type: str
) -> None:
    with writing(ops_store) as connection:
        made = seeded(connection, marts, subject_type)
        event = connection.execute(sa.select(tables.events)).mappings().one()
    with reading(ops_store) as connection:
        assert subject.find(marts, connection, subject_type, made.subject_id) == made
    assert made.maker == SEEDED[subject_type]["maker"]
    assert (event["type"], event["subject_id"]) == (f"{subject_type}.proposed", made.subject_id)


def test_every_subject_that_is_proposed_has_a_form_here_or_names_the_page_that_proposes_it() -> None:
    for name, kind in subject.subject_types().items():
        assert bool(kind.fields) + bool(kind.page) == bool(kind.proposed_by), name
        if not kind.fields:
            continue
        stated = {one.name for one in kind.fields if one.needed} | {"row"}
        asked_by_name = {found for _, found, _, _ in string.Formatter().parse(kind.about) if found}
        assert {*kind.needs, *asked_by_name} <= stated, name
        assert not kind.pays or {"amount", "currency"} <= stated, name


def test_of_one_thing_one_proposal_is_open_at_a_time_and_the_next_has_an_id_of_its_own(
    marts: Reader, ops_store: sa.Engine
) -> None:
    with writing(ops_store) as connection:
        first = seeded(connection, marts, "period_close")
    with writing(ops_store) as connection, pytest.raises(ProposalRefused, match="already"):
        seeded(connection, marts, "period_close")
    with writing(ops_store) as connection:
        connection.execute(sa.insert(tables.subjects), live(first, state="rejected"))
        second = seeded(connection, marts, "period_close")
    assert (first.subject_id, second.subject_id) == ("CY:2026-10", "CY:2026-10#2")


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("s-pay1 is payments", {"maker": "s-pay1"}),
        ("does not state period", {"payload": {"period": None}}),
        ("no amount", {"amount": None}),
        ("Nobody else could", {"amount": Decimal(900_000)}),
    ],
)
def test_what_cannot_be_proposed_is_refused_in_words_and_the_refusal_is_recorded(
    marts: Reader, ops_store: sa.Engine, words: str, other: dict[str, Any]
) -> None:
    with pytest.raises(ProposalRefused, match=words):
        recorded(ops_store, "s-who", NOW, lambda connection: seeded(connection, marts, "payout_run", **other))
    with reading(ops_store) as connection:
        (body,) = connection.execute(sa.select(tables.events.c.body)).scalars().all()
    event = json.loads(body)
    assert (event["type"], event["actor"]["id"]) == ("proposal.refused", "s-who")
    assert words in event["after"]["said"]


@pytest.mark.parametrize(("held", "code"), [("RE_KYC", "transition"), ("SUBMITTED", ""), ("EDD", "")])
def test_our_own_screen_refuses_a_rejection_that_the_state_machine_forbids(
    store: sa.Engine, held: str, code: str
) -> None:
    made = office(store)
    made.hire(staff("com1", "compliance", None), staff("mlro1", "mlro", None))
    free = {"amount": None, "amount_eur": None, "currency": None, "facts": {"kyc_status": held}}
    case = replace(withdrawal("c1", subject_type="kyc_case", maker="client:c1"), **free)  # type: ignore[arg-type]
    made.ask(case)
    order = made.order("reject", "com1", version=0, seen=case.shown(), reason_code="requirements_not_met")
    answer = decide(made.desk, replace(order, subject_type="kyc_case", subject_id="c1"))
    assert (answer.done, answer.code) == (not code, code), answer.said
    assert not code or "kyc status RE_KYC it cannot be rejected" in answer.said


def test_an_identification_case_is_rejected_by_two_different_people(store: sa.Engine) -> None:
    made = office(store)
    made.hire(staff("com1", "compliance", None), staff("com2", "compliance", None), staff("mlro1", "mlro", None))
    policy = next(row["body"] for row in shipped() if row["policy_id"] == "kyc_case")
    assert policy["rejections"] == 2
    free = {"amount": None, "amount_eur": None, "currency": None, "facts": {"kyc_status": "IN_REVIEW"}}
    case = replace(withdrawal("c1", subject_type="kyc_case", maker="client:c1"), **free)  # type: ignore[arg-type]
    made.ask(case)

    def reject(who: str, version: int) -> Answer:
        order = made.order("reject", who, version=version, seen=case.shown(), reason_code="requirements_not_met")
        return decide(made.desk, replace(order, subject_type="kyc_case", subject_id="c1"))

    first = reject("com1", 0)
    assert (first.done, first.state) == (True, "waiting"), first.said
    again = reject("com1", first.version)
    assert (again.done, again.code) == (False, "not_entitled"), again.said
    second = reject("com2", first.version)
    assert (second.done, second.state) == (True, "rejected"), second.said


def test_a_withdrawal_is_nobodys_to_propose(marts: Reader, ops_store: sa.Engine) -> None:
    with writing(ops_store) as connection, pytest.raises(ProposalRefused, match="not proposed here"):
        propose(connection, marts, "withdrawal", "s-fin1", {}, now=NOW)


def live(one: subject.Subject, **said: Any) -> dict[str, Any]:
    """A row of live state as decisions leave it."""
    return {
        "subject_type": one.subject_type, "subject_id": one.subject_id, "state": "open", "version": 1, "round": 1, "step": 0,
        "maker_person": one.maker_person, "opened_at": one.opened_at, "updated_at": NOW + timedelta(minutes=1), **said,
    }  # fmt: skip
