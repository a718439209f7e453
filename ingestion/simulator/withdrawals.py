"""Money out: each withdrawal's request, checks, decision and payment."""

import json

import numpy as np
import polars as pl

from ingestion.simulator.deposits import fees, with_details
from ingestion.simulator.funding import OUT
from ingestion.simulator.market import Market
from ingestion.simulator.people import METHODS, People
from ingestion.simulator.world import CURRENCIES, DAY, HOUR, MINUTE, SECOND, Floats, Ints, World, pick

WIRE = METHODS.index("bank_wire")
CHECKS = ("balance", "sanctions", "return_to_source")
APPROVERS = ("system", "ST-09", "ST-07", "ST-08", "ST-06", "ST-05")
SMALL_EUR, LIMITS_EUR = 250, (5_000, 10_000, 100_000)


def withdrawal_plan(world: World, market: Market, people: People, transfers: pl.DataFrame) -> pl.DataFrame:
    """One row per withdrawal: each follows a transfer out of the platform and asks for the same amount.

    Columns: request_id, client, at, amount, currency, method …, outcome, info (was more asked), approver,
    approved_at, sent_at, done_at, fee, checks (how the risk checks went, see `risk_checks`).
    """
    rng = world.rng("withdrawals")
    out = transfers.filter(pl.col("story") == OUT).sort("at", "login")
    client = out["client"].to_numpy()
    n = len(client)
    plan = pl.DataFrame({
        "request_id": "R" + out["request_id"], "client": client,
        "at": out["at"].to_numpy() + (8 + rng.integers(0, 40, n)) * MINUTE,
        "amount": out["wallet_amount"], "method": people.method[client],
    })  # fmt: skip
    wire = plan["method"].to_numpy() == WIRE
    fate = rng.random(n)
    outcome = np.select(
        [fate < 0.06, fate < 0.11, fate < 0.14, (fate < 0.2) & wire],
        ["rejected", "cancelled", "failed", "returned"],
        "paid",
    )
    plan = plan.with_columns(
        outcome=pl.Series(values=outcome.tolist(), dtype=pl.String), info=pl.Series(rng.random(n) < 0.1)
    )
    plan = with_details(people, plan)
    large_enough = plan["amount"].to_numpy() > 10_000 * np.where(plan["currency"].to_numpy() == 3, 100, 1)
    fee = np.where(
        wire & large_enough & (rng.random(n) < 0.5), np.where(plan["currency"].to_numpy() == 3, 70_000, 500), 0
    )
    return with_decisions(world, market, plan.with_columns(fee=pl.Series(values=fee), checks=pl.lit("before")))


