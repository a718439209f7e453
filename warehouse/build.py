"""Builds the private warehouse: one step a recorded_at, so that a replay of the loads gives the same history."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import duckdb

from warehouse.control import ensure_control, scalar
from warehouse.dbt import Dbt, NodeResult, Progress, project_hash
from warehouse.dictionary import write_dictionary
from warehouse.engine import connect
from warehouse.selection import BACKGROUND, STEPWISE, names, new_rows, tagged, touched, upstream
from warehouse.settings import Settings

MART_SCHEMAS = (
    "core", "trading", "finance", "partners", "compliance", "operations", "growth", "leadership", "quality",
)  # fmt: skip
Scope = Literal["all", "live", "background"]
"""What a build takes on: everything; what must be there within seconds; or what follows it (tag `background`)."""
BUILT_SCHEMAS = ("staging", "intermediate", "seeds", *MART_SCHEMAS)


@dataclass
class BuildOutcome:
    """What a build did. `green` is false when a model failed or a blocking check did; then nothing may be published."""

    run_id: int
    steps: int
    green: bool = True
    seconds: float = 0
    nodes: list[NodeResult] = field(default_factory=list)

    @property
    def checks(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.kind in {"test", "expectation"}]

    @property
    def failures(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.failed]

    @property
    def warnings(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.status == "warn"]


@dataclass(frozen=True)
class Step:
    """The loads of one ingest call: all models see raw up to `horizon` while it is built."""

    horizon: int
    recorded_at: datetime
    feeds: tuple[str, ...]
    followed: bool = True
    """False for a step of the live path: what follows sees its rows at a later one. A replay passes over it likewise."""


@dataclass(frozen=True)
class Plan:
    run_id: int
    steps: list[Step]
    feeds: tuple[str, ...]
    """Whose new rows the last step takes: of every load that is not built yet, or not yet by the models that follow."""
    scope: Scope
    live: bool
    """Only what the new loads touch is built; false builds every model from nothing."""


def nothing_new(settings: Settings) -> bool:
    """True when every load is built with today's models, so that `daybook run` has nothing to do."""
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        ensure_control(connection)
        newest = scalar(connection, "select max(load_id) from raw.loads")
        built = scalar(connection, "select max(horizon_load_id) from control.steps where background_built")
        last = connection.execute(
            "select status, project_hash from control.runs order by run_id desc limit 1"
        ).fetchone()
    return last is not None and last[0] == "green" and last[1] == project_hash() and newest == built


def build(
    settings: Settings,
    *,
    full_refresh: bool = False,
    select: Sequence[str] = (),
    scope: Scope = "all",
    tests: bool = True,
    more_checks: Callable[[duckdb.DuckDBPyConnection], list[NodeResult]] = lambda _: [],
    progress: Progress = lambda _: None,
) -> BuildOutcome:
    """Builds what is new in raw, or all of it with `full_refresh` (also when the models changed). The caller holds the writer slot.

    Every distinct `recorded_at` of the pending loads is a step. All steps but the last run only the models whose history depends
    on what was known when (tag `stepwise`) and what they read; the last one runs every model touched, and the tests. With the scope
    `live` the models of the tag `background` are left for a later call, with the scope `background` only they are built.
    `more_checks` looks at the green build and adds its results to the history.
    """
    started = time.monotonic()
    dbt = Dbt(settings)
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        ensure_control(connection)
        plan = _plan(connection, dbt.project, full_refresh, scope)
    outcome = BuildOutcome(run_id=plan.run_id, steps=len(plan.steps))
    for number, step in enumerate(plan.steps, start=1):
        last = number == len(plan.steps)
        with contextlib.closing(connect(settings.build_file, settings)) as connection:
            _open_step(connection, plan, step)
            chosen = list(select) or _chosen(connection, dbt.parsed(), plan, step, last=last)
        note = f"step {number}/{len(plan.steps)}, known at {step.recorded_at:%Y-%m-%d %H:%M} "
        without = ["--exclude-resource-type", "unit_test", *([] if tests and last else ["test"])]
        if chosen is None or chosen:
            # of a part of the models only those tests can run whose other models are there
            partly = ["--indirect-selection", "buildable"] if select else []
            # a check that also reads what follows waits for it
            later = [] if step.followed else ["--exclude", f"tag:{BACKGROUND}"]
            arguments = ["build", *(["--select", *chosen] if chosen else []), *later, *partly, *without]
            outcome.nodes += dbt.run(arguments, lambda text, note=note: progress(note + text))
        outcome.green = not outcome.failures
        if not outcome.green:
            break
        if not select:
            with contextlib.closing(connect(settings.build_file, settings)) as connection:
                connection.execute(
                    "insert or replace into control.steps values (?, ?, ?, ?, ?)",
                    [step.horizon, step.recorded_at, plan.run_id, last and plan.scope != "live", step.followed],
                )
    if outcome.green:
        with contextlib.closing(connect(settings.build_file, settings)) as connection:
            outcome.nodes += more_checks(connection)
    _record(settings, outcome, partial=bool(select))
    if outcome.green and not select and not plan.live:
        write_dictionary(settings, dbt)
    outcome.seconds = time.monotonic() - started
    return outcome


