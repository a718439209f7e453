"""The operational store as a source: what each event says in the canonical feeds, and that a changed line never passes for one."""

import csv
import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ingestion.connectors import guess
from ingestion.connectors.base import BadFile
from ingestion.connectors.operations import CONNECTOR
from ingestion.feeds import FEEDS
from ingestion.judge import judge
from tests.ingestion.connectors.damage import mutants
from tests.ingestion.connectors.sealed import decided, event, exported
from warehouse.settings import PROJECT


def read(folder: Path, content: bytes) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Good rows by feed, as their contracts let them through, and the rules that others broke."""
    path = folder / "events.jsonl"
    path.write_bytes(content)
    good: dict[str, list[dict[str, Any]]] = {}
    broken: list[str] = []
    for batch in CONNECTOR.read(path):
        judged = judge(FEEDS[batch.feed], batch)
        good.setdefault(batch.feed, []).extend(judged.good.to_dicts())
        broken += [rule for bad in judged.bad for rule in bad.rules]
    return good, broken


def told(folder: Path, body: dict[str, Any], feed: str) -> list[dict[str, Any]]:
    """The rows of a feed that one event gives, without empty columns."""
    good, broken = read(folder, exported(body))
    assert broken == []
    return [{name: value for name, value in row.items() if value is not None} for row in good.get(feed, [])]


def test_every_event_keeps_its_whole_envelope_and_its_seal(tmp_path: Path):
    body = event(
        "page.viewed", "page", stream="access", after={"query": {"client": "C1"}}, correlation_id="x", causation_id="y"
    )
    content = exported(body)
    (row,) = read(tmp_path, content)[0]["operational_events"]
    assert (row["seq"], row["type"], row["actor_id"], row["actor_role"], row["correlation_id"]) == (
        1,
        "page.viewed",
        "P1",
        "payments",
        "x",
    )
    assert json.loads(row["after"]) == {"query": {"client": "C1"}}
    assert hashlib.sha256(f"{row['prev_hash']}{row['body']}".encode()).hexdigest() == row["hash"]
    assert set(read(tmp_path, content)[0]) == {"operational_events"}


@pytest.mark.parametrize(
    ("subject_type", "kind"), [("withdrawal", "withdrawal"), ("refund", "refund"), ("transfer", "internal_transfer")]
)
@pytest.mark.parametrize(("decision", "word"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_on_money_is_an_event_of_the_request_under_our_own_id(
    tmp_path: Path, subject_type: str, kind: str, decision: str, word: str
):
    body = decided(subject_type, decision)
    (row,) = told(tmp_path, body, "cash_requests")
    assert (row["event_id"], row["request_id"], row["request_kind"], row["event"]) == (
        body["event_id"],
        "S1",
        kind,
        word,
    )
    assert (row["actor_type"], row["actor_id"], row["reason"], str(row["amount"])) == (
        "staff",
        "P1",
        "checks_passed",
        "400.00000000",
    )
    assert told(tmp_path, body, "operational_events")[0]["carried_by"] == "cash_requests"


@pytest.mark.parametrize(
    ("order", "word"),
    [("information_requested", "info_requested"), ("information_given", "info_given"), ("withdrawn", "cancelled")],
)
def test_a_question_its_answer_and_a_request_taken_back_are_events_of_the_request(
    tmp_path: Path, order: str, word: str
):
    assert [row["event"] for row in told(tmp_path, event(f"approval.{order}"), "cash_requests")] == [word]


@pytest.mark.parametrize(
    "body",
    [
        decided(final=False),
        decided(decision="override", final=False),
        event("approval.claimed"),
        event("approval.refused"),
    ],
    ids=["a step before the last", "an override", "a claim", "a refusal"],
)
def test_what_decides_nothing_yet_is_no_event_of_the_request(tmp_path: Path, body: dict[str, Any]):
    assert told(tmp_path, body, "cash_requests") == []
    assert "carried_by" not in told(tmp_path, body, "operational_events")[0]


@pytest.mark.parametrize(("decision", "status"), [("approve", "APPROVED"), ("reject", "REJECTED")])
def test_a_decided_case_changes_the_clients_status(tmp_path: Path, decision: str, status: str):
    (row,) = told(tmp_path, decided("kyc_case", decision), "kyc_events")
    assert (row["provider"], row["event"], row["from_status"], row["to_status"]) == (
        "daybook",
        "status_changed",
        "IN_REVIEW",
        status,
    )
    assert (row["client_id"], row["reason_codes"], row["rule_version"]) == ("C1", ["checks_passed"], "policy-1")


@pytest.mark.parametrize(
    ("held", "decision"), [("SUBMITTED", "approve"), ("SUBMITTED", "reject"), ("SUSPENDED", "reject")]
)
def test_a_case_that_a_person_decides_before_its_review_was_reviewed_by_them_and_no_step_is_forbidden(
    tmp_path: Path, held: str, decision: str
):
    body = decided("kyc_case", decision, facts={"kyc_status": held})
    review, outcome = sorted(told(tmp_path, body, "kyc_events"), key=lambda row: row["occurred_at"])
    steps = [(row["from_status"], row["to_status"]) for row in (review, outcome)]
    assert steps == [(held, "IN_REVIEW"), ("IN_REVIEW", {"approve": "APPROVED", "reject": "REJECTED"}[decision])]
    assert review["occurred_at"] < outcome["occurred_at"] and review["event_id"] != outcome["event_id"]
    assert outcome["event_id"] == body["event_id"], "the decision bears its own id"
    with (PROJECT / "dbt_project" / "seeds" / "compliance" / "kyc_transitions.csv").open() as file:
        allowed = {
            (row["from_status"], row["to_status"]) for row in csv.DictReader(file) if row["actor"] in ("analyst", "any")
        }
    assert set(steps) <= allowed


def test_a_case_decided_from_where_it_may_be_takes_one_step(tmp_path: Path):
    for held, decision in (
        ("IN_REVIEW", "approve"),
        ("EDD", "reject"),
        ("RE_KYC", "approve"),
        ("SUSPENDED", "approve"),
    ):
        assert len(told(tmp_path, decided("kyc_case", decision, facts={"kyc_status": held}), "kyc_events")) == 1


def test_an_undone_decision_keeps_its_checks_and_means_nothing_else(tmp_path: Path):
    undone = event("approval.undone", "payout_run", approval_id="rash")
    lines = [{"partner_id": "A", "amount": "10.5"}]
    body = decided("payout_run", event_id="rash", facts={"period": "2026-10", "lines": lines})
    good, broken = read(tmp_path, exported(body, undone))
    assert set(good) == {"operational_events", "risk_checks"} and broken == []
    assert len(good["operational_events"]) == 2
    assert "commission_decisions" in read(tmp_path, exported(body))[0]


def test_an_approved_payout_run_approves_the_payout_of_each_partner_on_it(tmp_path: Path):
    lines = [{"partner_id": "A", "amount": "10.5"}, {"partner_id": "B", "amount": "7"}]
    body = decided("payout_run", facts={"period": "2026-10", "lines": lines})
    rows = told(tmp_path, body, "commission_decisions")
    assert [(row["partner_id"], str(row["amount"]), row["event"], row["period"]) for row in rows] == [
        ("A", "10.50000000", "approved", "2026-10"),
        ("B", "7.00000000", "approved", "2026-10"),
    ]
    assert body["event_id"] not in {row["event_id"] for row in rows}
    assert (
        told(
            tmp_path,
            decided("payout_run", "reject", facts={"period": "2026-10", "lines": lines}),
            "commission_decisions",
        )
        == []
    )


def test_an_approved_adjustment_adjusts_and_a_rejected_one_does_not(tmp_path: Path):
    facts = {"partner_id": "A", "period": "2026-10"}
    (row,) = told(tmp_path, decided("commission_adjustment", facts=facts), "commission_decisions")
    assert (row["event"], row["partner_id"], str(row["amount"]), row["currency"]) == (
        "adjusted",
        "A",
        "400.00000000",
        "EUR",
    )
    assert told(tmp_path, decided("commission_adjustment", "reject", facts=facts), "commission_decisions") == []


@pytest.mark.parametrize(("subject_type", "word"), [("period_close", "closed"), ("period_reopening", "reopened")])
def test_an_approved_close_names_who_asked_and_who_approved(tmp_path: Path, subject_type: str, word: str):
    (row,) = told(tmp_path, decided(subject_type, facts={"period": "2026-10"}), "period_events")
    assert (row["entity"], row["period"], row["event"], row["actor_id"], row["approved_by"]) == (
        "CY",
        "2026-10",
        word,
        "M1",
        "P1",
    )


@pytest.mark.parametrize(
    ("result", "word"), [("pass", "pass"), ("fail", "fail"), ("review", "review"), ("error", "review")]
)
def test_a_check_that_ran_inside_a_decision_is_a_check_on_its_subject(tmp_path: Path, result: str, word: str):
    body = decided(decision="reject")
    body["after"]["check_results"][0]["result"] = result
    (row,) = told(tmp_path, body, "risk_checks")
    assert (row["system"], row["check_id"], row["subject_id"], row["result"]) == (
        "daybook",
        f"{body['event_id']}:balance",
        "S1",
        word,
    )
    assert json.loads(row["inputs"]) == {"funds": "900", "result": result, "said": "enough"}


def test_a_line_changed_after_it_was_sealed_is_refused_and_says_so(tmp_path: Path):
    content = exported(decided(), event("approval.claimed", subject_id="S2"))
    good, broken = read(tmp_path, content.replace(b"400.00000000", b"900.00000000"))
    assert [row["subject_id"] for row in good["operational_events"]] == ["S2"]
    assert "cash_requests" not in good and "risk_checks" not in good
    assert broken == ["hash: is not that of prev_hash and body; the event was changed after it was written"]


def test_an_export_is_recognised_and_another_file_is_not(tmp_path: Path):
    path = tmp_path / "e.jsonl"
    path.write_bytes(exported(event()))
    assert [one.name for one in guess(path)] == ["operations"]
    with pytest.raises(BadFile, match="no event of an operational store"):
        read(tmp_path, b'{"event_id": "1"}\n')


def test_a_damaged_export_loses_no_line_and_lets_no_changed_one_pass(tmp_path: Path):
    genuine = exported(*(decided(subject_id=f"S{number}") for number in range(5)))
    texts = {json.loads(line)["body"] for line in genuine.splitlines()}
    passed = 0
    for content in islice(mutants(genuine, seed=3), 0, None, 5):
        try:
            good, broken = read(tmp_path, content)
        except BadFile as bad:
            assert bad.reason
            continue
        rows = good.get("operational_events", [])
        assert {row["body"] for row in rows} <= texts
        assert len(rows) + len(broken) >= len([line for line in content.splitlines() if line.strip()]) - 1
        passed += 1
    assert passed > 10
