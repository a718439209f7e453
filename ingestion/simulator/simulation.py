"""Runs the generators in order and writes what they made."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ingestion.simulator import accounts as accounts_of
from ingestion.simulator import activity, bank, deposits, kyc, market, network, people, requests, settlement, trading, withdrawals
from ingestion.simulator.funding import Moves
from ingestion.simulator.output import Writer, recorded_at, three_batches
from ingestion.simulator.positions import Positions
from ingestion.simulator.world import DAY, HOUR, World, iso, micros, reference

SMALL = 250_000


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
) -> SimulationSummary:
    """Writes a broker's feeds to `out/<feed>/` and what was planted to `truth` (out/truth unless told).

    About `deals` deals fall into `days` days, which end yesterday unless `start` says otherwise. Files are named
    for three batches (b1 up to two days before the end, b2, b3): loading them in turn or at once gives the same state.
    The same arguments give the same bytes.
    """
    today = today or datetime.now(UTC).date()
    clients = max(clients or deals // 40, 60)
    world = World(
        seed=seed,
        deals=deals,
        clients=clients,
        partners=max(partners or clients // 25, 24),
        start=start or today - timedelta(days=days),
        days=days,
        runway_days=45 if deals <= SMALL else 4,
    )
    edges, labels = three_batches(world.start_us, world.cut_us)
    writer = Writer(out, truth or out / "truth", edges, labels)
    return _run(world, writer, progress or (lambda _: None))


def append_days(out: Path, truth: Path, until: date, progress: Callable[[str], None] | None = None) -> SimulationSummary | None:
    """Writes the feeds of the days since the last run, up to and with `until`; None when there are none.

    The broker described in `truth/world.json` is generated again with a later cut: its earlier rows come out
    as they were and are left out. Raises ValueError once the days run past the horizon that was drawn at first.
    """
    import json

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


def _run(world: World, writer: Writer, progress: Callable[[str], None]) -> SimulationSummary:
    began = time.monotonic()
    progress("market")
    prices = market.build_market(world)
    folk = people.build_people(world, 0)
    tree = network.build_network(world, folk)
    accounts = accounts_of.build_accounts(world, folk)
    nothing = _nothing()
    outcome = trading.trade(world, prices, folk, accounts, writer, nothing, progress)
    transfers = pl.concat(outcome.transfers).sort("at", "request_id")
    progress("money")
    paid_in = _write_money(world, writer, prices, folk, transfers, pl.concat(outcome.results))
    progress("clients and partners")
    _write_clients(world, writer, prices, folk, tree, accounts, paid_in)
    _write_reference(world, writer, prices, folk, tree)
    writer.write_fact("world", asdict(world) | {"start": world.start.isoformat()})
    return SimulationSummary(
        out=writer.out,
        truth=writer.truth,
        start=world.start,
        last_day=world.start + timedelta(days=world.days - 1),
        clients=world.clients,
        partners=world.partners,
        deals=outcome.deals,
        rows=writer.rows,
        batches=dict(zip(writer.labels, map(recorded_at, writer.edges), strict=True)),
        seconds=round(time.monotonic() - began, 2),
    )


def _nothing() -> tuple[Positions, Moves]:
    none = np.zeros(0, dtype=np.int64)
    return Positions(*[none] * 10), Moves(*[none] * 5)


def _write_money(world: World, writer: Writer, prices: market.Market, folk: people.People, transfers: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """PSPs, requests, checks and banks; returns the deposits."""
    paid_in = deposits.deposit_plan(world, folk, transfers)
    paid_out = withdrawals.withdrawal_plan(world, prices, folk, transfers)
    events_in = deposits.psp_deposit_events(folk, paid_in)
    columns = list(settlement.EVENT_COLUMNS)
    events = pl.concat([
        events_in.select(columns), withdrawals.psp_payouts(paid_out).select(columns),
        settlement.disputes(world, events_in).select(columns),
    ])  # fmt: skip
    events, settlements = settlement.with_batches(folk, events)
    whole = pl.concat([events, settlement.settlement_events(settlements)], how="diagonal_relaxed")
    writer.write("psp_transactions", settlement.psp_feed(folk, whole), "occurred_at")
    asked = requests.cash_requests(
        folk, [deposits.deposit_requests(paid_in), deposits.transfer_requests(folk, transfers), withdrawals.withdrawal_requests(folk, paid_out)]
    )
    writer.write("cash_requests", asked, "occurred_at")
    writer.write("risk_checks", withdrawals.risk_checks(folk, paid_out), "ran_at")
    _write_banks(world, writer, folk, paid_in, paid_out, events, settlements, results)
    return paid_in


def _write_banks(
    world: World, writer: Writer, folk: people.People, paid_in: pl.DataFrame, paid_out: pl.DataFrame, events: pl.DataFrame,
    settlements: pl.DataFrame, results: pl.DataFrame,
) -> None:  # fmt: skip
    wires = bank.wire_lines(folk, paid_in, paid_out)
    by_psp = events.filter((pl.col("status") == "completed") & pl.col("kind").is_in(["deposit", "withdrawal", "refund"]))
    flows = by_psp.select("entity", "currency", day=pl.col("at") // DAY, amount="signed")
    owed = pl.concat([results, flows, wires.select("entity", "currency", "day", "amount")], how="vertical_relaxed")
    settled = bank.settlement_lines(settlements)
    used = sorted(set(settled.select("entity", "currency").iter_rows()))
    sweeps = bank.segregation(world, wires, owed, None)
    lines = pl.concat([wires, settled, sweeps, bank.running_costs(world, used)])
    lines = bank.statement_lines(lines.filter(pl.col("day") >= world.start_us // DAY))
    evening = pl.col("booked_on").cast(pl.Datetime("us")) + pl.duration(hours=23)
    writer.write("bank_statement_lines", lines, evening)
    writer.write("bank_statements", bank.statements(world, lines), pl.col("closed_on").cast(pl.Datetime("us")) + pl.duration(hours=23))


def _write_clients(
    world: World, writer: Writer, prices: market.Market, folk: people.People, tree: network.Network,
    accounts: accounts_of.Accounts, paid_in: pl.DataFrame,
) -> None:  # fmt: skip
    done = paid_in.filter(pl.col("outcome") == "completed")
    eur = withdrawals.eur_of(prices, done["currency"].to_numpy(), done["amount"].to_numpy(), done["at"].to_numpy())
    deposited = np.bincount(done["client"].to_numpy(), weights=eur, minlength=len(folk.number))
    writer.write("clients", people.clients(world, folk, deposited), "changed_at")
    writer.write("leads", people.leads(world, folk, tree.ids(tree.of_client)), "changed_at")
    writer.write("kyc_events", kyc.as_feed(kyc.kyc_events(world, folk)), "occurred_at")
    writer.write("trading_accounts", accounts_of.trading_accounts(world, folk, accounts), "changed_at")
    writer.write("client_sessions", activity.sessions(world, folk, paid_in), "occurred_at")
    writer.write("tickets", activity.tickets(world, folk), "occurred_at")
    writer.write("communications", activity.communications(world, folk), "occurred_at")
    writer.write("partners", network.partners(world, folk, tree), "changed_at")
    writer.write("partner_links", network.partner_links(world, folk, tree), "valid_from")


def _write_reference(world: World, writer: Writer, prices: market.Market, folk: people.People, tree: network.Network) -> None:
    at = lambda name: pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC").dt.replace_time_zone(None)  # noqa: E731
    writer.write("symbols", market.symbols(world, accounts_of.PLATFORMS), "valid_from")
    writer.write("fx_rates", market.fx_rates(world, prices), "quoted_at")
    writer.write("bank_accounts", bank.bank_accounts(world), "valid_from")
    writer.write("opening_balances", bank.opening_balances(world), pl.col("as_of").str.to_date())
    writer.write("commission_plans", network.commission_plans(world), at("valid_from"))
    writer.write("commission_rules", network.commission_rules(world), at("valid_from"))
    writer.write("commission_decisions", network.commission_decisions(world, tree), at("occurred_at"))
    writer.write("staff", activity.staff(world), at("changed_at"))
    writer.write("risk_lists", activity.risk_lists(world), at("valid_from"))
    writer.write("period_events", activity.period_events(world), at("occurred_at"))


def first_opened(world: World) -> str:
    assert reference("staff") and micros(world.start) and HOUR
    return iso(world.start_us)