def _plan(connection: duckdb.DuckDBPyConnection, digest: str, full_refresh: bool, scope: Scope) -> Plan:
    connection.execute("update control.runs set status = 'killed' where status = 'running'")
    built = scalar(connection, "select max(horizon_load_id) from control.steps")
    changed = (
        scalar(connection, "select project_hash from control.runs where status = 'green' order by run_id desc limit 1")
        != digest
    )
    live = built is not None and not changed and not full_refresh
    passed_over: set[int] = set()
    if not live:
        unfollowed = connection.execute("select horizon_load_id from control.steps where not followed").fetchall()
        passed_over = {horizon for (horizon,) in unfollowed}
        _forget(connection)
        scope = "all"
    steps = [] if scope == "background" else _pending(connection, int(str(built)) if live else 0)
    feeds = _feeds(connection, steps, scope)
    *earlier, newest = steps or [_newest(connection)]
    steps = [replace(step, followed=scope == "all" and step.horizon not in passed_over) for step in earlier]
    steps.append(replace(newest, followed=scope != "live"))
    row = connection.execute(
        """
        insert into control.runs
        select coalesce(max(run_id), 0) + 1, ?, null, 'running', ?, ?, ?, null from control.runs
        returning run_id
        """,
        [_now(), not live, steps[-1].horizon, digest],
    ).fetchone()
    assert row is not None
    return Plan(run_id=row[0], steps=steps, feeds=feeds, scope=scope, live=live)


def _pending(connection: duckdb.DuckDBPyConnection, built: int) -> list[Step]:
    rows = connection.execute(
        """
        select max(load_id) as horizon, recorded_at, list(distinct feed order by feed) as feeds
        from (
            -- a call is a run of consecutive loads with one recorded_at
            select *, load_id - row_number() over (partition by recorded_at order by load_id) as call
            from raw.loads where load_id > ?
        ) group by call, recorded_at order by horizon
        """,
        [built],
    ).fetchall()
    return [Step(horizon, recorded_at, tuple(feeds)) for horizon, recorded_at, feeds in rows]


def _newest(connection: duckdb.DuckDBPyConnection) -> Step:
    newest = connection.execute("select max(load_id), max(recorded_at) from raw.loads").fetchone()
    horizon, recorded_at = newest if newest and newest[0] is not None else (0, _now())
    return Step(horizon, recorded_at, ())


def _feeds(connection: duckdb.DuckDBPyConnection, steps: list[Step], scope: Scope) -> tuple[str, ...]:
    if scope == "live":
        return tuple(sorted({feed for step in steps for feed in step.feeds}))
    rows = connection.execute(
        """
        select distinct feed from raw.loads where load_id > coalesce(
            (select max(horizon_load_id) from control.steps where background_built), 0
        ) order by feed
        """
    ).fetchall()
    return tuple(feed for (feed,) in rows)


def _forget(connection: duckdb.DuckDBPyConnection) -> None:
    """A full build starts from raw alone: everything dbt made goes, the check history and the runs stay."""
    for schema in BUILT_SCHEMAS:
        connection.execute(f"drop schema if exists {schema} cascade")
    connection.execute("delete from control.models")
    connection.execute("delete from control.steps")


def _open_step(connection: duckdb.DuckDBPyConnection, plan: Plan, step: Step) -> None:
    published = scalar(connection, "select max(run_id) from control.runs where status = 'green'")
    check_from = int(str(published)) + 1 if plan.live and published is not None else 0
    connection.execute("begin")
    connection.execute("delete from control.run")
    connection.execute(
        "insert into control.run values (?, ?, ?, ?)", [plan.run_id, step.horizon, step.recorded_at, check_from]
    )
    connection.execute("commit")


def _chosen(
    connection: duckdb.DuckDBPyConnection, manifest: Any, plan: Plan, step: Step, *, last: bool
) -> list[str] | None:
    """What dbt is to select in this step; None is everything, an empty list nothing."""
    if not plan.live:
        return None if last else [f"+tag:{STEPWISE}"]
    if last and not plan.feeds:
        return None if plan.scope == "all" else []
    feeds = (*(plan.feeds if last else step.feeds), "loads", "quarantine")
    reached = touched(manifest, feeds, new_rows(connection, step.horizon))
    if not last:
        return names(manifest, reached & upstream(manifest, tagged(manifest, STEPWISE)))
    following = tagged(manifest, BACKGROUND)
    return names(manifest, {"all": reached, "live": reached - following, "background": reached & following}[plan.scope])


def _record(settings: Settings, outcome: BuildOutcome, *, partial: bool) -> None:
    """A run of a selection counts neither as green nor as built: the next run builds what is due."""
    now = _now()
    green = "partial" if partial else "green"
    message = "; ".join(f"{node.name}: {node.message}" for node in outcome.failures)[:2000]
    rows = [
        [
            outcome.run_id,
            node.name,
            node.kind,
            node.relation,
            node.status,
            node.severity,
            node.failures,
            node.message,
            now,
        ]
        for node in outcome.checks
    ]
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        connection.execute("begin")
        if rows:
            connection.executemany("insert into control.check_results values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute(
            "update control.runs set finished_at = ?, status = ?, message = ? where run_id = ?",
            [now, green if outcome.green else "red", message or None, outcome.run_id],
        )
        connection.execute("commit")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