def with_decisions(world: World, market: Market, plan: pl.DataFrame, part: int = 0) -> pl.DataFrame:
    """Adds who approved, and when it was approved, sent and done; a plan may already say so."""
    rng = world.rng("decisions", part)
    n = len(plan)
    asked = plan["at"].to_numpy()
    eur = eur_of(market, plan["currency"].to_numpy(), plan["amount"].to_numpy(), asked)
    approver = approver_for(rng, eur)
    by_rule = approver == 0
    wait = np.where(by_rule, 6 * MINUTE, (30 + rng.exponential(300, n)).clip(max=1300).astype(np.int64) * MINUTE)
    wait = np.where(plan["info"].to_numpy(), wait + 24 * HOUR, wait)
    usual = {"approver": pick(APPROVERS, approver), "approved_at": pl.Series(values=asked + wait)}
    plan = plan.with_columns(**{
        name: pl.coalesce(name, values) if name in plan.columns else values for name, values in usual.items()
    })  # fmt: skip
    sent = plan["approved_at"].to_numpy() + 20 * MINUTE
    wire = plan["method"].to_numpy() == WIRE
    done = np.where(
        wire, next_business_day(sent // DAY * DAY + DAY) + 14 * HOUR, sent + rng.integers(20, 400, n) * MINUTE
    )
    return plan.with_columns(sent_at=pl.Series(values=sent), done_at=pl.Series(values=done))


def eur_of(market: Market, currency: Ints, amount: Ints, at: Ints) -> Floats:
    """Euros for hundredths of each currency code at each moment."""
    return amount / 100 * market.usd_of_account(currency, at) / market.usd("EUR", at)


def approver_for(rng: np.random.Generator, eur: Floats) -> Ints:
    """Somebody whose limit covers the amount (codes into APPROVERS); the smallest are decided by rule."""
    draw = rng.random(len(eur))
    return np.select(
        [(eur < SMALL_EUR) & (draw < 0.6), eur < LIMITS_EUR[0], eur < LIMITS_EUR[1], eur < LIMITS_EUR[2]],
        [0, 1 + (draw * 3).astype(np.int64), 2 + (draw * 2).astype(np.int64), 4],
        5,
    )


def next_business_day(midnight: Ints) -> Ints:
    """The same midnight, or Monday's where it falls on a weekend."""
    day = ((midnight // DAY) + 3) % 7
    return midnight + np.where(day == 5, 2, np.where(day == 6, 1, 0)) * DAY


def withdrawal_requests(plan: pl.DataFrame) -> pl.DataFrame:
    """cash_requests events of the withdrawals, from `requested` to whatever ended them."""
    ended = pl.col("outcome")
    approved = ended.is_in(["paid", "failed", "returned"])
    sent = ended.is_in(["paid", "returned"])
    at = pl.col("at")
    steps = [
        (None, "requested", at, "client", 1),
        (pl.col("info"), "info_requested", at + 2 * HOUR, "staff", 2),
        (pl.col("info"), "info_given", at + 20 * HOUR, "client", 3),
        (approved, "approved", pl.col("approved_at"), "approver", 4),
        (ended == "rejected", "rejected", pl.col("approved_at"), "approver", 4),
        (ended == "cancelled", "cancelled", at + 12 * MINUTE, "client", 4),
        (sent, "sent", pl.col("sent_at"), "system", 5),
        (ended == "failed", "failed", pl.col("sent_at"), "provider", 5),
        (sent, "paid", pl.col("done_at") + 2 * MINUTE, "provider", 6),
        (ended == "returned", "returned", pl.col("done_at") + 3 * DAY, "provider", 7),
    ]
    parts = []
    for chosen, event, moment, actor, place in steps:
        rows = plan if chosen is None else plan.filter(chosen)
        parts.append(rows.with_columns(
            event=pl.lit(event), at=moment, place=pl.lit(place), event_id=pl.col("request_id") + f"-{place}",
            actor_type=_actor_type(actor), staff_id=_staff(actor),
            reason=pl.lit({"rejected": "check_failed", "failed": "instrument_closed", "returned": "beneficiary_unknown"}.get(event), pl.String),
        ))  # fmt: skip
    return pl.concat(parts).filter(~((ended == "cancelled") & pl.col("event").str.starts_with("info"))).with_columns(
        request_kind=pl.lit("withdrawal"), from_account=pl.lit("wallet"), to_account=pl.lit(None, pl.String),
    )  # fmt: skip


def _actor_type(actor: str) -> pl.Expr:
    if actor == "approver":
        return pl.when(pl.col("approver") == "system").then(pl.lit("system")).otherwise(pl.lit("staff"))
    return pl.lit(actor)


def _staff(actor: str) -> pl.Expr:
    if actor == "approver":
        return pl.when(pl.col("approver") == "system").then(pl.lit("payout-rules")).otherwise("approver")
    return pl.lit({"staff": "ST-08", "system": "payout-rules"}.get(actor), pl.String)


def risk_checks(plan: pl.DataFrame) -> pl.DataFrame:
    """The risk_checks feed. `checks`: before (as it should be), late (after the decision), or `no_<name>` (one never ran)."""
    parts = []
    for place, name in enumerate(CHECKS):
        rows = plan.filter(pl.col("checks") != f"no_{name}")
        ran = pl.when(pl.col("checks") == "late").then(pl.col("approved_at") + (5 + place) * MINUTE)
        failing = (pl.col("outcome") == "rejected") & (pl.col("client") % 2 + 1 == place)
        parts.append(rows.with_columns(
            check_id=pl.col("request_id") + f"-{name}", check_name=pl.lit(name),
            ran_at=ran.otherwise(pl.col("at") + (1 + place) * MINUTE), version=pl.lit(("3.1", "2024.11", "2.0")[place]),
            result=pl.when(failing).then(pl.lit("fail")).when(pl.col("info") & (name != "balance")).then(pl.lit("review")).otherwise(pl.lit("pass")),
        ))  # fmt: skip
        if name != "balance":  # what was reviewed is run again once the client has answered
            parts.append(parts[-1].filter(pl.col("info") & (pl.col("outcome") != "cancelled")).with_columns(
                check_id=pl.col("check_id") + "-2", ran_at=pl.col("at") + 21 * HOUR,
                result=pl.when(pl.col("outcome") == "rejected").then(pl.lit("fail")).otherwise(pl.lit("pass")),
            ))  # fmt: skip
    frame = pl.concat(parts).sort("ran_at", "check_id")
    subject = frame["instrument_id"].to_list()
    inputs = [
        json.dumps(
            {"amount": f"{amount / 100:.2f}", "currency": CURRENCIES[code], "instrument_id": token}, sort_keys=True
        )
        for amount, code, token in zip(frame["amount"].to_list(), frame["currency"].to_list(), subject, strict=True)
    ]
    return frame.select(
        pl.lit("riskdesk").alias("system"), "check_id", pl.lit("withdrawal").alias("subject_type"),
        pl.col("request_id").alias("subject_id"), "check_name", "version", "result", pl.Series("inputs", inputs, dtype=pl.String),
        pl.col("ran_at").cast(pl.Datetime("us")),
    )  # fmt: skip


def psp_payouts(plan: pl.DataFrame) -> pl.DataFrame:
    """PSP events of the withdrawals that a PSP paid (or, before anything was sent, could not pay)."""
    paid = plan.filter(pl.col("psp").is_not_null() & pl.col("outcome").is_in(["paid", "returned"]))
    started = paid.with_columns(at=pl.col("sent_at") + 10 * SECOND, status=pl.lit("initiated"), place=pl.lit(1))
    completed = paid.with_columns(at=pl.col("done_at"), status=pl.lit("completed"), place=pl.lit(2))
    events = pl.concat([started, completed]).with_columns(
        event_id="PO-" + pl.col("request_id") + "-" + pl.col("place").cast(pl.String),
        psp_txn_id="PO" + pl.col("request_id"),
        kind=pl.lit("withdrawal"),
        direction=pl.lit("out"),
        client_reference=pl.col("request_id"),
        decline_code=pl.lit(None, pl.String),
        original=pl.lit(None, pl.String),
        amount=pl.col("amount") - pl.col("fee"),
    )
    fee = fees(events["psp"], events["amount"].to_numpy(), events["currency"].to_numpy(), "withdrawal")
    return events.with_columns(fee=pl.when(pl.col("status") == "completed").then(pl.Series(values=fee)).otherwise(0))


def refund_plan(world: World, market: Market, people: People, deposits: pl.DataFrame) -> pl.DataFrame:
    """Part of a deposit given back to where it came from, three days later, for clients who never moved it on."""
    idle = deposits.filter(
        (pl.col("outcome") == "completed") & pl.col("psp").is_not_null() & (pl.col("client") < people.regular)
    )
    idle = idle.filter(~pl.Series(people.trades).gather(idle["client"]) & (pl.col("amount") >= 20_000))
    step = np.where(idle["currency"].to_numpy() == CURRENCIES.index("JPY"), 10_000, 100)
    part = idle["amount"].to_numpy() // 3 // step * step
    plan = idle.with_columns(
        request_id="G" + pl.col("request_id"), refunds_txn="TX" + pl.col("request_id"), at=pl.col("at") + 3 * DAY,
        amount=pl.Series(values=part), outcome=pl.lit("paid"), info=pl.lit(False), fee=pl.lit(0, pl.Int64), checks=pl.lit("before"),
    )  # fmt: skip
    return with_decisions(world, market, plan, 2)
