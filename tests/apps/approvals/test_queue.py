"""The inbox as a read model: what is open, whose it is, until when, and why not."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from apps.approvals import people, queue, subject, tables
from apps.approvals.queue import Filters, QueueRow
from apps.approvals.store import reading, writing
from tests.apps.approvals.hand_made import MARTS, NOW
from tests.apps.approvals.test_checks import decision
from tests.apps.approvals.test_subjects import live, seeded
from tests.apps.dashboard.hand_made import make
from warehouse.reader import Reader
from warehouse.settings import Settings


def inbox(marts: Reader, engine: sa.Engine, viewer: str = "s-fin2", **wanted: Any) -> dict[tuple[str, str], QueueRow]:
    with reading(engine) as connection:
        rows = queue.inbox(marts, connection, people.person(marts, viewer), NOW, Filters(**wanted))
    return {row.key: row for row in rows}


def touch(engine: sa.Engine, marts: Reader, kind: str, name: str, **said: Any) -> None:
    """Live state of a subject, as an order leaves it."""
    with writing(engine) as connection:
        one = subject.find(marts, connection, kind, name)
        connection.execute(sa.insert(tables.subjects), live(one, **said))


GOOD = ("withdrawal", "w-good")


def test_an_untouched_subject_waits_for_its_roles_until_business_hours_are_over(
    marts: Reader, store: sa.Engine
) -> None:
    row = inbox(marts, store)[GOOD]
    assert (row.state, row.version, row.step, row.steps) == ("open", 0, 1, 1)
    assert row.due_at == datetime(2026, 11, 23, 16)  # asked on a Sunday: nine hours of the Monday in Nicosia
    assert row.next == "Waiting for payments or finance, due 2026-11-23 16:00 UTC"
    assert row.may_decide
    assert not row.breached


def test_what_is_unusual_stands_on_the_row(marts: Reader, store: sa.Engine) -> None:
    assert inbox(marts, store)["withdrawal", "w-kyc_status"].subject.unusual == (
        "identification RE_KYC",
        "first withdrawal",
    )
    assert inbox(marts, store)["withdrawal", "w-velocity"].subject.unusual == (
        "more than three times the largest so far",
    )


def test_a_transfer_below_its_limit_asks_nobody_and_is_not_listed(marts: Reader, store: sa.Engine) -> None:
    assert {name for kind, name in inbox(marts, store) if kind == "transfer"} == {"t-good", "t-foreign"}
    with reading(store) as connection:
        all_of_them = {one.subject_id for one in subject.open_subjects(marts, connection, ["transfer"])}
    assert "t-small" in all_of_them


@pytest.mark.parametrize("state", tables.CLOSED_STATES)
def test_what_was_decided_here_a_moment_ago_is_gone_though_the_mart_still_shows_it(
    marts: Reader, store: sa.Engine, state: str
) -> None:
    assert GOOD in inbox(marts, store)
    touch(store, marts, *GOOD, state=state)
    assert GOOD not in inbox(marts, store)


def test_a_case_that_opens_anew_after_its_decision_is_back(marts: Reader, store: sa.Engine) -> None:
    key = ("kyc_case", "c-ready")
    touch(store, marts, *key, state="approved", version=4, updated_at=datetime(2026, 9, 1))
    row = inbox(marts, store, "s-com1")[key]
    assert (row.state, row.version, row.step) == ("open", 4, 1)


def test_a_claim_is_seen_by_all_until_it_runs_out(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, claimed_by="s-pay1", claimed_until=NOW + timedelta(minutes=5))
    touch(store, marts, "withdrawal", "w-margin", claimed_by="s-pay1", claimed_until=NOW)
    rows = inbox(marts, store)
    assert rows[GOOD].claimed_by == "s-pay1"
    assert rows["withdrawal", "w-margin"].claimed_by is None
    assert set(inbox(marts, store, "s-pay1", claimed_by_me=True)) == {GOOD}


def test_take_next_offers_what_is_free_and_decidable_most_urgent_first(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, claimed_by="s-pay1", claimed_until=NOW + timedelta(minutes=5))
    touch(store, marts, "withdrawal", "w-margin", snoozed_until=NOW + timedelta(hours=1))
    touch(store, marts, "withdrawal", "w-velocity", state="info_requested")
    with reading(store) as connection:
        rows = queue.candidates(
            marts, connection, people.person(marts, "s-pay2"), NOW, Filters(types=frozenset({"withdrawal"}))
        )
    offered = [row.subject.subject_id for row in rows]
    assert not {"w-good", "w-margin", "w-velocity", "w-approver_limit"} & set(offered)
    assert len(offered) > 5
    assert [row.due_at for row in rows] == sorted(row.due_at or NOW for row in rows)


def test_a_snoozed_subject_is_out_of_the_queue_until_its_time_and_its_clock_runs_on(
    marts: Reader, store: sa.Engine
) -> None:
    touch(store, marts, *GOOD, snoozed_until=NOW + timedelta(hours=1))
    touch(store, marts, "withdrawal", "w-margin", snoozed_until=NOW)
    rows = inbox(marts, store)
    assert GOOD not in rows
    assert ("withdrawal", "w-margin") in rows
    assert inbox(marts, store, with_snoozed=True)[GOOD].due_at == datetime(2026, 11, 23, 16)


def test_a_half_approved_subject_waits_for_its_next_step_and_not_for_the_same_person(
    marts: Reader, store: sa.Engine
) -> None:
    key = ("break", "b-large")
    with writing(store) as connection:
        one = subject.find(marts, connection, *key)
        connection.execute(sa.insert(tables.subjects), live(one, state="waiting", step=1))
        taken = decision(one, final=False, actor_id="s-fin1", person_key="s-fin1")
        connection.execute(sa.insert(tables.decisions), taken)
    row = inbox(marts, store, "s-fin1b")[key]
    assert row.next.startswith("Waiting for finance or compliance or leadership (step 2 of 2), due ")
    assert row.why_not == ("You took an earlier step of this round as s-fin1; each step is another person's.",)
    assert inbox(marts, store, "s-lead")[key].may_decide


def test_an_escalated_subject_waits_for_the_roles_it_was_escalated_to(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, state="escalated")
    row = inbox(marts, store, "s-pay1")[GOOD]
    assert row.waiting_for == ("finance", "compliance", "mlro")
    assert not row.may_decide
    assert inbox(marts, store, "s-fin2")[GOOD].may_decide


WHY_NOT = [
    ("s-sup", "withdrawal", "w-good", None),
    ("s-left", "withdrawal", "w-good", None),
    ("s-com1", "withdrawal", "w-good", "Step 1 of withdrawal-1 is for payments or finance; your role is compliance."),
    ("s-pay1", "withdrawal", "w-approver_limit", "This is EUR 9,000.00 and your limit is EUR 5,000.00."),
    ("s-pay3", "withdrawal", "w-good", "It concerns a client you are tied to: you are the partner of client c-good"),
    ("s-com1", "break", "b-large", "Step 1 of break_large-1 is for finance; your role is compliance."),
]


@pytest.mark.parametrize(("viewer", "kind", "name", "words"), WHY_NOT)
def test_why_somebody_may_not_decide_is_said_in_words(
    marts: Reader, store: sa.Engine, viewer: str, kind: str, name: str, words: str | None
) -> None:
    row = inbox(marts, store, viewer).get((kind, name))
    if words is None:
        assert row is None  # neither asked, nor escalated to, nor auditing: not even seen
    else:
        assert row is not None
        assert any(said.startswith(words) for said in row.why_not), row.why_not


def test_a_maker_may_not_decide_under_another_account_or_as_the_client(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        seeded(connection, marts, "period_close")  # by s-fin1
    for viewer in ("s-fin1", "s-fin1b"):
        why = inbox(marts, store, viewer)["period_close", "CY:2026-10"].why_not
        assert [said[:26] for said in why] == ["You asked for this yoursel"]
    assert inbox(marts, store, "s-fin2")["period_close", "CY:2026-10"].may_decide


def test_an_expired_request_is_not_executed(marts: Reader, store: sa.Engine) -> None:
    late = NOW + timedelta(days=31)
    with reading(store) as connection:
        rows = queue.inbox(marts, connection, people.person(marts, "s-fin2"), late)
    row = next(row for row in rows if row.key == GOOD)
    assert row.state == "expired"
    assert "is not executed" in row.why_not[0]
    assert next(row for row in rows if row.key == ("break", "b-small")).state == "open"


def test_a_deadline_kept_in_the_store_is_the_one_that_counts(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, due_at=NOW - timedelta(minutes=1))
    assert inbox(marts, store)[GOOD].breached
    assert GOOD in inbox(marts, store, breached=True)
    assert ("withdrawal", "w-margin") not in inbox(marts, store, breached=True)


def test_filters_narrow_and_never_widen(marts: Reader, store: sa.Engine) -> None:
    everything = set(inbox(marts, store, "s-pay1"))
    for wanted in ({"types": frozenset({"refund"})}, {"entities": frozenset({"UK"})}, {"client_id": "c-good"}, {"unusual": True},
                   {"mine_to_decide": True}, {"states": frozenset({"waiting"})}):  # fmt: skip
        assert set(inbox(marts, store, "s-pay1", **wanted)) < everything
    with pytest.raises(subject.NoSuchSubject):
        inbox(marts, store, types=frozenset({"wishes"}))
    assert inbox(marts, store, "s-pay1", entities=frozenset({"ATLANTIS"})) == {}


def test_the_next_shift_sees_what_is_open_claimed_late_and_snoozed(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, claimed_by="s-pay1", claimed_until=NOW + timedelta(minutes=5))
    touch(
        store, marts, "withdrawal", "w-margin", snoozed_until=NOW + timedelta(hours=1), due_at=NOW - timedelta(hours=1)
    )
    with reading(store) as connection:
        shift = queue.handover(marts, connection, people.person(marts, "s-pay2"), NOW)
    assert [row.key for row in shift.claimed] == [GOOD]
    assert [row.key for row in shift.snoozed] == [("withdrawal", "w-margin")]
    assert ("withdrawal", "w-margin") in {row.key for row in shift.breached}
    assert not {GOOD, ("withdrawal", "w-margin")} & {row.key for row in shift.open}


def test_my_requests_say_who_must_act_next_or_how_they_ended(marts: Reader, store: sa.Engine) -> None:
    with writing(store) as connection:
        closed = seeded(connection, marts, "period_close")
        seeded(connection, marts, "published_figure")
        connection.execute(sa.insert(tables.subjects), live(closed, state="rejected"))
        connection.execute(
            sa.insert(tables.decisions), decision(closed, decision="reject", reason_code="figures_disagree")
        )
    with reading(store) as connection:
        mine = queue.my_requests(marts, connection, people.person(marts, "s-fin1b"), NOW)
        others = queue.my_requests(marts, connection, people.person(marts, "s-fin2"), NOW)
    said = {one.subject_type: (one.state, one.says) for one in mine}
    assert said["period_close"] == ("rejected", "Rejected by s-fin2 (figures_disagree) on 2026-11-22 10:01 UTC")
    assert said["published_figure"][0] == "open"
    assert said["published_figure"][1].startswith("Waiting for compliance or finance (step 1 of 2), due ")
    assert others == []


def test_one_subject_alone_looks_as_it_does_in_the_list(marts: Reader, store: sa.Engine) -> None:
    touch(store, marts, *GOOD, claimed_by="s-pay1", claimed_until=NOW + timedelta(minutes=5))
    viewer = people.person(marts, "s-fin2")
    with reading(store) as connection:
        one = subject.find(marts, connection, *GOOD)
        alone = queue.row_of(marts, connection, one, viewer, NOW)
    listed = inbox(marts, store)[GOOD]
    assert alone._replace(subject=listed.subject) == listed


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Five thousand open withdrawals of as many clients."""
    withdrawals = MARTS["operations.fct_withdrawals"]
    clients = MARTS["core.dim_clients"]
    many = {
        "operations.fct_withdrawals": f"""
            {withdrawals} union all select one.*
                replace ('x-' || i as request_id, 'x-' || i as client_id, 100 + i as amount, 'x-' || i as requested_by)
            from ({withdrawals}) as one, range(5000) t (i) where one.request_id = 'w-good'""",
        "core.dim_clients": f"""
            {clients} union all select one.*
                replace ('x-' || i as client_id, i || '@x.example' as email, 'X' || i as last_name)
            from ({clients}) as one, range(5000) t (i) where one.client_id = 'c-good'""",
    }  # fmt: skip
    reader = Reader(make(Settings(home=tmp_path_factory.mktemp("crowded")), MARTS | many))
    yield reader
    reader.close()


def test_five_thousand_open_subjects_are_listed_in_a_fixed_number_of_queries_and_a_third_of_a_second(
    crowded: Reader, store: sa.Engine
) -> None:
    with writing(store) as connection:
        held = [
            live(one, claimed_by="s-pay1", claimed_until=NOW + timedelta(minutes=5))
            for one in subject.open_subjects(crowded, connection, ["withdrawal"])[:2500]
        ]
        connection.execute(sa.insert(tables.subjects), held)
    asked: list[str] = []
    event.listen(store, "before_cursor_execute", lambda *said: asked.append(said[2]))
    viewer, spent = people.person(crowded, "s-fin2"), []
    rows: list[QueueRow] = []
    with reading(store) as connection:
        for _ in range(5):
            asked.clear()
            start = time.process_time()
            rows = queue.inbox(crowded, connection, viewer, NOW)
            spent.append(time.process_time() - start)
    assert len(rows) > 5000
    assert sum(row.claimed_by is not None for row in rows) == 2500
    assert sum((row.subject.amount_eur or Decimal(0)) > 5000 for row in rows) >= 99
    assert len(asked) <= 6
    assert min(spent) < 0.3
