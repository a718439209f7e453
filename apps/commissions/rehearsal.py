"""The commission engine run over all that is known, in a copy of the warehouse that is thrown away: what would stand, beside what stands.

`recompute` rehearses nothing new and must find no difference; `what_if` rehearses proposed plans and rules.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from apps.pipeline import Source, load
from apps.scratch import scratch_copy
from warehouse.dbt import Dbt
from warehouse.engine import WarehouseError, connect
from warehouse.settings import Settings

Feeds = Mapping[str, Sequence[Mapping[str, Any]]]
ENGINE = (
    "+fct_commission_accruals,path:models/intermediate/partners",
    "+fct_commission_accruals,path:models/marts/partners",
    "fct_commission_zero",
)
"""What is computed anew: the commission models; the deals and all else they read stand as they are."""
KEY = "deal, partner_id, client_id, scheme, side, currency"
STANDING = """
select coalesce(platform || ':' || deal_id, regexp_replace(accrual_id, ':r[0-9]+(:reversal)?$', '')) as deal, partner_id,
    coalesce(client_id, '') as client_id, scheme, coalesce(side, '') as side, currency, max(executed_at) as executed_at,
    arg_max(rule_id, revision) as rule_id, arg_max(rule_version, revision) as rule_version, arg_max(plan_version, revision) as plan_version,
    sum(amount) as amount, sum(amount_usd) as amount_usd
from {database}.partners.fct_commission_accruals where executed_at >= ? and executed_at < ?
group by all having sum(amount) <> 0
"""


@dataclass(frozen=True)
class Rehearsal:
    """The copy of one home, computed anew; `stood` is the database it is compared with."""

    settings: Settings
    stood: Path

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """A query over both: `now` has what stands, the copy what would."""
        with contextlib.closing(connect(self.settings.build_file, self.settings)) as connection:
            connection.execute(f"attach '{self.stood}' as now (read_only)")
            return connection.execute(sql, list(parameters)).pl()

    def differences(self, start: datetime, until: datetime) -> pl.DataFrame:
        """Every deal (or month, or client won), partner, scheme and side of the range whose net differs; empty when nothing does."""
        return self.ask(
            f"""
            with before as ({STANDING.format(database="now")}), after as ({STANDING.format(database="warehouse")})
            select deal, partner_id, client_id, scheme, side, coalesce(after.executed_at, before.executed_at) as executed_at, currency,
                coalesce(before.amount, 0) as stands, coalesce(after.amount, 0) as would_stand,
                coalesce(after.amount, 0) - coalesce(before.amount, 0) as difference,
                coalesce(after.amount_usd, 0) - coalesce(before.amount_usd, 0) as difference_usd,
                before.rule_id as rule_before, before.rule_version as version_before, after.rule_id as rule_after, after.rule_version as version_after
            from before full join after using ({KEY})
            where before.amount is distinct from after.amount or before.rule_id is distinct from after.rule_id
                or before.rule_version is distinct from after.rule_version
            order by executed_at, deal, partner_id, scheme
            """,
            [start, until, start, until],
        )

    def zero_differences(self, start: datetime, until: datetime) -> pl.DataFrame:
        """Deals and partners of the range whose reason to pay nothing differs."""
        reasons = """
            select zeros.platform || ':' || zeros.deal_id as deal, zeros.partner_id, zeros.reason
            from {database}.partners.fct_commission_zero as zeros
            join {database}.trading.fct_deals as deals using (platform, deal_id)
            where deals.executed_at >= ? and deals.executed_at < ?
        """
        return self.ask(
            f"""
            with before as ({reasons.format(database="now")}), after as ({reasons.format(database="warehouse")})
            select deal, partner_id, before.reason as stands, after.reason as would_stand
            from before full join after using (deal, partner_id)
            where before.reason is distinct from after.reason order by all
            """,
            [start, until, start, until],
        )


@contextlib.contextmanager
def rehearse(settings: Settings, propose: Callable[[Settings], Feeds] = lambda _: {}) -> Iterator[Rehearsal]:
    """Computes all commissions anew in a copy, in which the rows that `propose` makes of it are known too; nothing of the home changes.

    Raises WarehouseError in words when nothing is built yet, a row is refused, or the engine fails.
    """
    with scratch_copy(settings, "a rehearsal of commissions") as copy:
        stood = copy.root / "stood.duckdb"
        shutil.copyfile(copy.build_file, stood)
        if feeds := propose(copy):
            _learn(copy, feeds)
        nodes = Dbt(copy).run(["run", "--full-refresh", "--select", *ENGINE])
        if failed := [node for node in nodes if node.failed]:
            raise WarehouseError(f"The commissions could not be computed anew: {failed[0].name}: {failed[0].message}")
        yield Rehearsal(copy, stood)


def _learn(settings: Settings, feeds: Feeds) -> None:
    paths = []
    for feed, rows in feeds.items():
        path = settings.landing / feed / "proposed.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(dict(row), default=_plain) + "\n" for row in rows), encoding="utf-8")
        paths.append(path)
    for outcome in load(settings, Source(paths=tuple(paths), recorded_at=datetime.now(UTC))):
        if outcome.rows_quarantined or outcome.status != "loaded":
            raise WarehouseError(
                f"The proposal is refused: {outcome.rows_quarantined} rows of {outcome.feed} {_why(settings, outcome.feed)}."
            )
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        connection.execute("update control.run set horizon_load_id = (select max(load_id) from raw.loads)")


def _why(settings: Settings, feed: str | None) -> str:
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        rows = connection.execute(
            "select rules from raw.quarantine where feed = ? order by load_id desc limit 1", [feed]
        ).fetchall()
    return f"break the rules: {rows[0][0]}" if rows else "cannot be read"


def _plain(value: object) -> object:
    return (
        str(value) if isinstance(value, Decimal) else value.isoformat() if isinstance(value, datetime) else str(value)
    )
