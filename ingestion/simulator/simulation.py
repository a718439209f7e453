"""Runs the generators in order and writes what they made."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ingestion.simulator import accounts as accounts_of
from ingestion.simulator import (
    activity,
    bank,
    client_money,
    crm,
    deposits,
    first_run,
    kyc,
    kyc_cases,
    market,
    network,
    one_sided,
    people,
    requests,
    scenarios_money,
    scenarios_trading,
    settlement,
    trading,
    waiting,
    withdrawals,
)
from ingestion.simulator.breaks import Breaks
from ingestion.simulator.faults import MALFORMED_LINKS, MALFORMED_PSP, MALFORMED_RULES, MALFORMED_TALK, Faults
from ingestion.simulator.output import Writer, recorded_at, three_batches
from ingestion.simulator.stage import Stage, patched, play_deposits, play_kyc, play_sessions, play_trades, truth_of
from ingestion.simulator.withdrawals import refund_plan
from ingestion.simulator.world import DAY, FULL_DETAIL, World

MOST_PARTNERS = 200
"""Unless told: the network that the promises of speed speak of, however many clients there are."""


@dataclass(frozen=True)
class SimulationSummary:
    """What was written: rows per feed, where, for which days, and how long it took."""

    out: Path
    truth: Path
    start: date
    last_day: date
    clients: int
    partners: int
    deals: int
    rows: dict[str, int]
    batches: dict[str, str]
    seconds: float


def simulate(
    out: Path,
    *,
    deals: int = 20_000,
    clients: int | None = None,
    partners: int | None = None,
    days: int = 120,
    seed: int = 1,
    start: date | None = None,
    today: date | None = None,
    truth: Path | None = None,
    progress: Callable[[str], None] | None = None,
    breaks: int | None = None,
) -> SimulationSummary:
    """Writes a broker's feeds to `out/<feed>/` and what was planted to `truth` (out/truth unless told).

    About `deals` deals fall into `days` days, which end yesterday unless `start` says otherwise. Files are named
    for three batches (b1 up to two days before the end, b2, b3): loading them in turn or at once gives the same state.
    The same arguments give the same bytes. `breaks` of each class that a reconciliation knows are planted, with as many
    decoys; unless told one for each 40 000 deals, 25 at most.
    """
    today = today or datetime.now(UTC).date()
    clients = max(clients or deals // 40, 60)
    world = World(
        seed=seed,
        deals=deals,
        clients=clients,
        partners=max(partners or min(clients // 25, MOST_PARTNERS), 24),
        start=start or today - timedelta(days=days),
        days=days,
        runway_days=45 if deals <= FULL_DETAIL else 4,
        drawn_days=days,
        breaks=min(deals // 40_000, 25) if breaks is None else breaks,
    )
    edges, labels = three_batches(world.start_us, world.cut_us)
    writer = Writer(out, truth or out / "truth", edges, labels)
    return _run(world, writer, progress or (lambda _: None))


def append_days(
    out: Path, truth: Path, until: date, progress: Callable[[str], None] | None = None
) -> SimulationSummary | None:
    """Writes the feeds of the days since the last run, up to and with `until`; None when there are none.

    The broker described in `truth/world.json` is generated again with a later cut: its earlier rows come out
    as they were and are left out. Raises ValueError once the days run past the horizon that was drawn at first.
    """
    known = json.loads((truth / "world.json").read_text(encoding="utf-8"))
    before = World(**(known | {"start": date.fromisoformat(known["start"])}))
    added = (until - before.start).days + 1 - before.days
    if added <= 0:
        return None
    if added > before.runway_days:
        raise ValueError(
            f"This simulated broker's life was drawn up to {before.start + timedelta(days=before.days + before.runway_days - 1)}, "
            f"and {until} is later. Start a new one: daybook simulate into an empty home."
        )
    world = replace(before, days=before.days + added, runway_days=before.runway_days - added)
    edges = [before.cut_us + day * DAY for day in range(1, added + 1)]
    labels = [f"d{(before.start + timedelta(days=before.days + day)):%Y%m%d}" for day in range(added)]
    return _run(world, Writer(out, truth, edges, labels, since=before.cut_us), progress or (lambda _: None))


@dataclass(frozen=True)
class Broker:
    """Everything the generators share while one broker is written."""

    world: World
    prices: market.Market
    folk: people.People
    tree: network.Network
    accounts: accounts_of.Accounts
    stage: Stage
    faults: Faults
    breaks: Breaks

    @property
    def writer(self) -> Writer:
        return self.faults.writer


def _run(world: World, writer: Writer, progress: Callable[[str], None]) -> SimulationSummary:
    began = time.monotonic()
    progress("market")
    stage, faults, breaks = Stage(world), Faults(world, writer), Breaks(world, world.breaks)
    faults.cast(stage)
    scenarios_money.plant(stage)
    scenarios_trading.plant(stage)
    waiting.plant(stage)
    breaks.cast(stage)
    prices = market.build_market(world)
    folk = people.build_people(world, stage.entities)
    tree = network.build_network(world, folk)
    for link in stage.links:
        tree.of_client[folk.regular + link["who"]] = int(link["partner"][1:]) - 1
    broker = Broker(world, prices, folk, tree, accounts_of.build_accounts(world, folk), stage, faults, breaks)
    account_of = {int(client): row for row, client in enumerate(broker.accounts.client) if client >= folk.regular}
    off = {account_of[folk.regular + who]: value for who, value in stage.off_balance.items()}
    played = play_trades(stage, prices, folk, broker.accounts)
    outcome = trading.trade(world, prices, folk, broker.accounts, faults, played, off, progress)
    progress("money")
    subjects = _write_money(broker, outcome, progress)
    _write_reference(broker)
    faults.sources.write(writer)
    _write_truth(broker, subjects)
    return SimulationSummary(
        out=writer.out,
        truth=writer.truth,
        start=world.start,
        last_day=world.start + timedelta(days=world.days - 1),
        clients=len(folk.number),
        partners=world.partners,
        deals=outcome.deals,
        rows=writer.rows,
        batches=dict(zip(writer.labels, map(recorded_at, writer.edges), strict=True)),
        seconds=round(time.monotonic() - began, 2),
    )


def _write_money(broker: Broker, outcome: trading.Platform, progress: Callable[[str], None]) -> dict[str, Any]:
    """PSPs, requests, checks, banks, and the clients whose money it is; returns the first run's subjects."""
    world, folk, stage, faults = broker.world, broker.folk, broker.stage, broker.faults
    transfers = pl.concat(outcome.transfers).sort("at", "request_id")
    own_in = deposits.with_details(folk, play_deposits(stage, folk, stage.deposits))
    paid_in = pl.concat([deposits.deposit_plan(world, folk, transfers), own_in], how="diagonal").sort(
        "at", "request_id"
    )
    asked_out = deposits.with_details(folk, play_deposits(stage, folk, stage.withdrawals))
    asked_out = withdrawals.with_decisions(world, broker.prices, asked_out, 1)
    paid_out = pl.concat(
        [withdrawals.withdrawal_plan(world, broker.prices, folk, transfers), asked_out], how="diagonal"
    )
    paid_out = paid_out.sort("at", "request_id")
    refunds = refund_plan(world, broker.prices, folk, paid_in)
    psp, events, settlements = _psp(broker, paid_in, paid_out, refunds)
    faults.sources.holds("psp_transactions", psp)
    subjects: dict[str, Any] = {}
    if faults.batched:
        psp, subjects["corrected_psp"] = first_run.corrected_psp(faults, psp)
        psp = faults.spoilt("psp_transactions", psp, ["psp", "event_id"], MALFORMED_PSP)
    broker.writer.write("psp_transactions", psp, "occurred_at")
    asked = requests.cash_requests(folk, [
        deposits.deposit_requests(paid_in), deposits.transfer_requests(folk, transfers),
        withdrawals.withdrawal_requests(paid_out), withdrawals.withdrawal_requests(refunds).with_columns(request_kind=pl.lit("refund")),
    ])  # fmt: skip
    asked = faults.spoilt(
        "cash_requests",
        broker.breaks.in_requests(asked),
        ["event_id"],
        [("event is not one of the closed set", {"event": "paused"})],
    )
    broker.writer.write("cash_requests", asked, "occurred_at")
    broker.writer.write("risk_checks", withdrawals.risk_checks(paid_out), "ran_at")
    results = pl.concat([
        *outcome.results, deposits.conversions(folk, transfers),
        client_money.recovered(events, paid_in, paid_out, refunds, transfers),
        client_money.fees(pl.Series(values=folk.entity), paid_out), client_money.changes([faults.missing_owed]),
    ], how="vertical_relaxed")  # fmt: skip
    _write_banks(broker, paid_in, paid_out, events, settlements, results)
    progress("clients and partners")
    _write_clients(broker, paid_in, paid_out, pl.concat(outcome.closings), subjects)
    return subjects


