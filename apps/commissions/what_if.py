"""A proposed plan or rate run over past deals before anybody approves it: cost by partner, margin, winners and losers."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import yaml

from apps.commissions.rehearsal import Feeds, Rehearsal, rehearse
from warehouse.engine import WarehouseError, connect
from warehouse.settings import Settings

PLAN = "select * from staging.stg_commission_plans where plan_id = ? and valid_from < ? order by version desc limit 1"
RULE = "select * from staging.stg_commission_rules where plan_id = ? and rule_id = ? and valid_from < ? order by version desc limit 1"
PLAN_FIELDS = ("name", "distribution", "currency")
RULE_FIELDS = ("scheme", "level", "rank", "symbol_group", "symbol", "account_type", "rate", "currency")
EXAMPLE = "rules: [{plan_id: PL-STD, rule_id: R1, rate: 5}]"


class ProposalUnreadable(WarehouseError):
    """The file says nothing that can be tried; the message says what a proposal looks like."""


@dataclass(frozen=True)
class Effect:
    """What a proposal would have changed between `start` and `until`; money in USD at the deals' own rates, cost positive."""

    start: datetime
    until: datetime
    partners: pl.DataFrame
    lines_changed: int
    cost_before: Decimal
    cost_after: Decimal
    revenue: Decimal

    def summary(self) -> dict[str, Any]:
        """The effect in a few figures, as a proposal bears it."""
        changed = self.partners.filter(pl.col("change_usd") != 0)
        return {
            "from": self.start.date().isoformat(), "until": self.until.date().isoformat(), "lines_changed": self.lines_changed,
            "cost_before_usd": str(self.cost_before), "cost_after_usd": str(self.cost_after), "change_usd": str(self.cost_after - self.cost_before),
            "margin_before_usd": str(self.revenue - self.cost_before), "margin_after_usd": str(self.revenue - self.cost_after),
            "winners": changed.filter(pl.col("change_usd") > 0).height, "losers": changed.filter(pl.col("change_usd") < 0).height,
        }  # fmt: skip


def read_proposal(text: str) -> dict[str, list[dict[str, Any]]]:
    """The plans and rules of a proposal in YAML. Raises ProposalUnreadable."""
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProposalUnreadable(
            f"The proposal is no YAML: {str(error).splitlines()[0]}. It looks like: {EXAMPLE}"
        ) from error
    if (
        not isinstance(said, dict)
        or not set(said) <= {"plans", "rules"}
        or not any(said.values())
        or not all(isinstance(rows or [], list) for rows in said.values())
    ):
        raise ProposalUnreadable(f"A proposal holds `plans` or `rules`, each a list. It looks like: {EXAMPLE}")
    for kind, needs in (("plans", ("plan_id",)), ("rules", ("plan_id", "rule_id"))):
        for row in said.get(kind) or []:
            lacking = [name for name in needs if not isinstance(row, dict) or not row.get(name)]
            if lacking:
                raise ProposalUnreadable(f"One of the {kind} lacks {lacking[0]}. It looks like: {EXAMPLE}")
            odd = [name for name in ("settings", "parameters") if not isinstance(row.get(name) or {}, dict)]
            if odd:
                raise ProposalUnreadable(
                    f"The {odd[0]} of {row['plan_id']} must be names with values, as in {{min_hold_seconds: 120}}."
                )
    return {"plans": said.get("plans") or [], "rules": said.get("rules") or []}


def what_if(settings: Settings, proposal: Feeds, start: datetime, until: datetime) -> Effect:
    """The effect of the proposal on the deals from `start` up to `until`. What it does not say of a plan or rule stays as it was at `start`."""
    if until <= start:
        raise ProposalUnreadable(f"The range ends ({until:%Y-%m-%d}) before it begins ({start:%Y-%m-%d}).")
    with rehearse(settings, lambda copy: versions(copy, proposal, start, until)) as rehearsal:
        return _effect(rehearsal, start, until)


