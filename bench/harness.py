"""`daybook bench`: a broker is simulated, loaded, built, published and added to in a home of its own; every figure is a ratio."""

import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from apps.dossier import dossier
from apps.pipeline import build_and_publish, run_once
from bench.chain import measured_chain
from bench.ingestion import measured_ingestion
from bench.limit import PARTS, Spent, disagreements, run_limit
from bench.new_deals import write_new_deals
from bench.pages import p95, page_times
from ingestion.simulator import simulate
from warehouse.build import BuildOutcome, build
from warehouse.dbt import Dbt
from warehouse.engine import WarehouseError, make_home
from warehouse.publish import publish
from warehouse.reader import Reader
from warehouse.selection import upstream
from warehouse.settings import Settings
from warehouse.slot import writer_slot

Report = dict[str, Any]
Progress = Callable[[str], None]

CLIENTS_PER_DEAL, CLIENTS_PER_PARTNER = 1 / 100, 500
NEW_DEALS = 1_000
DOSSIERS = 60
RESULTS = {
    "deals": ("fct_deals",),
    "commissions": ("fct_commission_accruals", "fct_commission_zero"),
    "ledger": ("fct_journal_entries", "fct_postings", "fct_client_balances_daily", "fct_trial_balance"),
    "audit": ("fct_audit_events", "fct_kyc_status"),
}
"""The marts of each part. A model counts to the first part that needs it."""


def bench(deals: int, progress: Progress = lambda _: None, *, memory_limit: str = "4GB") -> Report:
    """Measures one size from nothing; the home is removed afterwards. Seconds are wall clock, sizes bytes."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        settings = Settings(home=Path(folder), memory_limit=memory_limit)
        make_home(settings)
        progress(f"simulating {deals} deals")
        clients = max(round(deals * CLIENTS_PER_DEAL), 60)
        partners = max(clients // CLIENTS_PER_PARTNER, 24)
        simulate(settings.landing, truth=settings.truth, deals=deals, clients=clients, partners=partners, breaks=0)
        report: Report = {"deals": deals, "machine": _machine(), "memory_limit": memory_limit}
        dbt = Dbt(settings)

        def said(found: Report) -> Report:
            progress(json.dumps(found))  # a later part may fail, and a large size takes long
            return found

        report |= said(measured_ingestion(settings, progress))
        report |= said(_parsed(dbt))
        report |= said(_built(settings, dbt, progress))
        report |= said(_published(settings, report["limit_seconds"], progress))
        report |= said(_increment(settings, progress))
        report |= said({"dossier_p95_ms": _dossier_p95(settings, progress)})
        report |= said(_paged(settings, progress))
        progress("the audit chain")
        report |= said({"chain": measured_chain(max(deals // 10, 1_000))})
        return report | {"peak_memory": _peak_memory()}


def _parsed(dbt: Dbt) -> Report:
    spent = Stopwatch()
    dbt.parsed()
    return {"imports_and_parse_seconds": round(spent.stop().seconds, 2)}


def _built(settings: Settings, dbt: Dbt, progress: Progress) -> Report:
    """The first build of everything with tests off, and the limit of the four parts in the same run."""
    clock = NodeClock(progress)
    with writer_slot(settings, "bench"):
        outcome = build(settings, tests=False, progress=clock)
        if not outcome.green:
            raise WarehouseError(f"The build is red: {[(node.name, node.message) for node in outcome.failures]}.")
        took = clock.stop(outcome)
        progress("the limit")
        by_hand = settings.root / "limit.duckdb"
        limit = run_limit(settings, by_hand)
        differing = disagreements(settings, by_hand)
        by_hand.unlink()
    parts = parts_of(dbt)
    built = {part: _sum([spent for name, spent in took.items() if parts.get(name) == part]) for part in PARTS}
    whole, all_of_limit = _sum([*built.values(), took["startup"]]), _sum(list(limit.values()))
    slowest = sorted(((name, spent) for name, spent in took.items() if name in parts), key=lambda one: -one[1].seconds)
    return {
        "disagreements": differing,
        "limit_seconds": round(all_of_limit.seconds, 2),
        "build_seconds": round(whole.seconds, 2),
        "ratio_to_limit": round(whole.seconds / all_of_limit.seconds, 2),
        "limit_cpu_seconds": round(all_of_limit.cpu_seconds, 2),
        "build_cpu_seconds": round(whole.cpu_seconds, 2),
        "ratio_to_limit_cpu": round(whole.cpu_seconds / all_of_limit.cpu_seconds, 2),
        "build_of_every_mart_seconds": round(outcome.seconds, 2),
        "sections": {part: _compared(built[part], limit[part]) for part in PARTS},
        "slowest_models": {name: round(spent.seconds, 2) for name, spent in slowest[:20]},
        "slowest_models_cpu": {name: round(spent.cpu_seconds, 2) for name, spent in slowest[:20]},
    }


def _published(settings: Settings, limit_seconds: float, progress: Progress) -> Report:
    progress("the first publish")
    with writer_slot(settings, "bench"):
        done = publish(settings)
    assert done is not None
    return {
        "publish_seconds": round(done.seconds, 2),
        "publish_ratio_to_limit": round(done.seconds / limit_seconds, 2),
    }


def _increment(settings: Settings, progress: Progress) -> Report:
    """New deals arrive as one file while a warm dbt is held, as `run --watch` does, and what follows is built after. The second arrival counts."""
    outcomes, took, followed = [], Spent(0, 0), Spent(0, 0)
    for arrival in ("first", "second"):
        progress(f"{NEW_DEALS} new deals, the {arrival} time")
        write_new_deals(settings, NEW_DEALS, arrival)
        spent = Stopwatch()
        outcomes.append(run_once(settings, scope="live", suites=False))
        took, spent = spent.stop(), Stopwatch()
        after = build_and_publish(settings, scope="background", suites=False)
        followed = spent.stop()
        if not outcomes[-1].green or outcomes[-1].publish is None:
            raise WarehouseError(f"The {arrival} increment was not published: {outcomes[-1].build}")
    built, published = outcomes[-1].build, outcomes[-1].publish
    assert built is not None and published is not None and after.build is not None
    models = [node for node in built.nodes if node.kind == "model"]
    tests = [node for node in built.nodes if node.kind == "test"]
    return {
        "increment_seconds": round(took.seconds, 2),
        "increment_cpu_seconds": round(took.cpu_seconds, 2),
        "background_seconds": round(followed.seconds, 2),
        "background_cpu_seconds": round(followed.cpu_seconds, 2),
        "increment": {
            "build_seconds": round(built.seconds, 2),
            "publish_seconds": round(published.seconds, 2),
            "models": len(models),
            "models_seconds": round(sum(node.seconds for node in models), 2),
            "tests": len(tests),
            "tests_seconds": round(sum(node.seconds for node in tests), 2),
            "published_whole": published.fell_back,
            "rows_published": published.rows_written,
            "slowest": _slowest(built),
        },
        "background_slowest": _slowest(after.build),
    }


def _slowest(built: BuildOutcome) -> dict[str, float]:
    nodes = sorted(built.nodes, key=lambda node: -node.seconds)[:20]
    return {f"{node.kind} {node.name}": node.seconds for node in nodes}


def _dossier_p95(settings: Settings, progress: Progress) -> float:
    """Milliseconds of a warm reader, over withdrawals spread evenly by id."""
    progress("dossiers")
    reader = Reader(settings, threads=1)  # as the command line opens it
    requests = reader.query(
        "select request_id from operations.fct_withdrawals order by hash(request_id) limit ?", [DOSSIERS]
    )
    times = []
    for (request_id,) in requests.iter_rows():
        started = time.perf_counter()
        dossier(reader, "withdrawal", request_id)
        times.append((time.perf_counter() - started) * 1000)
    reader.close()
    return round(statistics.quantiles(times[1:], n=20)[-1], 1)


def _paged(settings: Settings, progress: Progress) -> Report:
    times = page_times(settings, progress)
    medians = {page: round(statistics.median(found), 1) for page, found in times.items()}
    return {"page_p95_ms": p95(times), "page_median_ms": medians}


def parts_of(dbt: Dbt) -> dict[str, str]:
    """Each model and seed that the four results need, by name, and the part it counts to."""
    manifest = dbt.parsed()
    ids = {node.name: unique_id for unique_id, node in manifest.nodes.items()}
    parts: dict[str, str] = {}
    for part in PARTS:
        for unique_id in upstream(manifest, [ids[name] for name in RESULTS[part]]):
            parts.setdefault(manifest.nodes[unique_id].name, part)
    return parts


class Stopwatch:
    """Wall clock and CPU from its making to its stop."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def stop(self) -> Spent:
        return Spent(time.monotonic() - self._wall, time.process_time() - self._cpu)