def _psp(
    broker: Broker, paid_in: pl.DataFrame, paid_out: pl.DataFrame, refunds: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The PSP feed, the events behind it with their batches, and the settlements."""
    world, folk = broker.world, broker.folk
    events_in = deposits.psp_deposit_events(paid_in)
    regular = events_in.filter(pl.col("client") < folk.regular)
    columns = list(settlement.EVENT_COLUMNS)
    wanted = {row["request_id"]: row for row in broker.stage.disputes}
    planted = events_in.filter(pl.col("request_id").is_in(list(wanted)) & (pl.col("status") == "completed")).sort(
        "request_id"
    )
    terms = [wanted[request] for request in planted["request_id"]]
    own = settlement.dispute_events(
        planted, np.array([row["days"] for row in terms]), np.array([row["lost"] for row in terms])
    )
    given_back = withdrawals.psp_payouts(refunds).with_columns(kind=pl.lit("refund"), original=pl.col("refunds_txn"))
    parts = [events_in, withdrawals.psp_payouts(paid_out), given_back, settlement.disputes(world, regular), own]
    happened = broker.breaks.in_events(pl.concat([part.select(columns) for part in parts]))
    events, settlements = settlement.with_batches(folk, happened, broker.breaks.left_out(happened))
    settlements = broker.faults.in_settlements(settlements)
    taken = [row["settlement_batch_id"] for row in broker.faults.breaks if "settlement_batch_id" in row]
    # a batch whose deposit its PSP will not report differs already
    taken += events.filter(pl.col("client_reference") == broker.faults.missing_deposit)["batch"].drop_nulls().to_list()
    settlements = broker.breaks.in_settlements(settlements, taken)
    whole = pl.concat([events, settlement.settlement_events(settlements)], how="diagonal_relaxed")
    return broker.breaks.in_psp(broker.faults.in_psp(settlement.psp_feed(folk, whole))), events, settlements


def _write_banks(
    broker: Broker, paid_in: pl.DataFrame, paid_out: pl.DataFrame, events: pl.DataFrame, settlements: pl.DataFrame, results: pl.DataFrame,
) -> None:  # fmt: skip
    world, writer, faults = broker.world, broker.writer, broker.faults
    wires = broker.breaks.in_wires(bank.wire_lines(broker.folk, paid_in, paid_out))
    by_psp = events.filter(
        (pl.col("status") == "completed") & pl.col("kind").is_in(["deposit", "withdrawal", "refund"])
    )
    flows = by_psp.select("entity", "currency", day=pl.col("at") // DAY, amount="signed")
    owed = pl.concat([results, flows, wires.select("entity", "currency", "day", "amount")], how="vertical_relaxed")
    settled = broker.breaks.in_settled_lines(bank.settlement_lines(settlements))
    used = sorted(set(settled.select("entity", "currency").iter_rows()))
    sweeps = bank.segregation(wires, owed, faults.skipped_sweep(), broker.breaks.in_sweeps)
    lines = pl.concat([wires, settled, sweeps, bank.running_costs(world, used)])
    more = broker.breaks.more_lines()
    lines = lines if more is None else pl.concat([lines, more], how="diagonal_relaxed")
    lines = bank.statement_lines(faults.in_bank_lines(lines))
    evening = pl.duration(hours=23)
    writer.write("bank_statement_lines", lines, pl.col("booked_on").cast(pl.Datetime("us")) + evening)
    statements = broker.breaks.in_statements(faults.in_statements(bank.statements(world, lines)))
    if world.breaks:
        statements = one_sided.statements(broker.breaks, statements)
    writer.write("bank_statements", statements, pl.col("closed_on").cast(pl.Datetime("us")) + evening)


def _write_clients(
    broker: Broker, paid_in: pl.DataFrame, paid_out: pl.DataFrame, closings: pl.DataFrame, subjects: dict[str, Any]
) -> None:
    world, folk, tree, faults, writer = broker.world, broker.folk, broker.tree, broker.faults, broker.writer
    done = paid_in.filter(pl.col("outcome") == "completed")
    eur = withdrawals.eur_of(
        broker.prices, done["currency"].to_numpy(), done["amount"].to_numpy(), done["at"].to_numpy()
    )
    deposited = np.bincount(done["client"].to_numpy(), weights=eur, minlength=len(folk.number))
    ids = folk.ids.to_list()
    patches = {ids[folk.regular + who]: patch for who, patch in broker.stage.clients.items()}
    clients = patched(people.clients(world, folk, deposited), "client_id", patches)
    wrong = clients.filter(faults.recent("changed_at")).tail(2)
    right = wrong.with_columns(phone=pl.lit("+35799") + pl.col("phone").str.tail(6))
    writer.write(
        "clients",
        faults.corrected("clients", wrong, right, ["client_id", "changed_at"], clients, "phone"),
        "changed_at",
    )
    writer.write("crm_events", crm.events(world, folk, clients), "occurred_at")
    writer.write("leads", people.leads(world, folk, tree.ids(tree.of_client)), "changed_at")
    events = kyc.as_feed(play_kyc(broker.stage, folk, kyc.kyc_events(world, folk)))
    events, cases = kyc_cases.plant(world, folk, events, clients)
    writer.write_truth("kyc_violations", cases)
    links = faults.in_links(network.partner_links(world, folk, tree), tree)
    if faults.batched:
        subjects["late_kyc"] = first_run.late_kyc(faults, folk, events, paid_out)
        subjects["late_link"] = first_run.late_link(faults, folk, tree, links, closings)
    writer.write("kyc_events", events, "occurred_at")
    faults.sources.holds("kyc_events", events)
    writer.write(
        "partner_links",
        faults.spoilt("partner_links", links, ["child_kind", "child_id"], MALFORMED_LINKS),
        "valid_from",
    )
    writer.write("trading_accounts", accounts_of.trading_accounts(world, folk, broker.accounts), "changed_at")
    sessions = pl.concat([activity.sessions(world, folk, paid_in), play_sessions(broker.stage, folk)]).sort(
        "occurred_at", "session_id"
    )
    late = sessions.filter(faults.recent()).head(3)
    writer.write(
        "client_sessions", faults.delayed("client_sessions", sessions, ["session_id"], late, "b3"), "occurred_at"
    )
    writer.write("tickets", activity.tickets(world, folk), "occurred_at")
    talk = faults.spoilt("communications", activity.communications(world, folk), ["communication_id"], MALFORMED_TALK)
    writer.write("communications", talk, "occurred_at")
    owners = {row["partner_id"]: {"client_id": ids[folk.regular + row["who"]]} for row in broker.stage.partners}
    writer.write("partners", patched(network.partners(world, folk, tree), "partner_id", owners), "changed_at")


def _write_reference(broker: Broker) -> None:
    world, writer, folk = broker.world, broker.writer, broker.folk
    at = lambda name: pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC").dt.replace_time_zone(None)  # noqa: E731
    writer.write("symbols", market.symbols(world, accounts_of.PLATFORMS), "valid_from")
    writer.write("fx_rates", market.fx_rates(world, broker.prices), "quoted_at")
    held, opened = bank.bank_accounts(world), bank.opening_balances(world)
    decisions = network.commission_decisions(world, broker.tree)
    if world.breaks:
        held, opened = one_sided.bank_accounts(broker.breaks, held), one_sided.opening_balances(broker.breaks, opened)
        decisions = one_sided.decisions(broker.breaks, decisions)
        writer.write("account_snapshots", one_sided.snapshots(broker.breaks), "captured_at", one_sided.PART)
    writer.write("bank_accounts", held, "valid_from")
    writer.write("opening_balances", opened, pl.col("as_of").str.to_date())
    writer.write("commission_plans", network.commission_plans(world), at("valid_from"))
    rules = broker.faults.spoilt(
        "commission_rules", network.commission_rules(world), ["plan_id", "version", "rule_id"], MALFORMED_RULES
    )
    writer.write("commission_rules", rules, at("valid_from"))
    writer.write("commission_decisions", decisions, at("occurred_at"))
    ids = folk.ids.to_list()
    also_clients = {staff: {"client_id": ids[folk.regular + who]} for staff, who in broker.stage.staff.items()}
    writer.write("staff", patched(activity.staff(world), "staff_id", also_clients), at("changed_at"))
    writer.write("risk_lists", activity.risk_lists(world), at("valid_from"))
    writer.write("period_events", activity.period_events(world), at("occurred_at"))


def _write_truth(broker: Broker, subjects: dict[str, Any]) -> None:
    writer, world = broker.writer, broker.world
    cases = truth_of(broker.stage, broker.folk, broker.accounts)
    writer.write_truth("typologies", [row for row in cases if row["case"].startswith("A")])
    writer.write_truth("control_failures", [row for row in cases if row["case"] == "control_failure"])
    broker.faults.breaks.extend(row for row in cases if row["case"] == "break")
    broker.faults.write_truth()
    if broker.faults.batched:
        broker.faults.sources.write_truth(writer)
    broker.breaks.write_truth(writer, [row for row in cases if row["case"] == "planted_platform"])
    if subjects:
        writer.write_fact("first_run", first_run.facts(world, writer.edges, writer.labels, subjects))
    writer.write_fact("world", asdict(world) | {"start": world.start.isoformat()})
