"""Partners: the tree that changes over time, who introduced which client, and the plans they are paid by."""

import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ingestion.simulator.people import People
from ingestion.simulator.world import DAY, ENTITIES, HOUR, SECOND, Ints, World, iso, numbered, pick, reference, times

RANKS = ("bronze", "silver", "gold", "diamond")


@dataclass(frozen=True)
class Network:
    """One element per partner: its parent (an earlier partner, or -1), depth from 1, and plan; one per client: its partner."""

    parent: Ints
    depth: Ints
    plan: list[str]
    since: Ints
    of_client: Ints

    def ids(self, rows: Ints) -> pl.Series:
        return pick(numbered("P", np.arange(1, len(self.parent) + 1), 4).to_list(), rows)


def build_network(world: World, people: People) -> Network:
    """Draws a tree whose longest branch has at least eight partners, however few there are."""
    rng = world.rng("network")
    n = world.partners
    roots = max(3, n // 14)
    parent = np.full(n, -1, dtype=np.int64)
    depth = np.ones(n, dtype=np.int64)
    spine = min(9, n - roots)
    for child in range(roots, n):
        on_spine = child < roots + spine
        options = np.flatnonzero(depth[:child] < 9)
        parent[child] = child - 1 if on_spine and child > roots else (0 if on_spine else rng.choice(options))
        depth[child] = depth[parent[child]] + 1
    families = reference("plans")["families"]
    family_of_root = rng.choice(len(families), roots, p=[family["weight"] for family in families.values()])
    family_of_root[:3] = (2, 0, 1)  # the long branch earns by difference; levels are never missing
    plan = []
    for partner in range(n):
        root = partner
        while parent[root] >= 0:
            root = parent[root]
        by_depth = list(families.values())[family_of_root[root]]["by_depth"]
        plan.append(by_depth[min(depth[partner], len(by_depth)) - 1])
    appetite = rng.lognormal(0, 0.8, n)
    introduced = rng.choice(n, len(people.number), p=appetite / appetite.sum())
    return Network(
        parent=parent,
        depth=depth,
        plan=plan,
        since=world.start_us - 300 * DAY + np.arange(n) * HOUR,
        of_client=np.where(rng.random(len(people.number)) < 0.78, introduced, -1),
    )


def partners(world: World, people: People, network: Network) -> pl.DataFrame:
    """The partners feed: each partner's first row, and a later one for those that rise in rank or are suspended."""
    rng = world.rng("partners")
    n = len(network.parent)
    own = np.full(n, -1, dtype=np.int64)
    persons = rng.permutation(people.regular)[: n // 3]
    own[: len(persons)] = persons
    spec = reference("people")
    rank = np.clip(4 - network.depth, 0, 3)
    frame = pl.DataFrame({
        "partner_id": network.ids(np.arange(n)), "changed_at": times(network.since),
        "client_id": pick(people.ids.to_list(), rng.permutation(own)),
        "name": pick([f"{name} Partners" for name in spec["last_names"]], rng.integers(0, len(spec["last_names"]), n)),
        "entity": pick(ENTITIES, rng.choice(4, n)), "status": pick(("active",), np.zeros(n, dtype=np.int64)),
        "rank": pick(RANKS, rank), "plan_id": pl.Series(values=network.plan),
        "payout_currency": pick(("USD", "EUR", "GBP"), rng.choice(3, n, p=[0.6, 0.3, 0.1])),
        "payout_method": pick(("wallet", "bank_wire"), rng.choice(2, n)),
    })  # fmt: skip
    later = world.start_us + (rng.random(n) * (world.horizon_us - world.start_us)).astype(np.int64) // SECOND * SECOND
    fate = rng.random(n)
    risen = frame.with_columns(changed_at=times(later), rank=pick(RANKS, np.minimum(rank + 1, 3)))
    gone = frame.with_columns(changed_at=times(later), status=pick(("suspended", "terminated"), rng.choice(2, n)))
    return pl.concat([
        frame, risen.filter(pl.Series(fate < 0.12)), gone.filter(pl.Series((fate > 0.93) & (np.arange(n) > 12))),
    ]).sort("changed_at", "partner_id")  # fmt: skip


def partner_links(world: World, people: People, network: Network) -> pl.DataFrame:
    """The partner_links feed: the tree as it was joined, and how it changed: moved branches, moved and freed clients.

    A branch moves only below an earlier partner, so none of these closes a cycle.
    """
    rng = world.rng("partner_links")
    n = len(network.parent)
    child = np.flatnonzero(network.parent >= 0)
    span = world.horizon_us - world.start_us
    moved = child[(rng.random(len(child)) < 0.08) & (child > 12)]
    target = (rng.random(len(moved)) * np.maximum(moved - 1, 1)).astype(np.int64)
    moved_at = world.start_us + ((0.1 + 0.8 * rng.random(len(moved))) * span).astype(np.int64) // SECOND * SECOND
    client = np.flatnonzero(network.of_client >= 0)
    late = (rng.random(len(client)) < 0.03) & (client < people.regular)
    first_at = people.registered[client] + np.where(late, 45 * DAY, 0)
    switch = client[(rng.random(len(client)) < 0.05) & (client < people.regular)]
    switch_at = people.registered[switch] + (5 + rng.random(len(switch)) * 80).astype(np.int64) * DAY
    switch_to = np.where(rng.random(len(switch)) < 0.2, -1, rng.integers(0, n, len(switch)))
    parts = [
        _links("partner", network.ids(child), network.since[child], network.ids(network.parent[child]), "joined"),
        _links("partner", network.ids(moved), moved_at, network.ids(target), "re-parented"),
        _links("client", people.ids.gather(client), first_at, network.ids(network.of_client[client]), "introduced"),
        _links("client", people.ids.gather(switch), switch_at, network.ids(switch_to), "moved"),
    ]
    return (
        pl.concat(parts)
        .unique(["child_kind", "child_id", "valid_from"], keep="first", maintain_order=True)
        .sort("valid_from", "child_kind", "child_id")
    )


def _links(kind: str, child: pl.Series, at: Ints, parent: pl.Series, reason: str) -> pl.DataFrame:
    return pl.DataFrame({"child_id": child, "valid_from": times(at), "parent_partner_id": parent}).select(
        pl.lit(kind).alias("child_kind"), "child_id", "valid_from", "parent_partner_id",
        pl.lit(reason).alias("reason"), pl.lit("ST-16").alias("actor_id"),
    )  # fmt: skip


def commission_plans(world: World) -> pl.DataFrame:
    """The commission_plans feed; known at `valid_from`, or at the start for plans that are older."""
    rows = [
        {
            "plan_id": plan["plan_id"], "version": plan["version"], "name": plan["name"],
            "distribution": plan["distribution"], "currency": plan["currency"],
            "settings": json.dumps(plan["settings"], sort_keys=True),
            "valid_from": iso(world.start_us + plan["from"] * DAY), "valid_to": None,
        }
        for plan in reference("plans")["plans"]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"valid_to": pl.String})


def commission_rules(world: World) -> pl.DataFrame:
    """The commission_rules feed. A second version of a rule takes over at its `valid_from`; the first stays open."""
    currency = {plan["plan_id"]: plan["currency"] for plan in reference("plans")["plans"]}
    rows = [
        {
            "plan_id": rule["plan_id"], "rule_id": rule["rule_id"], "version": rule.get("version", 1),
            "scheme": rule["scheme"], "level": rule.get("level"), "rank": rule.get("rank"),
            "symbol_group": rule.get("symbol_group"), "symbol": rule.get("symbol"),
            "account_type": rule.get("account_type"), "rate": rule["rate"], "currency": currency[rule["plan_id"]],
            "parameters": json.dumps(rule.get("parameters", {}), sort_keys=True),
            "valid_from": iso(world.start_us + rule.get("from", -400) * DAY), "valid_to": None,
        }
        for rule in reference("plans")["rules"]
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"valid_to": pl.String})


