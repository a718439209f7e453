"""Deciders that all order at the same moment, from threads or from processes of their own."""

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

from apps.approvals.decisions import decide
from apps.approvals.orders import Answer, Order
from apps.approvals.store import _engine, open_store
from tests.apps.approvals.office import Office, office, staff, withdrawal
from warehouse.settings import Settings

DECIDERS = 50


def crowded(made: Office, subject_id: str, amount: int = 400) -> list[Order]:
    """One subject, and an order on it by each of fifty people: most approve, some reject, all saw the same."""
    made.hire(*(staff(f"p{number}", "payments") for number in range(DECIDERS)))
    made.ask(withdrawal(subject_id, amount=amount))
    return [
        made.order("reject" if number % 7 == 3 else "approve", f"p{number}", subject_id) for number in range(DECIDERS)
    ]


def at_once(work: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Starts every piece of work behind one barrier, each in a thread; gives the answers. An error in one is raised."""
    barrier, answers, errors = threading.Barrier(len(work)), [], []

    def run(one: Callable[[], Answer]) -> None:
        barrier.wait()
        try:
            answers.append(one())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def apart(engine: sa.Engine, count: int = 5) -> list[sa.Engine]:
    """Engines of the same store that know nothing of each other, as those of several processes do: the store itself must part them."""
    url = engine.url.render_as_string(hide_password=False)
    return [_engine.__wrapped__(url, number) for number in range(count)]


def in_processes(settings: Settings, subject_ids: Sequence[str], processes: int) -> list[list[str]]:
    """For each subject the answers' codes (or `done`), ordered from as many processes at once, each with its share of the deciders."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Manager() as manager:
        results = manager.list()
        workers = [
            context.Process(
                target=_work,
                args=(
                    str(settings.home),
                    settings.ops_url.get_secret_value(),
                    list(subject_ids),
                    share,
                    processes,
                    barrier,
                    results,
                ),
            )
            for share in range(processes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert all(worker.exitcode == 0 for worker in workers), [worker.exitcode for worker in workers]
        found = list(results)
    return [[code for subject, code in found if subject == subject_id] for subject_id in subject_ids]


def _work(home, url, subject_ids, share, processes, barrier, results):  # type: ignore[no-untyped-def]
    made = office(open_store(Settings(home=Path(home), ops_url=SecretStr(url))))
    for subject_id in subject_ids:
        mine = crowded(made, subject_id)[share::processes]
        barrier.wait()
        answers = at_once([lambda order=order: decide(made.desk, order) for order in mine])
        results.extend([(subject_id, answer.code or answer.status) for answer in answers])
        barrier.wait()