def versions(settings: Settings, proposal: Feeds, start: datetime, until: datetime) -> dict[str, list[dict[str, Any]]]:
    """The proposal as rows of the feeds: versions above all that are known, in force from `start` to `until`. Raises ProposalUnreadable."""
    feeds: dict[str, list[dict[str, Any]]] = {}
    for plan in proposal.get("plans", []):
        found = _newest(settings, PLAN, [plan["plan_id"], until])
        if found is None:
            raise ProposalUnreadable(f"There is no plan {plan['plan_id']} before {until:%Y-%m-%d}.")
        settings_now = json.loads(found["settings"] or "{}") | dict(plan.get("settings") or {})
        row = {name: plan.get(name, found[name]) for name in PLAN_FIELDS} | {
            "plan_id": plan["plan_id"],
            "settings": json.dumps(settings_now),
        }
        feeds.setdefault("commission_plans", []).append(row | _in_force(found, start, until))
    for rule in proposal.get("rules", []):
        found = _newest(settings, RULE, [rule["plan_id"], rule["rule_id"], until])
        if found is None and not {"scheme", "rate"} <= set(rule):
            raise ProposalUnreadable(
                f"Rule {rule['rule_id']} of {rule['plan_id']} is new: it must state its scheme and rate."
            )
        before = found or dict.fromkeys(RULE_FIELDS)
        parameters = json.loads((found or {}).get("parameters") or "{}") | dict(rule.get("parameters") or {})
        row = {name: rule.get(name, before[name]) for name in RULE_FIELDS}
        row |= {
            "plan_id": rule["plan_id"],
            "rule_id": rule["rule_id"],
            "rate": str(row["rate"]),
            "parameters": json.dumps(parameters),
        }
        feeds.setdefault("commission_rules", []).append(row | _in_force(found, start, until))
    return feeds


def _newest(settings: Settings, sql: str, parameters: list[Any]) -> dict[str, Any] | None:
    with contextlib.closing(connect(settings.build_file, settings)) as connection:
        rows = connection.execute(sql, parameters).pl().to_dicts()
    return rows[0] if rows else None


def _in_force(found: Mapping[str, Any] | None, start: datetime, until: datetime) -> dict[str, Any]:
    return {"version": (found["version"] if found else 0) + 1, "valid_from": start, "valid_to": until}


def _effect(rehearsal: Rehearsal, start: datetime, until: datetime) -> Effect:
    partners = rehearsal.ask(
        """
        with before as (
            select partner_id, sum(amount_usd) as cost from now.partners.fct_commission_accruals where executed_at >= ? and executed_at < ? group by 1
        ), after as (
            select partner_id, sum(amount_usd) as cost from partners.fct_commission_accruals where executed_at >= ? and executed_at < ? group by 1
        ), partners as (select partner_id, arg_max(name, changed_at) as name from staging.stg_partners group by 1)
        select partner_id, partners.name, coalesce(before.cost, 0) as cost_usd, coalesce(after.cost, 0) as would_cost_usd,
            coalesce(after.cost, 0) - coalesce(before.cost, 0) as change_usd
        from before full join after using (partner_id) left join partners using (partner_id)
        order by abs(change_usd) desc, partner_id
        """,
        [start, until, start, until],
    )
    revenue = rehearsal.ask(
        """
        select coalesce(sum(coalesce(days.spread_usd, 0) - ((if(days.book = 'B', days.trade_profit, 0) + days.trade_swap + days.trade_commission)
            ::decimal(28, 8) * coalesce(rates.rate_to_usd, 0)::decimal(18, 8))::decimal(38, 8)), 0) as revenue
        from trading.fct_account_daily as days
        left join intermediate.int_fx_usd_days as rates on days.currency = rates.currency and days.day = rates.day
        where days.day >= ? and days.day < ? and days.deals > 0 and not days.is_demo and not days.is_test
            and days.client_id in (select client_id from now.partners.fct_commission_accruals)
        """,
        [start, until],
    )["revenue"][0]
    cost, would_cost = (sum(partners[name].to_list(), Decimal(0)) for name in ("cost_usd", "would_cost_usd"))
    return Effect(
        start, until, partners, rehearsal.differences(start, until).height, cost, would_cost, Decimal(revenue)
    )
