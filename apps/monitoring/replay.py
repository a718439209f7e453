"""Rules over history: the alert models built again with other parameters in a copy that is thrown away, beside the alerts that stand."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from apps.scratch import scratch_copy
from warehouse.dbt import Dbt
from warehouse.engine import WarehouseError, connect
from warehouse.settings import Settings

MODELS = ("int_scenario_parameters", "fct_rts_legs", "int_matched_positions", "int_alert_hits", "fct_alerts")
"""What the parameters reach, beside the scenarios' views; everything else stands as it was built."""
SHOWN = (
    "scenario", "scenario_version", "client_id", "entity", "window_start", "window_end", "amount_eur", "score", "severity", "status",
    "evidence", "detail", "alert_id", "group_id",
)  # fmt: skip


class RuleUnknown(WarehouseError):
    """A change names what no rule has; the message says what there is."""


@dataclass(frozen=True)
class Change:
    """One parameter set to another value, for one entity or (None) for all."""

    scenario: str
    parameter: str
    value: Decimal
    entity: str | None = None


@dataclass(frozen=True)
class Replay:
    """The alerts of the range that stand, and those that the other rules would have raised. Two are the same finding when scenario and client
    are equal and their windows meet."""

    rules_at: datetime
    changes: tuple[Change, ...]
    start: datetime
    until: datetime
    scenarios: pl.DataFrame
    """scenario with `stands`, `would_stand`, `added` and `gone`: alerts by client."""
    added: pl.DataFrame
    gone: pl.DataFrame

    def summary(self) -> dict[str, Any]:
        """The whole in plain values, as `--json` prints it."""
        return {
            "rules_at": self.rules_at, "from": self.start, "until": self.until,
            "changes": [
                {"scenario": one.scenario, "parameter": one.parameter, "value": str(one.value), "entity": one.entity or "all"}
                for one in self.changes
            ],
            "stands": self.scenarios["stands"].sum(), "would_stand": self.scenarios["would_stand"].sum(),
            "scenarios": self.scenarios.to_dicts(), "added": self.added.to_dicts(), "gone": self.gone.to_dicts(),
        }  # fmt: skip


def read_change(text: str, entity: str | None = None) -> Change:
    """The change that `A01.deposits=4` says. Raises RuleUnknown.

    >>> read_change("A01.deposits=4").value
    Decimal('4')
    """
    name, _, value = text.partition("=")
    scenario, _, parameter = name.strip().partition(".")
    try:
        if not parameter:
            raise InvalidOperation
        return Change(scenario.upper(), parameter, Decimal(value.strip()), entity)
    except InvalidOperation as error:
        raise RuleUnknown(f"“{text}” changes nothing. Write it like A01.deposits=4.") from error


def replay(
    settings: Settings, *, rules_at: datetime, changes: Sequence[Change] = (), start: datetime, until: datetime
) -> Replay:
    """What the rules in force at `rules_at`, with these changes, would have found in all that is known; alerts completed from `start` up to `until`.

    Raises WarehouseError in words when nothing is built yet, RuleUnknown when a change names no parameter. The home is only read.
    """
    with _copy(settings) as (copy, stood):
        with contextlib.closing(connect(copy.build_file, copy)) as connection:
            _state_rules(connection, rules_at, changes)
        nodes = Dbt(copy).run(["run", "--select", *MODELS])
        if failed := [node for node in nodes if node.failed]:
            raise WarehouseError(f"The rules could not be run again: {failed[0].name}: {failed[0].message}")
        with contextlib.closing(connect(copy.build_file, copy)) as connection:
            connection.execute(f"attach '{stood}' as now (read_only)")
            added = _apart(connection, "warehouse", "now", start, until)
            gone = _apart(connection, "now", "warehouse", start, until)
            scenarios = _counted(connection, added, gone, start, until)
    return Replay(rules_at, tuple(changes), start, until, scenarios, added, gone)