class NodeClock:
    """A build's progress that notes when each node starts: a node's time runs to the start of the next, dbt's own work included."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._starts = [("startup", time.monotonic(), time.process_time())]

    def __call__(self, text: str) -> None:
        self._starts.append((text.rsplit(".", 1)[-1], time.monotonic(), time.process_time()))
        self._progress(text)

    def stop(self, outcome: BuildOutcome) -> dict[str, Spent]:
        """What each node took, by name; `startup` is what came before the first."""
        took = {
            name: Spent(after[1] - wall, after[2] - cpu)
            for (name, wall, cpu), after in zip(self._starts, self._starts[1:], strict=False)
        }
        last = self._starts[-1][0]  # after it comes the build's own record
        took[last] = Spent(next((node.seconds for node in outcome.nodes if node.name == last), 0), 0)
        return took


def _sum(spent: list[Spent]) -> Spent:
    return Spent(sum(one.seconds for one in spent), sum(one.cpu_seconds for one in spent))


def _compared(built: Spent, limit: Spent) -> Report:
    return {
        "limit_seconds": round(limit.seconds, 2),
        "build_seconds": round(built.seconds, 2),
        "ratio": round(built.seconds / limit.seconds, 2),
        "limit_cpu_seconds": round(limit.cpu_seconds, 2),
        "build_cpu_seconds": round(built.cpu_seconds, 2),
        "ratio_cpu": round(built.cpu_seconds / limit.cpu_seconds, 2),
    }


def _machine() -> Report:
    return {
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "load_average_before": round(os.getloadavg()[0], 1),
    }


def _peak_memory() -> int:
    """Bytes the bench's own process held at most, simulator and loader included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
