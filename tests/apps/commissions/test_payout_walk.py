"""A payout run and a clawback walked from the proposal to the money: review, two approvals, ledger, outbox, paid or failed or returned."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps import pipeline
from apps.approvals import outbox
from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.desk import open_desk
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.store import reading, writing
from apps.approvals.subject import Subject, find, open_subjects
from apps.commissions.payouts import Line, propose_run, run_lines
from tests.dbt.broker import Broker
from tests.dbt.partner_broker import JANUARY, MODELS, SECOND, decided
from tests.dbt.test_commissions import closing
from warehouse.dbt import Dbt
from warehouse.settings import Settings

NOW = datetime(2026, 5, 5, 10)
CLAWED = {"S": "S:C16:USD", "FR": "FR:C20:USD", "RF": "RF:C21:USD"}
"""Approved to be taken back, by partner: a client like the partner, one whose alert was confirmed, one whose deposit was refunded."""
RUN = {"entity": "AU", "period": "2026-01", "currency": "USD"}


@dataclass(frozen=True)
class Walk:
    """What each stage gave, and the home after the last build."""

    home: Broker
    proposed: list[Line]
    answers: list[Answer]
    clawed: list[Answer]
    delivered: list[Any]
    waiting: dict[str, Subject]
    """What waited as a clawback before anybody decided."""


@pytest.fixture(scope="module")
def walk(partner_home: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """In a copy: the run is proposed and approved, a clawback approved, all of it comes back, and the payment system answers."""
    root = tmp_path_factory.mktemp("walk") / "home"
    shutil.copytree(partner_home.settings.root, root)
    settings = Settings(home=root)
    home = Broker(settings, Dbt(settings), files=100)
    desk = replace(open_desk(settings), clock=lambda: NOW)
    proposed = run_lines(desk.reader(), "AU", "2026-01", "USD", NOW.date())
    with reading(desk.engine) as connection:
        waiting = {one.subject_id: one for one in open_subjects(desk.reader(), connection, ["commission_clawback"])}
    with writing(desk.engine) as connection:
        run = propose_run(connection, desk.reader(), "ST-P", now=NOW, **RUN)
    answers = [approve(desk, actor, "payout_run", run.subject_id) for actor in ("ST-P", "ST-F1", "ST-F1", "ST-F2")]
    clawed = [
        approve(desk, actor, "commission_clawback", one) for one in CLAWED.values() for actor in ("ST-F1", "ST-F2")
    ]
    delivered = outbox.deliver_due(desk.engine, settings, NOW + timedelta(hours=1))
    # known from the moment that an earlier run's load stated too
    home.learn(SECOND, deals=[closing(14, 141, lots="1", at=JANUARY)])
    told = [
        *[decided(f"pay-{one}", one, "paid", "2026-05-06T09:00:00", "1080") for one in ("Q1", "Q2", "Q3")],
        decided("fail-Q2", "Q2", "failed", "2026-05-07T09:00:00", "1080"), decided("back-Q3", "Q3", "returned", "2026-05-09T09:00:00", "1080"),
    ]  # fmt: skip
    answered = settings.landing / "commission_decisions" / "answers.jsonl"
    answered.parent.mkdir(parents=True, exist_ok=True)
    answered.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")
    assert {one.status for one in pipeline.load(settings, pipeline.Source())} == {"loaded"}
    home.build(*MODELS, tests=False)
    yield Walk(home, proposed, answers, clawed, delivered, waiting)
    shutil.rmtree(root)


def approve(desk: Desk, actor: str, subject_type: str, subject_id: str) -> Answer:
    with reading(desk.engine) as connection:
        seen = find(desk.reader(), connection, subject_type, subject_id, closed_too=True).shown()
    order = Order("approve", subject_type, subject_id, actor, seen=seen, reason_code="figures_agree", key=new_id())
    return decide(desk, order)


def test_the_run_proposes_what_is_open_less_the_holdback(walk: Walk) -> None:
    assert {line.partner_id: (line.amount, line.holdback, line.payable, line.why_not) for line in walk.proposed} == {
        one: (Decimal(1200), Decimal(120), Decimal(1080), None) for one in ("Q1", "Q2", "Q3")
    }


def test_two_others_approve_and_nobody_twice_or_what_they_proposed(walk: Walk) -> None:
    assert [answer.done for answer in walk.answers] == [False, True, False, True]


def test_the_approved_run_goes_out_by_the_outbox(walk: Walk) -> None:
    assert {one.outcome for one in walk.delivered} == {"delivered"}
    told = [file.read_text(encoding="utf-8") for file in (walk.home.settings.root / "outbox").rglob("*.json")]
    assert any('"payout_run"' in text and '"Q1"' in text for text in told)


def test_paid_failed_and_returned_stand_on_payouts_lines_and_ledger(walk: Walk) -> None:
    payouts = walk.home.rows(
        "select partner_id, status, amount::integer from partners.fct_payouts where partner_id in ('Q1', 'Q2', 'Q3') order by all"
    )
    assert payouts == [
        ("Q1", "paid", 1080), ("Q2", "approved", 1080), ("Q2", "failed", 1080), ("Q3", "approved", 1080), ("Q3", "returned", 1080),
    ]  # fmt: skip
    lines = walk.home.rows(
        "select partner_id, status from partners.fct_commission_accruals where partner_id in ('Q1', 'Q2', 'Q3') order by 1"
    )
    assert lines == [("Q1", "paid"), ("Q2", "payable"), ("Q3", "payable")]
    ledger = walk.home.rows(
        """
        select partner_id, account_code, sum(amount)::integer from finance.fct_postings
        where partner_id in ('Q1', 'Q2', 'Q3') and account_code in ('2060', '2061', '2065') group by all having sum(amount) <> 0 order by all
        """
    )
    assert ledger == [
        ("Q1", "2065", -120),
        ("Q2", "2061", -1080),
        ("Q2", "2065", -120),
        ("Q3", "2061", -1080),
        ("Q3", "2065", -120),
    ]


def test_what_a_flag_undoes_waits_as_a_clawback_by_itself_until_two_approve(walk: Walk) -> None:
    assert {name: one.amount for name, one in walk.waiting.items()} == dict.fromkeys(
        ["H:C12:USD", *CLAWED.values()], 1200
    )
    assert walk.waiting["S:C16:USD"].title == "Commission clawback of 1,200.00 USD from S for client C16: self referral"
    assert walk.waiting["FR:C20:USD"].title == "Commission clawback of 1,200.00 USD from FR for client C20: fraud"
    assert [answer.done for answer in walk.clawed] == [True] * 6


@pytest.mark.parametrize("partner_id", CLAWED)
def test_what_two_approved_is_taken_back_from_lines_and_ledger_and_the_flag_goes(walk: Walk, partner_id: str) -> None:
    taken = walk.home.rows(
        """
        select event, period, amount::integer, actor_id from staging.stg_commission_decisions where partner_id = $1
        union all select status, null, amount::integer, null from partners.fct_commission_accruals where partner_id = $1
        union all select 'owed', null, -sum(amount)::integer, null from finance.fct_postings where partner_id = $1 and account_code = '2060'
        """,
        partner_id,
    )
    assert taken == [
        ("clawed_back", "2026-01", 1200, "ST-F2"),
        ("clawed_back", None, 1200, None),
        ("owed", None, 0, None),
    ]
    assert walk.home.rows("select count(*) from partners.fct_commission_flags where partner_id = ?", partner_id) == [
        (0,)
    ]


def test_two_runs_that_state_the_same_moment_add_up_in_lines_sums_and_ledger(walk: Walk) -> None:
    sides = walk.home.rows(
        """
        select sum(amount)::integer from partners.fct_commission_accruals where partner_id = 'L'
        union all select sum(amount)::integer from intermediate.int_partner_accrual_days where partner_id = 'L'
        union all select -sum(amount)::integer from finance.fct_postings
        where partner_id = 'L' and account_code = '2060' and starts_with(entry_id, 'commission_accruals:')
        """
    )
    assert sides == [(1310,), (1310,), (1310,)]


def test_statement_lines_ledger_and_payouts_agree_after_all_of_it(walk: Walk) -> None:
    walk.home.check("statements_agree_with_lines_ledger_and_payouts")
