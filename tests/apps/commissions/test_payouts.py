"""A payout run from its proposal to the decisions that the ledger takes, on a published broker; and who is left out of it, with the reason."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from apps.approvals.chain import new_id
from apps.approvals.decisions import decide
from apps.approvals.desk import open_desk
from apps.approvals.orders import Answer, Desk, Order
from apps.approvals.proposing import ProposalRefused
from apps.approvals.store import reading, writing
from apps.approvals.subject import Subject, find
from apps.commissions.open_balances import payable_on, period_end
from apps.commissions.payouts import Line, propose_run, run_lines
from ingestion.connectors.operations_rows import consequences
from tests.apps.approvals.hand_made import NOW, published
from warehouse.settings import Settings

RUN = {"entity": "CY", "period": "2026-10", "currency": "USD"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return replace(open_desk(published(Settings(home=tmp_path_factory.mktemp("runs")))), clock=lambda: NOW)


@pytest.fixture(scope="module")
def lines(desk: Desk) -> dict[str, Line]:
    return {line.partner_id: line for line in run_lines(desk.reader(), "CY", "2026-10", "USD", NOW.date())}


@pytest.fixture(scope="module")
def run(desk: Desk) -> Subject:
    with writing(desk.engine) as connection:
        return propose_run(connection, desk.reader(), "s-part", now=NOW, partners=["p-1", "p-2", "p-3"], **RUN)


def test_a_line_is_what_is_open_cut_to_the_cent_without_what_is_held_or_later(lines: dict[str, Line]) -> None:
    line = lines["p-1"]
    assert (line.amount, line.held, line.held_clients) == (Decimal("100.00"), 30, ("c-case",))
    assert (line.holdback, line.release, line.take_back, line.payable) == (10, 40, 20, 110)


def test_who_is_not_paid_is_on_the_list_with_the_reason(lines: dict[str, Line]) -> None:
    assert {one: line.why_not for one, line in lines.items() if line.why_not} == {
        "p-3": "the partner is suspended",
        "p-4": "its plan pays 2026-10 from 2026-12-31 on",
        "p-5": "below the plan's minimum of 20.00 USD",
    }


def test_a_run_names_each_partner_with_amount_release_and_held_clients(run: Subject) -> None:
    assert (run.subject_id, run.amount) == ("CY:2026-10:USD", Decimal("190.00"))
    assert run.facts["lines"] == [
        {"partner_id": "p-1", "amount": "100.00", "release": "40.00", "held_clients": ["c-case"]},
        {"partner_id": "p-2", "amount": "50.00"},
    ]


def give(desk: Desk, actor: str, subject_id: str) -> Answer:
    with reading(desk.engine) as connection:
        seen = find(desk.reader(), connection, "payout_run", subject_id, closed_too=True).shown()
    return decide(
        desk, Order("approve", "payout_run", subject_id, actor, seen=seen, reason_code="checks_passed", key=new_id())
    )


def test_two_others_approve_and_the_decisions_come_back_one_a_partner(desk: Desk, run: Subject) -> None:
    refused = give(desk, "s-part", run.subject_id)
    assert not refused.done
    first, again, second = (give(desk, actor, run.subject_id) for actor in ("s-fin1", "s-fin1", "s-fin2"))
    assert (first.done, again.done, second.done) == (True, False, True)
    with reading(desk.engine) as connection:
        bodies = [json.loads(body) for (body,) in connection.execute(sa.text("select body from events order by seq"))]
    rows = [row for body in bodies for feed, row in consequences(body) if feed == "commission_decisions"]
    told: list[tuple[Any, ...]] = [
        (row["partner_id"], row["event"], row["amount"], row["period"], row["actor_id"]) for row in rows
    ]
    assert told == [
        ("p-1", "approved", "100.00", "2026-10", "s-fin2"),
        ("p-1", "released", "40.00", "2026-10", "s-fin2"),
        ("p-2", "approved", "50.00", "2026-10", "s-fin2"),
    ]


def test_nothing_to_pay_is_no_proposal(desk: Desk) -> None:
    with writing(desk.engine) as connection, pytest.raises(ProposalRefused, match="does not state lines"):
        propose_run(connection, desk.reader(), "s-part", now=NOW, **{**RUN, "currency": "CHF"})


@pytest.mark.parametrize(
    ("schedule", "day"),
    [
        ("monthly", "2026-11-01"),
        ("monthly+5", "2026-11-06"),
        ("weekly +2", "2026-11-04"),
        ("daily", "2026-11-01"),
        (None, "2026-11-01"),
    ],
)
def test_a_month_is_paid_from_the_day_its_plans_schedule_says(schedule: str | None, day: str) -> None:
    assert payable_on("2026-10", schedule).isoformat() == day


def test_a_period_that_is_no_month_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="write it as 2026-10"):
        period_end("October")