def commission_decisions(world: World, network: Network) -> pl.DataFrame:
    """The commission_decisions feed: finance's monthly word on a partner's period, given outside this system."""
    rng = world.rng("commission_decisions")
    rows = []
    month_end = [day for day in range(world.days + world.runway_days) if _day(world, day).day == 3]
    for day in month_end:
        at = world.start_us + day * DAY + 10 * HOUR
        period = _day(world, day - 5).strftime("%Y-%m")
        for partner in range(0, len(network.parent), 3):
            event = ("approved", "held", "adjusted")[int(rng.choice(3, p=[0.7, 0.2, 0.1]))]
            amount = f"{rng.integers(50, 90_000) / 100:.2f}" if event == "adjusted" else None
            rows.append({
                "event_id": f"CD-{period}-{partner + 1:04d}", "accrual_id": None, "partner_id": f"P{partner + 1:04d}",
                "period": period, "event": event, "amount": amount, "currency": "USD",
                "reason": "monthly_review", "actor_id": "ST-05", "occurred_at": iso(at + partner * SECOND),
            })  # fmt: skip
    text = pl.String
    return pl.DataFrame(rows, schema_overrides={"accrual_id": text}) if rows else _no_decisions()


def _no_decisions() -> pl.DataFrame:
    names = ("event_id", "accrual_id", "partner_id", "period", "event", "amount", "currency", "reason", "actor_id")
    return pl.DataFrame(schema=dict.fromkeys((*names, "occurred_at"), pl.String))


def _day(world: World, day: int) -> date:
    return world.start + timedelta(days=day)
