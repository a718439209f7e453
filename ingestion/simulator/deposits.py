"""Money in: what the transfers to the platform imply for the wallet, and what the PSPs say about it."""

import numpy as np
import polars as pl

from ingestion.simulator.accounts import Accounts
from ingestion.simulator.funding import BALANCE, FIRST, OUT, PLANTED, TOP_UP, Moves
from ingestion.simulator.market import Market
from ingestion.simulator.people import METHODS, People
from ingestion.simulator.world import (
    DAY,
    HOUR,
    MINOR_STEP,
    MINUTE,
    SECOND,
    Ints,
    World,
    numbered,
    pick,
    reference,
    round_up,
)

PSPS = ("adyen", "checkout", "skrill", "trustly", "dlocal", "coinspaid")
PSP_OF = np.array([[0, 0, 1, 1], [2, 2, 2, 2], [3, 3, 3, 4], [5, 5, 5, 5], [-1, -1, -1, -1]])
"""By method (see METHODS) and entity; a wire needs no PSP."""
MARGIN = 0.005
"""What a conversion between wallet and account costs the client."""


def wallet_transfers(
    market: Market, people: People, accounts: Accounts, moves: Moves, references: pl.Series
) -> pl.DataFrame:
    """One row per transfer between wallet and platform: what leaves one side and what reaches the other, in hundredths."""
    rows = np.flatnonzero((moves.action == BALANCE) & np.isin(moves.story, (FIRST, TOP_UP, OUT, PLANTED)))
    account, at = moves.account[rows], moves.at[rows]
    into = moves.amount[rows] > 0
    platform = np.abs(moves.amount[rows])
    wallet_code, code = people.currency[accounts.client[account]], accounts.currency[account]
    mid = market.usd_of_account(code, at) / market.usd_of_account(wallet_code, at)
    rate = np.rint(np.where(into, mid * (1 + MARGIN), mid * (1 - MARGIN)) * 1e8) / 1e8
    step = MINOR_STEP[wallet_code]
    converted = (
        np.where(into, np.ceil(platform * rate / step), np.floor(platform * rate / step)).astype(np.int64) * step
    )
    same = wallet_code == code
    client_rate = np.where(into, np.rint(1e8 / rate), np.rint(rate * 1e8)).astype(np.int64)
    return pl.DataFrame({
        "request_id": references.gather(rows), "client": accounts.client[account], "login": accounts.login[account], "at": at,
        "into": into, "platform_amount": platform, "platform_currency": code, "wallet_amount": np.where(same, platform, converted),
        "wallet_currency": wallet_code, "rate": np.where(same, 0, client_rate), "story": moves.story[rows],
    })  # fmt: skip


def deposit_plan(world: World, people: People, transfers: pl.DataFrame) -> pl.DataFrame:
    """The deposits that pay for the transfers: one before the first, one before each top-up, a few tries that failed.

    Columns: request_id, client, at (completed, or given up), amount in hundredths of currency (a code), method, outcome.
    """
    rng = world.rng("deposits")
    first = (
        transfers.filter(pl.col("story") == FIRST).group_by("client").agg(pl.col("wallet_amount").sum()).sort("client")
    )
    first = pl.concat([first, _never_traded(people, first, rng)]).sort("client")
    client = first["client"].to_numpy()
    spare = np.where(rng.random(len(client)) < 0.12, rng.integers(5, 15, len(client)) * 1000, 0)
    step = 1000 * MINOR_STEP[people.currency[client]]
    amount = round_up(first["wallet_amount"].to_numpy() + spare * MINOR_STEP[people.currency[client]], step)
    top = transfers.filter(pl.col("story") == TOP_UP)
    early = np.flatnonzero(
        people.provisional & (people.approved > 0) & (np.arange(len(people.number)) < people.regular)
    )
    small = (20 + rng.integers(0, 100, len(early))) * 1000
    plan = pl.concat([
        _plan("D", client, people.funded[client], amount, people.method[client]),
        _plan("E", top["client"].to_numpy(), top["at"].to_numpy() - 20 * MINUTE, top["wallet_amount"].to_numpy(),
              people.method[top["client"].to_numpy()], top["request_id"]),
        _plan("W", early, people.registered[early] + 26 * HOUR, small * MINOR_STEP[people.currency[early]],
              np.full(len(early), METHODS.index("bank_wire"))),
    ])  # fmt: skip
    plan = plan.filter(pl.col("at") >= world.start_us)
    failed = plan.filter(pl.Series(rng.random(len(plan)) < 0.14) & (pl.col("method") != METHODS.index("bank_wire")))
    outcome = pick(("declined", "failed", "cancelled"), rng.choice(3, len(failed), p=[0.7, 0.2, 0.1]))
    failed = failed.with_columns(
        request_id="F" + pl.col("request_id"), at=pl.col("at") - 25 * MINUTE, outcome=outcome,
    )  # fmt: skip
    return with_details(people, pl.concat([plan, failed])).sort("at", "request_id")