@contextlib.contextmanager
def _copy(settings: Settings) -> Iterator[tuple[Settings, Path]]:
    with scratch_copy(settings, "a replay of rules") as copy:
        stood = copy.root / "stood.duckdb"
        with contextlib.closing(connect(copy.build_file, copy)) as connection:
            connection.execute(f"attach '{stood}' as stood")
            connection.execute("create schema stood.compliance")
            try:
                connection.execute("create table stood.compliance.fct_alerts as select * from compliance.fct_alerts")
            except duckdb.CatalogException as error:
                raise WarehouseError("No alerts are built yet. Run `daybook run`.") from error
        yield copy, stood


def _state_rules(connection: duckdb.DuckDBPyConnection, rules_at: datetime, changes: Sequence[Change]) -> None:
    """Leaves in the copy only the parameters in force at the moment, for ever, with the changes."""
    connection.execute(
        """
        create or replace table seeds.scenario_parameters as
        select scenario, entity, version, parameter, value, timestamp '1900-01-01' as valid_from, null::timestamp as valid_to
        from seeds.scenario_parameters where valid_from <= $1 and (valid_to is null or valid_to > $1)
        """,
        [rules_at],
    )
    for change in changes:
        known = connection.execute(
            "select list(distinct parameter order by parameter) from seeds.scenario_parameters where scenario = ?",
            [change.scenario],
        ).fetchone()
        parameters = (known[0] if known else None) or []
        if change.parameter not in parameters:
            said = f"It has: {', '.join(parameters)}." if parameters else "The rules are A01 to A22."
            raise RuleUnknown(f"{change.scenario} has no parameter named {change.parameter}. {said}")
        _change(connection, change)


def _change(connection: duckdb.DuckDBPyConnection, change: Change) -> None:
    entity = change.entity or "all"
    connection.execute(
        """
        insert into seeds.scenario_parameters
        select scenario, $2, version, parameter, value, valid_from, valid_to from seeds.scenario_parameters
        where scenario = $1 and entity = 'all'
            and not exists (select 1 from seeds.scenario_parameters as own where own.scenario = $1 and own.entity = $2)
        """,
        [change.scenario, entity],
    )
    connection.execute(
        """
        update seeds.scenario_parameters
        set value = if(parameter = $3, $4::decimal(38, 8), value), version = if(ends_with(version, '+'), version, version || '+')
        where scenario = $1 and ($2 = 'all' or entity = $2)
        """,
        [change.scenario, entity, change.parameter, str(change.value)],
    )


def _apart(
    connection: duckdb.DuckDBPyConnection, here: str, there: str, start: datetime, until: datetime
) -> pl.DataFrame:
    """The alerts of the range on one side that meet none of the other."""
    return connection.execute(
        f"""
        select {", ".join(f"alerts.{name}" for name in SHOWN)}
        from {here}.compliance.fct_alerts as alerts
        anti join {there}.compliance.fct_alerts as others
            on alerts.scenario = others.scenario and alerts.client_id = others.client_id
            and alerts.window_start <= others.window_end and others.window_start <= alerts.window_end
        where alerts.window_end >= ? and alerts.window_end < ?
        order by alerts.scenario, alerts.window_end, alerts.client_id
        """,
        [start, until],
    ).pl()


def _counted(
    connection: duckdb.DuckDBPyConnection, added: pl.DataFrame, gone: pl.DataFrame, start: datetime, until: datetime
) -> pl.DataFrame:
    counted = """
        select scenario, count(*) as alerts from {database}.compliance.fct_alerts where window_end >= $1 and window_end < $2 group by scenario
    """
    counts = connection.execute(
        f"""
        select scenarios.scenario, scenarios.title, coalesce(stands.alerts, 0) as stands, coalesce(would.alerts, 0) as would_stand
        from seeds.scenarios as scenarios
        left join ({counted.format(database="now")}) as stands using (scenario)
        left join ({counted.format(database="warehouse")}) as would using (scenario)
        order by scenarios.scenario
        """,
        [start, until],
    ).pl()
    for name, frame in (("added", added), ("gone", gone)):
        per_scenario = frame.group_by("scenario").len(name).with_columns(pl.col(name).cast(pl.Int64))
        counts = counts.join(per_scenario, on="scenario", how="left").with_columns(pl.col(name).fill_null(0))
    return counts.sort("scenario")
