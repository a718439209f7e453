"""The loop closed: what is decided in our own store comes back into trail, marts and dossier by the next run, once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.desk import open_desk
from apps.approvals.orders import Answer, Order
from apps.approvals.store import reading
from apps.approvals.subject import find
from apps.dossier import dossier
from apps.operations import head
from apps.pipeline import RunOutcome, run_once
from tests.acceptance.states import fingerprints
from warehouse.reader import Reader
from warehouse.settings import Settings

Row = dict[str, Any]
SUPPORT, DECIDER = "ST-14", "ST-07"
WAITING = """
select request_id from operations.fct_withdrawals
where decision is null and status = 'requested' and currency = 'EUR' and amount < 5000 order by amount
"""


@dataclass
class Home:
    """A home whose waiting withdrawals were tried one after the other: one was approved, one rejected, and the pipeline ran once."""

    settings: Settings
    approved: str = ""
    rejected: str = ""
    refused: int = 0
    run: RunOutcome | None = None

    def order(self, action: str, actor: str, subject_id: str, reason: str | None = None) -> Answer:
        desk = open_desk(self.settings)
        with reading(desk.engine) as connection:
            seen = find(desk.reader(), connection, "withdrawal", subject_id).shown()
        answer = decide(desk, Order(action, "withdrawal", subject_id, actor, new_id(), seen=seen, reason_code=reason))
        self.refused += answer.status == "refused"
        return answer

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        reader = Reader(self.settings)
        try:
            return reader.query(sql, parameters).to_dicts()
        finally:
            reader.close()


@pytest.fixture(scope="module")
def home(built_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    root = tmp_path_factory.mktemp("loop") / "home"
    shutil.copytree(built_home.root, root)
    made = Home(Settings(home=root))
    for row in made.rows(WAITING):
        name = row["request_id"]
        if not made.approved:
            assert made.order("approve", SUPPORT, name, "checks_passed").code == "not_entitled"
            assert made.order("claim", DECIDER, name).done
            made.approved = name if made.order("approve", DECIDER, name, "checks_passed").done else ""
        elif not made.rejected:
            made.rejected = name if made.order("reject", DECIDER, name, "suspicious").done else ""
    assert made.approved and made.rejected
    made.run = run_once(made.settings, suites=False)
    assert made.run.green and made.run.publish is not None, made.run.build
    yield made
    shutil.rmtree(root, ignore_errors=True)


def test_one_run_brings_every_event_of_the_store_into_the_audit_trail_once(home: Home):
    found = home.rows("select seq, hash from compliance.fct_audit_events where seq is not null order by seq")
    end = head(home.settings)
    assert [row["seq"] for row in found] == list(range(1, end.seq + 1))
    assert found[-1]["hash"] == end.hash


def test_request_refusal_claim_checks_and_decision_are_one_walk(home: Home):
    walk = home.rows(
        """
        select event_type, actor_id, actor_role, rule_version from compliance.fct_audit_events where correlation_id = $1
        order by occurred_at, seq nulls first
        """,
        home.approved,
    )
    kinds = [row["event_type"] for row in walk]
    orders = [kind for kind in kinds if not kind.startswith("risk_check.")]
    assert orders == ["withdrawal.requested", "approval.refused", "approval.claimed", "withdrawal.approved"]
    ours = [row for row in walk if row["actor_id"] == "daybook"]
    assert len(ours) == 11 and walk[-1 - len(ours) : -1] == ours, (
        "our checks stand right before the decision they ran in"
    )
    assert (walk[-1]["actor_id"], walk[-1]["actor_role"], walk[-1]["rule_version"]) == (
        DECIDER,
        "payments",
        "withdrawal-1",
    )


def test_a_decision_that_comes_back_twice_counts_once(home: Home):
    found = home.rows(
        """
        select subject_id, decision, actor_id, actor_role, policy_version, step, seq is not null as sealed, publish_id
        from compliance.fct_decisions where subject_id in ($1, $2) order by decision
        """,
        home.approved,
        home.rejected,
    )
    said = {"actor_id": DECIDER, "actor_role": "payments", "policy_version": "withdrawal-1", "step": 1, "sealed": True}
    said |= {"publish_id": found[0]["publish_id"]}
    assert found == [
        {"subject_id": home.approved, "decision": "approved"} | said,
        {"subject_id": home.rejected, "decision": "rejected"} | said,
    ]
    words = "select count(*) as events from compliance.fct_audit_events where correlation_id = $1 and event_type like '%.approved'"
    assert home.rows(words, home.approved) == [{"events": 1}]


def test_our_checks_name_the_decision_they_ran_in(home: Home):
    found = home.rows(
        """
        select checks.check_name, checks.result, decisions.decision
        from compliance.fct_checks as checks inner join compliance.fct_decisions as decisions using (decision_id)
        where checks.subject_id = $1 and checks.system = 'daybook'
        """,
        home.approved,
    )
    assert {"balance", "sanctions", "return_to_source", "approver_limit"} < {row["check_name"] for row in found}
    assert {(row["result"], row["decision"]) for row in found} == {("pass", "approved")}


def test_the_withdrawals_are_decided_by_us_and_no_control_failed(home: Home):
    columns = "request_id, decision, decided_by, decision_reason, status, kyc_status_at_decision"
    asked = f"select {columns} from operations.fct_withdrawals where request_id in ($1, $2) order by decision"
    same = {"decided_by": DECIDER, "kyc_status_at_decision": "APPROVED"}
    yes = {
        "request_id": home.approved,
        "decision": "approved",
        "decision_reason": "checks_passed",
        "status": "approved",
    }
    no = {"request_id": home.rejected, "decision": "rejected", "decision_reason": "suspicious", "status": "rejected"}
    assert home.rows(asked, home.approved, home.rejected) == [yes | same, no | same]
    passed = home.rows("select checks_passed from operations.fct_withdrawals where request_id = $1", home.approved)
    assert passed == [{"checks_passed": True}]
    failed = "select control from compliance.fct_control_failures where subject_id in ($1, $2)"
    assert home.rows(failed, home.approved, home.rejected) == []


def test_the_money_of_a_rejected_request_is_back_in_the_wallet(home: Home):
    posted = """
        select entries.source_key, sum(lines.amount) filter (where lines.account_code = '2010')::int as wallet
        from finance.fct_postings as lines inner join finance.fct_journal_entries as entries using (entry_id)
        where entries.source_key in (
            select split_part(event_id, ':', 2) from compliance.fct_audit_events where stream = 'payment' and stream_id = $1
        )
        group by all order by wallet
    """
    asked, given_back = (row["wallet"] for row in home.rows(posted, home.rejected))
    assert asked < 0 < given_back == -asked or asked == -given_back != 0


def test_the_queues_history_says_when_it_opened_was_claimed_and_decided(home: Home):
    columns = (
        "state, outcome, closed_by, claims, refusals, due_at > opened_at as due_after, claim_seconds > 0 as claimed"
    )
    asked = f"select {columns} from compliance.fct_approvals where subject_id = $1"
    same = {"closed_by": DECIDER, "due_after": True}
    yes = {"state": "approved", "outcome": "approved", "claims": 1, "refusals": 1, "claimed": True}
    no = {"state": "rejected", "outcome": "rejected", "claims": 0, "refusals": 0, "claimed": None}
    assert home.rows(asked, home.approved) == [yes | same]
    assert home.rows(asked, home.rejected) == [no | same]


def test_the_dossier_names_decider_role_and_our_checks_before_the_decision(home: Home):
    reader = Reader(home.settings)
    found = dossier(reader, "withdrawal", home.approved)
    reader.close()
    decision = found["decision"]
    assert (decision["decision"], decision["decided_by"], decision["role"]) == ("approved", DECIDER, "payments")
    ours = {one["check_name"] for one in found["checks_before"] if one["system"] == "daybook"}
    assert {"balance", "sanctions", "return_to_source"} < ours and found["checks_after"] == []
    kinds = [one["event_type"] for one in found["timeline"] if one["stream"] in ("payment", "approval")]
    assert kinds[-1] == "withdrawal.approved", "a check at the moment of the decision ran before it"
    assert {"approval.claimed", "approval.refused"} < set(kinds) and kinds.count("withdrawal.approved") == 1


def test_decisions_make_nobodys_data_fresher(home: Home, built_home: Settings):
    before = Reader(built_home)
    assert home.run is not None and home.run.publish is not None
    published = home.run.publish.publish
    assert (published.loaded_at, published.latest_event_at) == (
        before.publish.loaded_at,
        before.publish.latest_event_at,
    )
    before.close()


def test_running_again_changes_nothing(home: Home):
    before = fingerprints(home.settings)
    again = run_once(home.settings, suites=False)
    assert again.build is None and again.publish is None and again.files == []
    assert fingerprints(home.settings) == before