def _never_traded(people: People, first: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    idle = np.setdiff1d(np.flatnonzero(people.funded > 0), first["client"].to_numpy())
    amount = (people.size_usd[idle] * 30).astype(np.int64) * MINOR_STEP[people.currency[idle]]
    return pl.DataFrame({"client": idle, "wallet_amount": amount})


def _plan(
    prefix: str, client: Ints, at: Ints, amount: Ints, method: Ints, ids: pl.Series | None = None
) -> pl.DataFrame:
    request = numbered(prefix, client + 1) if ids is None else prefix + ids
    return pl.DataFrame(
        {"request_id": request, "client": client, "at": at, "amount": amount, "method": method}
    ).with_columns(outcome=pl.lit("completed"))


def with_details(people: People, plan: pl.DataFrame) -> pl.DataFrame:
    """Adds who pays from where: currency, PSP, instrument, holder and country, unless the plan says otherwise."""
    client, method = plan["client"].to_numpy(), plan["method"].to_numpy()
    usual = {
        "currency": pl.Series(values=people.currency[client]),
        "psp": pick(PSPS, PSP_OF[method, people.entity[client]]),
        "instrument_id": people.instrument(client, method),
        "holder": people.holder(client),
        "country": people.country.gather(client),
    }
    return plan.with_columns(**{
        name: pl.coalesce(name, values) if name in plan.columns else values for name, values in usual.items()
    })  # fmt: skip


def psp_deposit_events(plan: pl.DataFrame) -> pl.DataFrame:
    """PSP status events of the deposits: initiated, authorised where it is a card, and how it ended."""
    plan = plan.filter(pl.col("psp").is_not_null())
    card = METHODS.index("card")
    stages = [
        (plan, "initiated", 4 * MINUTE, 1),
        (plan.filter((pl.col("method") == card) & (pl.col("outcome") != "declined")), "authorised", 1 * MINUTE, 2),
        (plan, None, 0, 3),
    ]
    parts = []
    for rows, status, before, place in stages:
        parts.append(rows.with_columns(
            event_id=pl.col("request_id") + f"-{place}", status=pl.lit(status) if status else pl.col("outcome"),
            at=pl.col("at") - before, psp_txn_id="TX" + pl.col("request_id"), kind=pl.lit("deposit"), direction=pl.lit("in"),
        ))  # fmt: skip
    events = pl.concat(parts)
    fee = fees(events["psp"], events["amount"].to_numpy(), events["currency"].to_numpy(), "deposit")
    return events.with_columns(
        fee=pl.when(pl.col("status") == "completed").then(pl.Series(values=fee)).otherwise(0),
        decline_code=pl.when(pl.col("status") == "declined").then(pl.lit("insufficient_funds")),
        client_reference=pl.col("request_id"),
        original=pl.lit(None, pl.String),
    )


def fees(psp: pl.Series, amount: Ints, currency: Ints, kind: str) -> Ints:
    """What the contract takes, in hundredths: a part of deposits, a fixed sum for payouts and chargebacks."""
    contracts = reference("psps")
    names = psp.to_list()
    fixed_key = {
        "deposit": "fixed",
        "withdrawal": "payout_fee",
        "refund": "payout_fee",
        "chargeback": "chargeback_fee",
    }[kind]
    part = np.array([contracts[name]["fee"] if kind == "deposit" else 0.0 for name in names])
    fixed = np.array([contracts[name][fixed_key] * 100 for name in names])
    step = MINOR_STEP[currency]
    fixed = np.where(currency == 3, fixed * 150, fixed)  # contracts state the fixed part in dollars
    return (np.rint((np.asarray(amount) * part + fixed) / step) * step).astype(np.int64)


def deposit_requests(plan: pl.DataFrame) -> pl.DataFrame:
    """cash_requests events of deposits: asked for, and how it ended."""
    asked = plan.with_columns(
        event=pl.lit("requested"), at=pl.col("at") - 5 * MINUTE, place=pl.lit(1), actor_type=pl.lit("client")
    )
    ended = plan.with_columns(
        event=pl.col("outcome").replace_strict({"completed": "paid", "declined": "failed"}, default=pl.col("outcome")),
        at=pl.col("at") + 5 * SECOND, place=pl.lit(2), actor_type=pl.lit("provider"),
    )  # fmt: skip
    return pl.concat([asked, ended]).with_columns(
        request_kind=pl.lit("deposit"), to_account=pl.lit("wallet"), from_account=pl.lit(None, pl.String),
        event_id=pl.col("request_id") + "-" + pl.col("place").cast(pl.String),
    )  # fmt: skip


def transfer_requests(people: People, transfers: pl.DataFrame) -> pl.DataFrame:
    """cash_requests events of internal transfers: requested, approved by rule, paid when the platform booked it."""
    wallet, login = pl.lit("wallet"), "platform:" + pl.col("login").cast(pl.String)
    into = pl.col("into")
    crossing = pl.col("rate") > 0
    base = transfers.with_columns(
        amount=pl.when(into).then("wallet_amount").otherwise("platform_amount"),
        currency=pl.when(into).then("wallet_currency").otherwise("platform_currency"),
        to_amount=pl.when(crossing).then(pl.when(into).then("platform_amount").otherwise("wallet_amount")),
        to_currency=pl.when(crossing).then(pl.when(into).then("platform_currency").otherwise("wallet_currency")),
        rate=pl.when(crossing).then("rate"),
        from_account=pl.when(into).then(wallet).otherwise(login), to_account=pl.when(into).then(login).otherwise(wallet),
        request_kind=pl.lit("internal_transfer"),
    )  # fmt: skip
    steps = [("requested", 3 * MINUTE, "client"), ("approved", 2 * MINUTE, "system"), ("paid", 0, "system")]
    return pl.concat([
        base.with_columns(
            event=pl.lit(event), at=pl.col("at") - before, place=pl.lit(place), actor_type=pl.lit(actor),
            event_id=pl.col("request_id") + f"-{place}",
        )
        for place, (event, before, actor) in enumerate(steps, 1)
    ])  # fmt: skip


def conversions(people: People, transfers: pl.DataFrame) -> pl.DataFrame:
    """What transfers between currencies change client money by: entity, currency, day, amount, one row a side."""
    crossing = transfers.filter(pl.col("rate") > 0)
    entity = pl.Series(values=people.entity[crossing["client"].to_numpy()])
    sign = pl.when(pl.col("into")).then(1).otherwise(-1)
    return pl.concat([
        crossing.select(
            entity=entity, currency=pl.col(f"{side}_currency"), day=pl.col("at") // DAY,
            amount=pl.col(f"{side}_amount") * sign * (1 if side == "platform" else -1),
        )
        for side in ("platform", "wallet")
    ])  # fmt: skip
