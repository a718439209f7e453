"""SIGKILL between any two steps of an order, or at any moment, loses nothing and doubles nothing."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.event

from apps.approvals import outbox, tables
from apps.approvals.decisions import decide
from apps.approvals.orders import Desk, Order
from apps.approvals.soundness import payload
from apps.approvals.store import _engine
from apps.approvals.verify import verify
from tests.apps.approvals.office import Office, office, withdrawal


def deliver(connection: sa.Connection, subject: Any, row: dict[str, Any]) -> None:
    """One row for the outside, as the outbox writes it."""
    outbox.put(connection, "psp", "withdrawal.approved", payload(row, subject.facts.get("lines")))


def walk(made: Office, subject_id: str) -> list[Order]:
    """Claimed, approved by one, approved by another: three orders with keys and versions of their own."""
    made.ask(withdrawal(subject_id, amount=20_000))
    steps = (("claim", "pay1"), ("approve", "pay1"), ("approve", "fin1"))
    return [
        made.order(action, actor, subject_id, key=f"{subject_id}-{number}", version=number)
        for number, (action, actor) in enumerate(steps)
    ]


def desk_of(made: Office, engine: sa.Engine) -> Desk:
    return replace(made.desk, engine=engine, deliver=deliver)


def forked(work: Callable[[], None], kill_after: float | None = None) -> int:
    """Runs the work in a process of its own, killed after so many seconds; gives the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def counting(engine: sa.Engine, at: int) -> list[int]:
    """Counts begins, statements, commits and returns to the pool; kills this process at the step `at` (0: never)."""
    passed = [0]

    def step(*_: Any) -> None:
        passed[0] += 1
        if passed[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    for target, name in (
        (engine, "begin"),
        (engine, "after_cursor_execute"),
        (engine, "commit"),
        (engine.pool, "checkin"),
    ):
        sqlalchemy.event.listen(target, name, step)
    return passed


def own_engine(made: Office) -> sa.Engine:
    """A new engine: a connection must not cross a fork."""
    return _engine.__wrapped__(made.engine.url.render_as_string(hide_password=False), os.getpid())


def assert_done_once(made: Office, subject_id: str) -> None:
    """Whoever was cut off sends the same orders again, and everything stands there once."""
    answers = [decide(desk_of(made, made.engine), order) for order in walk(made, subject_id)]
    assert [answer.done for answer in answers] == [True, True, True], answers
    assert made.live(subject_id)["state"] == "approved"
    where = f"subject_id = '{subject_id}'"
    assert (made.count("decisions", where), made.count("outbox", where), made.count("events", where)) == (2, 1, 3)
    assert made.count("idempotency", f"{tables.idempotency.c.key.name} like '{subject_id}-%'") == 3


@pytest.mark.parametrize("points", [pytest.param(14, id="14"), pytest.param(0, id="all", marks=pytest.mark.soak)])
def test_an_order_killed_between_any_two_steps_is_done_once_when_sent_again(ops_store, points):
    made = office(ops_store)
    probe = own_engine(made)
    passed = counting(probe, 0)
    for order in walk(made, "probe"):
        decide(desk_of(made, probe), order)
    probe.dispose()
    steps = passed[0]
    assert steps > 30
    chosen = random.Random(7).sample(range(1, steps + 1), points) if points else range(1, steps + 1)
    for at in chosen:
        orders = walk(made, f"w{at}")

        def killed(at: int = at, orders: list[Order] = orders) -> None:
            engine = own_engine(made)
            counting(engine, at)
            for order in orders:
                decide(desk_of(made, engine), order)

        assert forked(killed) == signal.SIGKILL, at
        assert verify(ops_store).whole
        assert_done_once(made, f"w{at}")
    assert verify(ops_store).whole


@pytest.mark.parametrize("kills", [pytest.param(4, id="4"), pytest.param(200, id="200", marks=pytest.mark.soak)])
def test_a_process_killed_at_any_moment_leaves_whole_orders_only(ops_store, kills):
    made, rng = office(ops_store), random.Random(kills)
    for number in range(kills):
        subjects = [f"k{number}-{one}" for one in range(40)]
        orders = [order for subject in subjects for order in walk(made, subject)]

        def work(orders: list[Order] = orders) -> None:
            desk = desk_of(made, own_engine(made))
            for order in orders:
                decide(desk, order)

        forked(work, kill_after=rng.uniform(0.03, 0.3))
        assert verify(ops_store).whole
        for subject in subjects:
            live = made.live(subject)
            where = f"subject_id = '{subject}'"
            assert made.count("decisions", where) == (live.get("step", 0))
            assert made.count("events", where) == live.get("version", 0)
            assert made.count("outbox", where) == (live.get("state") == "approved")
        assert_done_once(made, subjects[rng.randrange(5)])
